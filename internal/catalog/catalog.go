package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sealpost/internal/ecmajson"
)

// What a folder of schemas may hold.
const (
	maxSchema = 1 << 20 // bytes of one file
	maxTypes  = 1000    // files
)

// builtinTypes names the built-in types, in the order in which they are shown.
var builtinTypes = []string{
	"transaction.created", "transaction.updated", "transaction.completed", "card.updated", "user.updated",
}

// Options says what a catalog holds besides the built-in types.
type Options struct {
	// Schemas is a folder of types of the user's own, one file
	// resource.action.json each; nil for none. Files whose names begin with _
	// are there for others to refer to. Files that do not end in .json, hidden
	// files and folders are left alone.
	Schemas fs.FS

	// Strict refuses types that are not in the catalog.
	Strict bool
}

// Catalog is a set of event types. It is safe for concurrent use.
type Catalog struct {
	strict bool
	names  []string // built-in ones first, then the user's by name
	types  map[string]*entry
}

// entry is a type of the catalog, read when it is first asked for.
type entry struct {
	*document
	builtIn bool

	sampling sync.Once
	sample   []byte
	fault    error
}

// Type describes an event type.
type Type struct {
	Name        string // resource.action
	Title       string // a short sentence; empty when the schema has none
	Description string
	BuiltIn     bool
	Schema      []byte  // the JSON Schema as it stands in its file
	Sample      []byte  // a full body, canonical; nil when the schema gives none and none can be derived
	Fields      []Field // in the schema's order, each before those inside it
}

// New makes a catalog. Every file of a user's folder is judged; the error
// names each that is wrong and what is wrong in it. Built-in schemas are
// compiled when first used, so without a folder New takes microseconds.
func New(opts Options) (*Catalog, error) {
	c := &Catalog{strict: opts.Strict, types: map[string]*entry{}}
	for _, name := range builtinTypes {
		c.names = append(c.names, name)
		c.types[name] = &entry{document: builtin()[name+".json"], builtIn: true}
	}
	if opts.Schemas == nil {
		return c, nil
	}
	files, err := fs.ReadDir(opts.Schemas, ".")
	if err != nil {
		// The folder's own name is the caller's to tell.
		if wrapped := (*fs.PathError)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, fmt.Errorf("the folder of event schemas can't be read: %w", err)
	}
	if len(files) > maxTypes {
		return nil, fmt.Errorf("the folder of event schemas holds %d files; at most %d are taken", len(files), maxTypes)
	}
	var faults []error
	for _, file := range files {
		name := file.Name()
		if file.IsDir() || !strings.HasSuffix(name, ".json") || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
			continue
		}
		if err := c.add(opts.Schemas, name); err != nil {
			faults = append(faults, fmt.Errorf("event schema %s: %w", name, err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	slices.Sort(c.names[len(builtinTypes):])
	return c, nil
}

// add judges a user's schema and takes it in.
func (c *Catalog) add(folder fs.FS, file string) error {
	name := strings.TrimSuffix(file, ".json")
	if !validType(name) {
		return errors.New("its name must be resource.action.json, both ^[a-z][a-z0-9_]{0,63}$, as in order.paid.json")
	}
	if c.types[name] != nil {
		return fmt.Errorf("%s is a built-in type; choose another name", name)
	}
	raw, err := readBounded(folder, file)
	if err != nil {
		return err
	}
	e := &entry{document: &document{name: file, raw: raw, user: folder}}
	if err := ecmajson.Members(raw, func(_, _ []byte) error { return nil }); err != nil {
		return fmt.Errorf("it must be one JSON object: %w", err)
	}
	if _, err := e.schema(); err != nil {
		return fmt.Errorf("it is not a JSON Schema: %s", e.compileFault(err))
	}
	var k keywords
	if err := json.Unmarshal(raw, &k); err == nil && len(k.Examples) > 0 {
		if faults := e.validate(k.Examples[0]); len(faults) > 0 {
			return fmt.Errorf("its first example does not fit it: %s", strings.Join(Lines(faults), "; "))
		}
	}
	c.names = append(c.names, name)
	c.types[name] = e
	return nil
}

// Types describes all types: the built-in ones, then the user's by name.
func (c *Catalog) Types() []Type {
	all := make([]Type, 0, len(c.names))
	for _, name := range c.names {
		t, _ := c.Type(name)
		all = append(all, t)
	}
	return all
}

// Names lists the names of all types, in the order of [Catalog.Types].
func (c *Catalog) Names() []string { return slices.Clone(c.names) }

// Type describes a type; found is false when the catalog has none of that name.
func (c *Catalog) Type(name string) (t Type, found bool) {
	e := c.types[name]
	if e == nil {
		return Type{}, false
	}
	e.root()
	sample, _ := e.full()
	t = Type{Name: name, Description: e.tree.description, BuiltIn: e.builtIn, Schema: e.raw, Sample: sample, Fields: e.fields}
	var k keywords
	if json.Unmarshal(e.raw, &k) == nil {
		t.Title = k.Title
	}
	return t, true
}

// Near lists up to three types whose names are close to one that is not there.
func (c *Catalog) Near(name string) []string { return near(name, c.names) }

// Validate returns all faults of a body of a type, ordered by path and at most
// 33 of them (the last says how many more); none when it fits. A type that is
// not in the catalog has none, unless the catalog is strict.
func (c *Catalog) Validate(typ string, body []byte) []Fault {
	if e := c.types[typ]; e != nil {
		return e.validate(body)
	}
	if !c.strict {
		return nil
	}
	text := fmt.Sprintf("the type %s is not in the catalog, and events.strict is set%s", typ, didYouMean(c.Near(typ)))
	return []Fault{{Rule: "strict", Message: clip(text, maxText)}}
}

// Check is [Catalog.Validate] with each fault as one line.
func (c *Catalog) Check(typ string, body []byte) []string {
	faults := c.Validate(typ, body)
	if len(faults) == 0 {
		return nil
	}
	return Lines(faults)
}

// Has reports whether a type is in the catalog.
func (c *Catalog) Has(typ string) bool { return c.types[typ] != nil }

// validType reports whether s is resource.action as the contract has it.
func validType(s string) bool {
	resource, action, found := strings.Cut(s, ".")
	return found && validWord(resource) && validWord(action)
}

func validWord(s string) bool {
	if len(s) < 1 || len(s) > 64 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// compileFault says on one line what keeps a schema from being one.
func (d *document) compileFault(err error) string {
	var invalid *jsonschema.SchemaValidationError
	var tree *jsonschema.ValidationError
	if errors.As(err, &invalid) && errors.As(invalid.Err, &tree) {
		c := collector{document: d, value: d.parsed}
		c.collect(tree)
		return strings.Join(Lines(settle(c.faults)), "; ")
	}
	return strings.ReplaceAll(strings.Join(strings.Fields(err.Error()), " "), base, "")
}
