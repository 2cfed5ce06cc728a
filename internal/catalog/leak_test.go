package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sealpost/internal/catalog/catalogtest"
	"sealpost/internal/ecmajson"
)

// TestNothingElseLeaves puts fields at random into every object of an event
// that comes in, envelope included, under names that tempt. What goes out must
// not change by one byte: whatever a provider adds, at any depth, of any type,
// stays here.
func TestNothingElseLeaves(t *testing.T) {
	c := must(New(Options{Strict: true}))
	for event, body := range incoming {
		clean := pandaEvent("evt-1", event, body)
		known := knownTo(event)
		t.Run(event, rapid.MakeCheck(func(t *rapid.T) {
			var whole map[string]any
			if err := json.Unmarshal(clean, &whole); err != nil {
				t.Fatal(err)
			}
			catalogtest.Strew(t, whole, c.allPaths(), known)
			in, err := panda{}.Map(must(json.Marshal(whole)))
			if err != nil {
				t.Fatalf("an extra field was not tolerated: %v", err)
			}
			want := must(panda{}.Map(clean))
			if in.Ignored() {
				if in.body != nil || !want.Ignored() {
					t.Fatalf("nothing should leave, but %s would", in.body)
				}
				return
			}
			body := must(in.Body("cred-1", ""))
			if without := must(want.Body("cred-1", "")); !bytes.Equal(body, without) || in.Type != want.Type {
				t.Fatalf("an extra field changes what leaves from\n%s\nto\n%s", without, body)
			}
			if faults := c.Validate(in.Type, body); faults != nil || !ecmajson.Exact(body) {
				t.Fatalf("%s does not fit: %v", body, faults)
			}
			for _, mark := range append(catalogtest.Personal, catalogtest.Leak) {
				if bytes.Contains(body, []byte(mark)) {
					t.Fatalf("%s leaves: %s", mark, body)
				}
			}
		}))
	}
}

// TestSchemasAreClosed: what the property above asks of a schema, that it
// refuses what it does not name, each built-in one does for every object.
func TestSchemasAreClosed(t *testing.T) {
	c := must(New(Options{}))
	for _, name := range c.Names() {
		var sample map[string]any
		if err := json.Unmarshal(must(c.Sample(name, 0, nil)), &sample); err != nil {
			t.Fatal(err)
		}
		objects := 0
		var visit func(object map[string]any)
		visit = func(object map[string]any) {
			objects++
			object["unforeseen"] = true
			if faults := c.Validate(name, must(json.Marshal(sample))); len(faults) != 1 || faults[0].Message != unknownField {
				t.Errorf("%s takes a field that it does not name: %v", name, faults)
			}
			delete(object, "unforeseen")
			for _, inner := range object {
				if o, ok := inner.(map[string]any); ok {
					visit(o)
				}
			}
		}
		visit(sample)
		if deep := name != "user.updated"; deep && objects < 2 {
			t.Errorf("%s was looked at on the top only", name)
		}
	}
}

// knownTo lists the paths, from the envelope's top, that mean something in a
// provider's event: those of what comes in and, for they are filled from the
// same place, those of what goes out.
func knownTo(event string) map[string]bool {
	known := map[string]bool{}
	m := pandaMappings[event]
	for _, name := range []string{m.in, m.out + ".json"} {
		if d := builtin()[name]; d != nil {
			for _, path := range d.paths() {
				known["body."+path] = true
			}
		}
	}
	return known
}

// allPaths lists every last segment of a built-in type's fields.
func (c *Catalog) allPaths() []string {
	var all []string
	for _, name := range c.names {
		for _, path := range c.types[name].paths() {
			all = append(all, last(path))
		}
	}
	return all
}

func FuzzPandaMap(f *testing.F) {
	for event, body := range incoming {
		f.Add(pandaEvent("evt-1", event, body))
	}
	f.Add([]byte(`{"id":"e","resource":"transaction","action":"created","body":{"spend":{"amount":1e400}}}`))
	f.Add([]byte(`{"id":"\ud800","resource":"dispute","action":"\udfff","body":{},"body":{}}`))
	f.Add([]byte(strings.Repeat(`{"body":`, 600)))
	f.Add([]byte(fmt.Sprintf(`{"id":"e","resource":"card","action":"updated","body":{"limit":{"amount":%s}}}`, strings.Repeat("9", 5000))))
	c := must(New(Options{Strict: true}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		in, err := panda{}.Map(raw)
		if err != nil {
			if got := rules(t, err); got == "" {
				t.Error("refused for nothing")
			}
			return
		}
		if in.ID == "" || in.Event == "" || in.Ignored() == (in.Why == "") {
			t.Errorf("intake is %+v", in)
		}
		if in.Ignored() {
			return
		}
		body, err := in.Body("cred-1", "")
		if err != nil || in.User == "" {
			t.Fatalf("%v, user %q", err, in.User)
		}
		if faults := c.Validate(in.Type, body); faults != nil {
			t.Errorf("%s does not fit: %v", body, faults)
		}
		if !ecmajson.Exact(body) {
			t.Errorf("%s is not canonical", body)
		}
	})
}

// TestProjectUnnamed: an object of which the schema names no field does not
// leave, as nobody knows what is in it.
func TestProjectUnnamed(t *testing.T) {
	n := &node{children: []*node{{name: "open", types: []string{"object"}}, {name: "id"}}}
	got := n.project(nil, []byte(`{"x":1,"open":{"email":"LEAK"},"id":"1"}`), func(_ string, value []byte) []byte { return value })
	if string(got) != `{"id":"1"}` {
		t.Errorf("what leaves is %s", got)
	}
}
