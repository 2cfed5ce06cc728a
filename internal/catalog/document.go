package catalog

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sealpost/internal/ecmajson"
)

// embedded holds the schemas of the built-in types and, in a folder for each
// provider, those of what comes in.
//
//go:embed schemas
var embedded embed.FS

// base is where schemas stand for references between them. It leads nowhere:
// the only resources are the embedded ones and those of one folder.
const base = "sealpost:///schemas/"

// openFolder is a folder that exists for references only: it shows the built-in
// types with additional properties let in, for what comes from providers.
const openFolder = "open/"

// document is one schema file. Parsing and compiling it is put off until it is
// first needed, so a command that validates nothing pays nothing.
type document struct {
	name string // file name, relative to base
	raw  []byte
	user fs.FS // where else references may lead; nil for embedded ones

	compiling sync.Once
	compiled  *jsonschema.Schema
	parsed    any
	fault     error

	reading sync.Once
	tree    *node
	fields  []Field
}

// builtin holds the embedded documents by name, like transaction.created.json
// or panda/card.updated.json. They are read once and never change.
var builtin = sync.OnceValue(func() map[string]*document {
	all := map[string]*document{}
	for _, pattern := range []string{"schemas/*.json", "schemas/*/*.json"} {
		names, err := fs.Glob(embedded, pattern)
		if err != nil {
			panic(err) // the patterns are constants
		}
		for _, name := range names {
			raw, err := embedded.ReadFile(name)
			if err != nil {
				panic(err) // it was listed
			}
			short := strings.TrimPrefix(name, "schemas/")
			all[short] = &document{name: short, raw: raw}
		}
	}
	return all
})

// schema compiles the document, once.
func (d *document) schema() (*jsonschema.Schema, error) {
	d.compiling.Do(func() {
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft2020)
		c.AssertFormat()
		c.UseLoader(loader{d})
		if d.parsed, d.fault = jsonschema.UnmarshalJSON(bytes.NewReader(d.raw)); d.fault != nil {
			return
		}
		if d.fault = c.AddResource(base+d.name, d.parsed); d.fault != nil {
			return
		}
		d.compiled, d.fault = c.Compile(base + d.name)
	})
	return d.compiled, d.fault
}

// loader finds what a document refers to.
type loader struct{ d *document }

// Load implements [jsonschema.URLLoader].
func (l loader) Load(address string) (any, error) {
	name, found := strings.CutPrefix(address, base)
	if !found {
		return nil, errors.New("a schema can refer to files of its own folder and to built-in types only")
	}
	closed, open := strings.CutPrefix(name, openFolder)
	raw, err := l.d.sibling(closed)
	if err != nil {
		return nil, err
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if open {
		letIn(parsed)
	}
	return parsed, err
}

// sibling reads a file that stands beside the document.
func (d *document) sibling(name string) ([]byte, error) {
	if found, ok := builtin()[name]; ok {
		return found.raw, nil
	}
	if d.user == nil || !fs.ValidPath(name) || strings.Contains(name, "/") {
		return nil, fmt.Errorf("no schema is called %s", name)
	}
	return readBounded(d.user, name)
}

// letIn takes every "additionalProperties": false out of a schema.
func letIn(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		if s["additionalProperties"] == false {
			delete(s, "additionalProperties")
		}
		for _, inner := range s {
			letIn(inner)
		}
	case []any:
		for _, inner := range s {
			letIn(inner)
		}
	}
}

// comment returns the "$comment" of the subschema at a location, when it
// stands in this document: the reason for a rule, in words.
func (d *document) comment(location string) string {
	pointer, found := strings.CutPrefix(location, base+d.name+"#")
	if !found {
		return ""
	}
	at, found := lookup(d.parsed, pointerSteps(pointer))
	if !found {
		return ""
	}
	object, _ := at.(map[string]any)
	text, _ := object["$comment"].(string)
	return text
}

// validate returns the faults of a body. The body need not be canonical.
func (d *document) validate(body []byte) []Fault {
	canonical, err := ecmajson.Append(make([]byte, 0, len(body)), body)
	if err != nil {
		return []Fault{syntaxFault(err)}
	}
	value, unsafe := takeUnsafe(ecmajson.Decode(canonical), nil, nil)
	faults := settle(append(unsafe, d.judge(value)...))
	for i, f := range faults {
		if f.Message == unknownField {
			faults[i].Message += didYouMean(near(f.Path, d.paths()))
		}
	}
	return faults
}

// judge returns the faults of a decoded value that went through [takeUnsafe].
func (d *document) judge(value any) []Fault {
	c := collector{document: d, value: value}
	schema, err := d.schema()
	if err != nil {
		return []Fault{{Rule: "schema", Message: fmt.Sprintf("the schema %s can't be used: %v", d.name, err)}}
	}
	if err := schema.Validate(value); err != nil {
		var tree *jsonschema.ValidationError
		if !errors.As(err, &tree) {
			return []Fault{{Rule: "schema", Message: err.Error()}}
		}
		c.collect(tree)
	}
	return quiet(c.faults)
}

func syntaxFault(err error) Fault {
	return Fault{Rule: "syntax", Message: "not JSON: " + err.Error()}
}

// takeUnsafe finds the numbers beyond ±2⁵³ and puts zeros in their places: the
// validator would make a rational number of a million digits.
func takeUnsafe(value any, at []string, faults []Fault) (any, []Fault) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			before := len(faults)
			if inner, faults = takeUnsafe(inner, append(at, key), faults); len(faults) > before {
				v[key] = inner
			}
		}
	case []any:
		for i, inner := range v {
			v[i], faults = takeUnsafe(inner, append(at, strconv.Itoa(i)), faults)
		}
	case json.Number:
		if !safe(v) {
			return json.Number("0"), append(faults, Fault{
				Path: clip(join(at), maxText), Rule: "safe-integer", Value: show(v),
				Message: "is beyond ±2⁵³ (9007199254740992), where receivers would read another number",
			})
		}
	}
	return value, faults
}

// safe reports whether a number, canonical JSON, lies within ±2⁵³.
func safe(n json.Number) bool {
	if !strings.ContainsAny(string(n), ".e") {
		i, err := n.Int64()
		return err == nil && i >= -ecmajson.MaxSafeInteger && i <= ecmajson.MaxSafeInteger
	}
	f, err := n.Float64()
	return err == nil && f >= -ecmajson.MaxSafeInteger && f <= ecmajson.MaxSafeInteger
}

// pointerSteps splits a JSON Pointer (RFC 6901), percent-decoded, in its steps.
func pointerSteps(pointer string) []string {
	if pointer == "" {
		return nil
	}
	if plain, err := url.PathUnescape(pointer); err == nil {
		pointer = plain
	}
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, step := range steps {
		steps[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
	}
	return steps
}

// resolve finds the document that a reference of this one leads to, and the
// pointer into it.
func (d *document) resolve(reference string) (raw []byte, pointer string, ok bool) {
	file, pointer, _ := strings.Cut(reference, "#")
	if file == "" {
		return d.raw, pointer, true
	}
	raw, err := d.sibling(strings.TrimPrefix(path.Join(path.Dir(d.name), file), openFolder))
	return raw, pointer, err == nil
}

// readBounded reads a schema file of a user.
func readBounded(folder fs.FS, name string) ([]byte, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read from
	raw, err := io.ReadAll(io.LimitReader(f, maxSchema+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxSchema {
		return nil, fmt.Errorf("has more than %d bytes", maxSchema)
	}
	return raw, nil
}
