package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sealpost/internal/ecmajson"
)

// ErrUnknownType is returned for a type that the catalog does not have.
var ErrUnknownType = errors.New("unknown event type")

// Assignment sets one field of a sample.
type Assignment struct {
	Path  string // of a field of the type, as in spend.amount
	Value string // JSON; for a field that holds text the text itself will do
}

// ParseAssignment reads PATH=VALUE.
func ParseAssignment(text string) (Assignment, error) {
	path, value, found := strings.Cut(text, "=")
	if !found || path == "" {
		return Assignment{}, fmt.Errorf("%q is not PATH=VALUE, as in spend.amount=2500", text)
	}
	return Assignment{Path: path, Value: value}, nil
}

// Sample makes a body of a type, canonical. Seed 0 is the documented sample;
// any other varies its ids, amounts and merchant, always in the same way. Then
// each assignment sets a field. All that is wrong with the assignments is in
// the error; whether the body still fits the type is for [Catalog.Validate].
func (c *Catalog) Sample(typ string, seed uint64, set []Assignment) ([]byte, error) {
	e := c.types[typ]
	if e == nil {
		return nil, c.unknownType(typ)
	}
	body, err := e.full()
	if err != nil {
		return nil, fmt.Errorf("type %s: %w", typ, err)
	}
	if seed != 0 {
		body = e.vary(body, seed)
	}
	var faults []error
	for _, a := range set {
		if body, err = e.assign(body, a); err != nil {
			faults = append(faults, err)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return ecmajson.Append(nil, body)
}

func (c *Catalog) unknownType(typ string) error {
	if names := c.Near(typ); len(names) > 0 {
		return fmt.Errorf("%w %s%s", ErrUnknownType, show(typ), didYouMean(names))
	}
	return fmt.Errorf("%w %s; there are %s", ErrUnknownType, show(typ), strings.Join(c.names, ", "))
}

// full returns the type's sample: the first example of its schema, or one
// that is put together from its fields.
func (e *entry) full() ([]byte, error) {
	e.sampling.Do(func() {
		var k keywords
		if e.fault = json.Unmarshal(e.raw, &k); e.fault != nil {
			return
		}
		example := e.root().derive()
		if len(k.Examples) > 0 {
			example = k.Examples[0]
		}
		sample, err := ecmajson.Append(nil, example)
		if err != nil {
			e.fault = fmt.Errorf("its example is %w", err)
			return
		}
		if faults := e.validate(sample); len(faults) > 0 {
			e.fault = fmt.Errorf("its schema has no examples, and none can be put together from its fields (%s); add one", strings.Join(Lines(faults), "; "))
			return
		}
		e.sample = sample
	})
	return e.sample, e.fault
}

// derive makes a value that is likely to fit. The tree of nodes ends even
// where a schema refers to itself.
func (n *node) derive() []byte {
	switch {
	case n.fallback != nil:
		return n.fallback
	case len(n.enum) > 0:
		return n.enum[0]
	case n.children != nil:
		out := []byte{'{'}
		for _, c := range n.children {
			if c.blank() && !c.required {
				continue
			}
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(ecmajson.AppendString(out, c.name), ':')
			out = append(out, c.derive()...)
		}
		return append(out, '}')
	case len(n.types) == 0:
		return []byte("null")
	}
	switch n.types[0] {
	case "string":
		return []byte(`"text"`)
	case "integer", "number":
		return []byte("1")
	case "boolean":
		return []byte("true")
	case "array":
		if n.items != nil {
			return append(append([]byte{'['}, n.items.derive()...), ']')
		}
		return []byte("[]")
	}
	return []byte("{}")
}

// blank reports whether the schema says nothing of a value but that it may be
// null.
func (n *node) blank() bool {
	return len(n.types) == 0 && !n.nullable && n.enum == nil && n.fallback == nil && n.children == nil
}

// vary changes what differs between two real events of the type. Of a user's
// type that is the id alone, when it is free text.
func (e *entry) vary(body []byte, seed uint64) []byte {
	s := newScene(seed, abroad)
	values := s.values()
	if !e.builtIn {
		values = map[string]any{"id": s.transaction}
	}
	varied := body
	e.root()
	for _, f := range e.fields {
		value, varies := values[e.varied(f.Path)]
		if _, present := walk(body, f.steps); !varies || !present {
			continue
		}
		if next, err := put(varied, f.steps, encode(value)); err == nil {
			varied = next
		}
	}
	if !e.builtIn && len(e.validate(varied)) > 0 {
		return body
	}
	return varied
}

// varied says under which name of a scene a field's value is found.
func (e *entry) varied(path string) string {
	switch e.name {
	case "card.updated.json":
		return "card." + path
	case "user.updated.json":
		return "user." + path
	}
	return path
}

// assign sets one field of a body. The value is taken by what the field takes.
// After an error the body is as it was.
func (e *entry) assign(body []byte, a Assignment) ([]byte, error) {
	e.root()
	i := slices.IndexFunc(e.fields, func(f Field) bool { return f.Path == a.Path })
	if i < 0 {
		if names := near(a.Path, e.paths()); len(names) > 0 {
			return body, fmt.Errorf("%s %s%s", a.Path, unknownField, didYouMean(names))
		}
		return body, fmt.Errorf("%s %s; there are %s", a.Path, unknownField, strings.Join(e.paths(), ", "))
	}
	f := e.fields[i]
	value, err := ecmajson.Append(nil, []byte(a.Value))
	if err != nil || !f.node.takes(jsonType(value)) {
		if !f.node.takes("string") {
			return body, fmt.Errorf("%s must be %s, and %q is none", a.Path, f.kinds(), a.Value)
		}
		value = ecmajson.AppendString(nil, a.Value)
	}
	next, err := put(body, f.steps, value)
	if err != nil {
		return body, fmt.Errorf("%s: %w", a.Path, err)
	}
	return next, nil
}

// jsonType is the JSON type of canonical JSON.
func jsonType(canonical []byte) string {
	switch canonical[0] {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

// put replaces the value at a path of canonical JSON, or adds it as the last
// member of its object.
func put(object []byte, path []string, value []byte) ([]byte, error) {
	if len(path) == 0 {
		return value, nil
	}
	out, done := []byte{'{'}, false
	member := func(key, value []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(ecmajson.AppendString(out, string(key)), ':'), value...)
	}
	err := ecmajson.Members(object, func(key, old []byte) error {
		if string(key) != path[0] {
			member(key, old)
			return nil
		}
		inner, err := put(old, path[1:], value)
		if err != nil {
			return err
		}
		done = true
		member(key, inner)
		return nil
	})
	if errors.Is(err, ecmajson.ErrNotObject) {
		return nil, errors.New("what it is in is not an object in the sample; set that first")
	}
	if err != nil {
		return nil, err
	}
	if !done {
		inner, err := put([]byte("{}"), path[1:], value)
		if err != nil {
			return nil, err
		}
		member([]byte(path[0]), inner)
	}
	return append(out, '}'), nil
}

// encode writes a scene's value as JSON.
func encode(value any) []byte {
	switch v := value.(type) {
	case nil:
		return []byte("null")
	case string:
		return ecmajson.AppendString(nil, v)
	case float64:
		return ecmajson.AppendNumber(nil, v)
	}
	return fmt.Append(nil, value)
}
