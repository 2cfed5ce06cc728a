package catalog

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// maxFaults bounds how many faults of one body are told; one more says how
// many there are besides.
const maxFaults = 32

// Bounds of what a fault shows, in bytes.
const (
	maxShown = 64  // of a value
	maxText  = 240 // of a path, and of a message
)

// Fault is one thing that is wrong with a body.
type Fault struct {
	Path    string // dotted, as in spend.amount, tokenWallets.0 or odd["a.b"]; empty for the whole
	Rule    string // the JSON Schema keyword that failed, or syntax, safe-integer, strict
	Value   string // what stands there as JSON, at most 64 bytes of it; empty when nothing does
	Message string // what is wrong, without the path
}

// String returns the fault as one line: path, message, value.
func (f Fault) String() string {
	line := f.Message
	if f.Path != "" {
		line = f.Path + ": " + line
	}
	if f.Value != "" {
		line += ", is " + f.Value
	}
	return line
}

// Lines returns each fault as one line.
func Lines(faults []Fault) []string {
	lines := make([]string, len(faults))
	for i, f := range faults {
		lines[i] = f.String()
	}
	return lines
}

// What is said of a field that a schema does not name, and the rule besides
// additionalProperties that says it.
const (
	unknownField = "is not a field of this type"
	unevaluated  = "unevaluatedProperties"
)

// collector gathers faults of one value from the tree that the validator
// makes of them.
type collector struct {
	document *document
	value    any
	faults   []Fault
}

// collect walks the tree of causes and keeps its leaves.
func (c *collector) collect(err *jsonschema.ValidationError) {
	at := err.InstanceLocation
	switch k := err.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
		// The causes are those of every alternative; told one by one they
		// would read as if all had to be met.
		c.add(at, rule(err), "does not fit one of the alternatives that the schema gives")
	case *kind.Contains, *kind.MinContains, *kind.PropertyNames:
		c.add(at, rule(err), wording(err.ErrorKind))
	case *kind.Required:
		for _, name := range k.Missing {
			c.add(append(slices.Clone(at), name), "required", "is missing")
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			c.add(append(slices.Clone(at), name), "additionalProperties", unknownField)
		}
	default:
		for _, cause := range err.Causes {
			c.collect(cause)
		}
		if len(err.Causes) == 0 {
			c.leaf(err)
		}
	}
}

func (c *collector) leaf(err *jsonschema.ValidationError) {
	at := err.InstanceLocation
	if strings.HasSuffix(err.SchemaURL, "/unevaluatedProperties") {
		c.add(at, unevaluated, unknownField)
		return
	}
	text := wording(err.ErrorKind)
	if comment := c.document.comment(err.SchemaURL); comment != "" {
		text += " (" + comment + ")"
	}
	c.add(at, rule(err), text)
}

func (c *collector) add(at []string, rule, text string) {
	f := Fault{Path: clip(join(at), maxText), Rule: rule, Message: clip(text, maxText)}
	if v, found := lookup(c.value, at); found {
		f.Value = show(v)
	}
	c.faults = append(c.faults, f)
}

// quiet takes out complaints of unevaluatedProperties about an object that has
// another fault: a field counts as evaluated only where all of the schema fits,
// so every one of the object's fields would be told.
func quiet(faults []Fault) []Fault {
	faulty := map[string]bool{} // every object with another fault in it
	for _, f := range faults {
		if f.Rule == unevaluated {
			continue
		}
		for path := f.Path; !faulty[path]; path = parent(path) {
			faulty[path] = true
		}
	}
	return slices.DeleteFunc(faults, func(f Fault) bool { return f.Rule == unevaluated && faulty[parent(f.Path)] })
}

// settle puts faults in order (the validator walks over maps, so it has none)
// and bounds their number.
func settle(faults []Fault) []Fault {
	slices.SortFunc(faults, func(a, b Fault) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Message, b.Message))
	})
	faults = slices.Compact(faults)
	if more := len(faults) - maxFaults; more > 0 {
		faults = append(faults[:maxFaults:maxFaults], Fault{Rule: "more", Message: fmt.Sprintf("and %s more", count(more, "fault"))})
	}
	return faults
}

// rule is the keyword that failed: the last word of where it stands.
func rule(err *jsonschema.ValidationError) string {
	if path := err.ErrorKind.KeywordPath(); len(path) > 0 {
		return path[0]
	}
	switch err.ErrorKind.(type) {
	case *kind.Type:
		return "type"
	case *kind.Not:
		return "not"
	}
	return "false"
}

// lookup finds the value at a path of keys and indices.
func lookup(v any, path []string) (any, bool) {
	for _, step := range path {
		switch node := v.(type) {
		case map[string]any:
			next, found := node[step]
			if !found {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(node) {
				return nil, false
			}
			v = node[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// show writes a value as JSON, at most [maxShown] bytes of it.
func show(v any) string {
	switch v := v.(type) {
	case map[string]any:
		return fmt.Sprintf("an object of %s", count(len(v), "member"))
	case []any:
		return fmt.Sprintf("an array of %s", count(len(v), "element"))
	case string:
		// Cut before it is quoted: a megabyte need not be escaped to show
		// its beginning.
		if short := clip(v, maxShown); short != v {
			return strconv.Quote(strings.TrimSuffix(short, "…")) + "…"
		}
		return strconv.Quote(v)
	case json.Number:
		return clip(string(v), maxShown)
	case nil:
		return "null"
	}
	return fmt.Sprint(v)
}

// clip cuts a text to so many bytes, between two characters, and says so.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
