package catalog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sealpost/internal/ecmajson"
)

// Field is one field of a type's body, as a table would show it.
type Field struct {
	Path        string   // dotted, as in spend.amount
	Type        string   // string, integer, number, boolean, object, array of string, …; any when the schema says none
	Required    bool     // it and all that it is in must be there
	Nullable    bool     // null is a value for it
	Description string   // in words; empty when the schema has none
	Enum        []string // the only values, as they would be written without quotes; nil for any
	Limits      string   // other rules in words, as in "4 characters"; empty for none

	node  *node
	steps []string // the keys of Path
}

// Text is all that the schema says of the field besides its type, in sentences:
// the description, the values, the limits. Values that the description tells
// apart ("pending: …") are not listed again.
func (f Field) Text() string {
	var all []string
	if f.Description != "" {
		all = append(all, strings.TrimSuffix(f.Description, ".")+".")
	}
	untold := func(value string) bool { return !strings.Contains(f.Description, value+": ") }
	switch {
	case len(f.Enum) == 1:
		all = append(all, "Always "+f.Enum[0]+".")
	case slices.ContainsFunc(f.Enum, untold):
		all = append(all, "One of: "+strings.Join(f.Enum, ", ")+".")
	}
	if f.Limits != "" {
		all = append(all, strings.ToUpper(f.Limits[:1])+f.Limits[1:]+".")
	}
	return strings.Join(all, " ")
}

// kinds names what a field takes, as a sentence does.
func (f Field) kinds() string {
	all := make([]string, 0, len(f.node.types)+1)
	for _, typ := range f.node.types {
		all = append(all, article(typ))
	}
	if f.Nullable {
		all = append(all, "null")
	}
	return strings.Join(all, " or ")
}

// Bounds of what is read of a schema to list its fields; schemas may refer to
// themselves, in more than one way at once.
const (
	maxNesting = 8
	maxNodes   = 2000
)

// node is what a schema says about one value, with what it refers to and the
// branches of its allOf taken in.
type node struct {
	name        string
	path        string // dotted; set once all is read
	types       []string
	nullable    bool
	required    bool
	description string
	enum        []json.RawMessage
	limits      []string
	children    []*node
	items       *node
	fallback    json.RawMessage // an example or default value
}

// keywords are the members of a schema that a table of fields needs. That the
// schema is one at all was judged by compiling it.
type keywords struct {
	Ref         string            `json:"$ref"`
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Type        oneOrMany         `json:"type"`
	Const       json.RawMessage   `json:"const"`
	Enum        []json.RawMessage `json:"enum"`
	Examples    []json.RawMessage `json:"examples"`
	Default     json.RawMessage   `json:"default"`
	Format      string            `json:"format"`
	Pattern     string            `json:"pattern"`
	MinLength   *int              `json:"minLength"`
	MaxLength   *int              `json:"maxLength"`
	Minimum     json.Number       `json:"minimum"`
	Maximum     json.Number       `json:"maximum"`
	MinItems    *int              `json:"minItems"`
	MaxItems    *int              `json:"maxItems"`
	Required    []string          `json:"required"`
	Properties  json.RawMessage   `json:"properties"`
	Items       json.RawMessage   `json:"items"`
	AllOf       []json.RawMessage `json:"allOf"`
}

// oneOrMany is the value of "type": a name or a list of names.
type oneOrMany []string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *oneOrMany) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		*t = make([]string, 1)
		return json.Unmarshal(raw, &(*t)[0])
	}
	return json.Unmarshal(raw, (*[]string)(t))
}

// root reads the document's fields, once.
func (d *document) root() *node {
	d.reading.Do(func() {
		d.tree = &node{required: true}
		(&reader{document: d}).read(d.tree, d.raw, 0)
		d.fields = d.tree.list(nil, "", nil, true)
	})
	return d.tree
}

// paths lists the paths of all fields.
func (d *document) paths() []string {
	d.root()
	paths := make([]string, len(d.fields))
	for i, f := range d.fields {
		paths[i] = f.Path
	}
	return paths
}

// reader reads the nodes of one document.
type reader struct {
	*document
	seen int // schemas read so far
}

