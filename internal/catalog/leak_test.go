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
// that comes in, under names that tempt, and looks for them in what goes out.
func TestNothingElseLeaves(t *testing.T) {
	c := must(New(Options{Strict: true}))
	sent := []string{"transaction.created", "transaction.updated", "transaction.completed", "card.updated", "user.updated"}
	rapid.Check(t, func(t *rapid.T) {
		event := rapid.SampledFrom(sent).Draw(t, "event")
		var whole map[string]any
		if err := json.Unmarshal(pandaEvent("evt-1", event, incoming[event]), &whole); err != nil {
			t.Fatal(err)
		}
		catalogtest.Strew(t, whole, c.allPaths())
		in, err := panda{}.Map(must(json.Marshal(whole)))
		if err != nil {
			t.Fatalf("an extra field was not tolerated: %v", err)
		}
		body, err := in.Body("cred-1")
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(body, []byte(catalogtest.Leak)) {
			t.Fatalf("it leaves: %s", body)
		}
		if faults := c.Validate(in.Type, body); faults != nil || !ecmajson.Exact(body) {
			t.Fatalf("%s does not fit: %v", body, faults)
		}
		for _, personal := range catalogtest.Personal {
			if bytes.Contains(body, []byte(personal)) {
				t.Fatalf("%s leaves: %s", personal, body)
			}
		}
	})
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
		body, err := in.Body("cred-1")
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