// read takes in what a schema says of a value. What can't be read is left out:
// it is the table of fields that is the poorer, not the validation.
func (r *reader) read(n *node, raw []byte, depth int) {
	var k keywords
	if r.seen++; r.seen > maxNodes || depth > maxNesting || json.Unmarshal(raw, &k) != nil {
		return
	}
	if k.Ref != "" {
		if file, pointer, ok := r.resolve(k.Ref); ok {
			if target, found := walk(file, pointerSteps(pointer)); found {
				r.read(n, target, depth+1)
			}
		}
	}
	for _, branch := range k.AllOf {
		r.read(n, branch, depth+1)
	}
	n.take(&k)
	if k.Properties != nil {
		_ = ecmajson.Members(k.Properties, func(key, value []byte) error {
			r.read(n.child(string(key)), value, depth+1)
			return nil
		})
	}
	for _, c := range n.children {
		c.required = c.required || slices.Contains(k.Required, c.name)
	}
	if k.Items != nil {
		n.items = &node{}
		r.read(n.items, k.Items, depth+1)
	}
}

// take copies the keywords that belong to the value itself.
func (n *node) take(k *keywords) {
	for _, t := range k.Type {
		if t == "null" {
			n.nullable = true
		} else if !slices.Contains(n.types, t) {
			n.types = append(n.types, t)
		}
	}
	if k.Description != "" {
		n.description = k.Description
	}
	if k.Enum != nil {
		n.enum = k.Enum
	}
	if k.Const != nil {
		n.enum = []json.RawMessage{k.Const}
	}
	switch {
	case len(k.Examples) > 0:
		n.fallback = k.Examples[0]
	case k.Default != nil:
		n.fallback = k.Default
	}
	n.limits = append(n.limits, k.limits()...)
}

// limits words the rules that are not type or enum.
func (k *keywords) limits() []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	span := func(least, most *int, noun string) {
		switch {
		case least != nil && most != nil && *least == *most:
			say("%s", count(*least, noun))
		case least != nil && most != nil:
			say("%d to %s", *least, count(*most, noun))
		case least != nil && *least > 0:
			say("at least %s", count(*least, noun))
		case most != nil:
			say("at most %s", count(*most, noun))
		}
	}
	span(k.MinLength, k.MaxLength, "character")
	span(k.MinItems, k.MaxItems, "element")
	if k.Minimum != "" {
		say("at least %s", k.Minimum)
	}
	if k.Maximum != "" {
		say("at most %s", k.Maximum)
	}
	if k.Format != "" {
		say("format %s", k.Format)
	}
	if k.Pattern != "" {
		say("matches %s", k.Pattern)
	}
	return all
}

// child returns the field of a name, made when it is new.
func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	c := &node{name: name}
	n.children = append(n.children, c)
	return c
}

// list appends a node's fields, each before those inside it.
func (n *node) list(fields []Field, path string, steps []string, required bool) []Field {
	for _, c := range n.children {
		f := Field{
			Path: under(path, c.name), Type: c.typeName(), Required: required && c.required, Nullable: c.nullable,
			Description: c.description, Limits: strings.Join(c.limits, ", "), Enum: c.values(),
			node: c, steps: append(slices.Clone(steps), c.name),
		}
		c.path = f.Path
		if c.items != nil && f.Enum == nil {
			f.Enum = c.items.values()
		}
		fields = append(fields, f)
		fields = c.list(fields, f.Path, f.steps, f.Required)
	}
	return fields
}

func (n *node) typeName() string {
	name := "any"
	if len(n.types) > 0 {
		name = strings.Join(n.types, " or ")
	}
	if n.items != nil && name == "array" {
		name += " of " + n.items.typeName()
	}
	return name
}

// values lists the enum, texts without their quotes.
func (n *node) values() []string {
	var all []string
	for _, raw := range n.enum {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		all = append(all, text)
	}
	return all
}

// takes reports whether a value of a JSON type fits.
func (n *node) takes(jsonType string) bool {
	switch {
	case len(n.types) == 0:
		return true
	case jsonType == "null":
		return n.nullable
	case jsonType == "number":
		return slices.Contains(n.types, "number") || slices.Contains(n.types, "integer")
	}
	return slices.Contains(n.types, jsonType)
}

// walk finds the text of a value inside a JSON text.
func walk(raw []byte, path []string) ([]byte, bool) {
	for _, step := range path {
		var next []byte
		err := ecmajson.Members(raw, func(key, value []byte) error {
			if string(key) == step {
				next = value
			}
			return nil
		})
		if err != nil || next == nil {
			return nil, false
		}
		raw = next
	}
	return raw, true
}
