package webhook

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// with puts rows of every kind into the table for one test. Their values lie in Go
// fields that the configuration has in any case.
func with(t *testing.T) {
	before := Fields
	t.Cleanup(func() { Fields = before })
	Fields = append(slices.Clone(before),
		Field{Name: "remark", Parts: []Part{{"", "remark", "remark", "a remark", text(func(c *Config) *string { return &c.Name }, 5)}}},
		Field{Name: "loud", Parts: []Part{{"", "loud", "loud", "very loud", choice(func(c *Config) *bool { return &c.Disabled })}}},
		Field{Name: "colors", Parts: []Part{{"", "colors", "color", "more colors", words(func(c *Config) *[]string { return &c.Only }, 2, "red", "green", "blue")}}},
	)
}

// fieldsOf shows the fields of a webhook and its groups alone.
func fieldsOf(c *Config) string {
	shown := c.Shown()
	if len(c.Routes) > 0 {
		shown = append(shown, Member{"routes", c.Routes})
	}
	return string(MarshalMembers(shown))
}

// TestMerge holds the merge rules of fields for each way in: POST, PUT, PATCH and a
// document that is applied or imported.
func TestMerge(t *testing.T) {
	with(t)
	const have = `{"limits":{"maxInFlight":8,"rate":10},"remark":"old","loud":true,"colors":["red"]}`
	for _, test := range []struct {
		name, have, body string
		post, put, patch string // what comes of it, or the beginning of the error; empty: as post, as put
	}{
		{"nothing is named", have, `{}`, `{}`, have, have},
		{"one value of an object", have, `{"limits":{"rate":5}}`, `{"limits":{"rate":5}}`,
			`{"limits":{"maxInFlight":8,"rate":5},"remark":"old","loud":true,"colors":["red"]}`, ""},
		{"0 restores the default of a value", have, `{"limits":{"maxInFlight":0}}`, `{}`,
			`{"limits":{"rate":10},"remark":"old","loud":true,"colors":["red"]}`, ""},
		{"an object at its default is not shown", have, `{"limits":{"maxInFlight":0,"rate":0.0}}`, `{}`, `{"remark":"old","loud":true,"colors":["red"]}`, ""},
		{"an unknown number in an object is ignored", have, `{"limits":{"burst":3}}`, `{}`, have, ""},
		{"a list replaces the list", have, `{"colors":["green","blue"]}`, `{"colors":["green","blue"]}`,
			`{"limits":{"maxInFlight":8,"rate":10},"remark":"old","loud":true,"colors":["green","blue"]}`, ""},
		{"the defaults of all", have, `{"remark":"","loud":false,"colors":[],"limits":{"maxInFlight":0,"rate":-0}}`, `{}`, `{}`, ""},
		{"the last key counts", `{}`, `{"limits":{"rate":1},"limits":{"maxInFlight":2}}`, `{"limits":{"maxInFlight":2}}`, "", ""},
		{"a whole number with a fraction of zero", `{}`, `{"limits":{"maxInFlight":8e0}}`, `bad request: limits.maxInFlight is 8e0; a whole number from 0 to 65536 is needed`, "", ""},

		{"an object of texts is a group", `{}`, `{"limits":{"rate":"https://a.b/"}}`, `{"routes":{"limits":{"rate":"https://a.b/"}}}`, "", ""},
		{"a group hides the field, which stays", have, `{"limits":{"reached":"u"}}`, `{"routes":{"limits":{"reached":"u"}}}`,
			`{"remark":"old","loud":true,"colors":["red"],"routes":{"limits":{"reached":"u"}}}`, ""},
		{"an empty object is a group", have, `{"limits":{}}`, `{}`, have, ""},
		{"a null in an object is a group's", have, `{"limits":{"rate":null}}`, `bad request: limits.rate is null; only PATCH clears a URL so`, "", have},
		{"an object of lists is ignored, as ever", have, `{"limits":{"rate":[1]}}`, `{}`, have, ""},
		{"a group of a text's name", `{}`, `{"remark":{"added":"u"}}`, `{"routes":{"remark":{"added":"u"}}}`, "", ""},
		{"null clears a group's URL", `{"limits":{"reached":"u","rate":"v"}}`, `{"limits":{"rate":null}}`, `bad request: limits.rate is null`, "", `{"routes":{"limits":{"reached":"u"}}}`},

		{"a webhook with the group can't have the member", `{"limits":{"reached":"u"}}`, `{"limits":{"rate":1}}`, `{"limits":{"rate":1}}`,
			`bad request: limits can't be set: the webhook has URLs for the resource "limits"`, ""},
		{"the default may be said beside a group", `{"limits":{"reached":"u"}}`, `{"limits":{"rate":0}}`, `{}`, `{}`, `{"routes":{"limits":{"reached":"u"}}}`},
		{"PUT takes a group away that it does not name", `{"limits":{"reached":"u"}}`, `{"remark":"new"}`, `{"remark":"new"}`, "", `{"remark":"new","routes":{"limits":{"reached":"u"}}}`},

		{"a list for an object", `{}`, `{"limits":[1]}`, `bad request: limits is a list; an object is needed`, "", ""},
		{"a number for an object", `{}`, `{"limits":5}`, `bad request: limits is a number; an object is needed`, "", ""},
		{"null for an object", `{}`, `{"limits":null}`, `bad request: limits is null; an object is needed`, "", ""},
		{"null for a list", `{}`, `{"colors":null}`, `bad request: colors is null; a list of at most 2 of`, "", ""},
		{"null beside a number", `{}`, `{"limits":{"rate":1,"maxInFlight":null}}`, `bad request: limits.maxInFlight is null; a whole number`, "", ""},
		{"a text beside a number", `{}`, `{"limits":{"rate":1,"reached":"https://a.b/"}}`, `bad request: limits: "reached" is a string; this object holds numbers and booleans only`, "", ""},
		{"a boolean for a number", `{}`, `{"limits":{"rate":true}}`, `bad request: limits.rate is true; a number from 0 to 1000000`, "", ""},
		{"below 0", `{}`, `{"limits":{"maxInFlight":-1,"rate":-0.5}}`, `bad request: limits.maxInFlight is -1; a whole number from 0 to 65536 is needed; limits.rate is -0.5; a number`, "", ""},
		{"too small to wait for", `{}`, `{"limits":{"rate":1e-300}}`, `bad request: limits.rate is 1e-300; a number from 0 to 1000000; the least above 0 is 0.00001`, "", ""},
		{"beyond a double", `{}`, `{"limits":{"rate":1e999}}`, `bad request: limits.rate is 1e999; a number`, "", ""},
		{"part of a request", `{}`, `{"limits":{"maxInFlight":1.5}}`, `bad request: limits.maxInFlight is 1.5; a whole number`, "", ""},
		{"a number for a text", `{}`, `{"remark":5}`, `bad request: remark is 5; a text of at most 5 characters`, "", ""},
		{"a long text", `{}`, `{"remark":"longer"}`, `bad request: remark is a string; a text of at most 5 characters`, "", ""},
		{"an object of numbers for a text", `{}`, `{"remark":{"a":1}}`, `bad request: remark is an object; a text`, "", ""},
		{"an unknown word", `{}`, `{"colors":["red","grey"]}`, `bad request: colors is a list; a list of at most 2 of red`, "", ""},
		{"a list that is too long", `{}`, `{"colors":["red","blue","green"]}`, `bad request: colors is a list`, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.put == "" {
				test.put = test.post
			}
			if test.patch == "" {
				test.patch = test.put
			}
			stored := read(t, test.have)
			tag := stored.ETag()
			body := []byte(strings.Replace(test.body, "{", `{"url":"u",`, 1))
			if test.body == "{}" {
				body = []byte(`{"url":"u"}`)
			}
			for way, try := range map[string]struct {
				decode func([]byte) (*Patch, error)
				make   func(*Patch) (Config, error)
				want   string
			}{
				"POST":     {DecodeConfig, func(p *Patch) (Config, error) { return p.Apply(Config{}) }, test.post},
				"PUT":      {DecodeConfig, func(p *Patch) (Config, error) { return p.Replace(stored) }, test.put},
				"PATCH":    {DecodePatch, func(p *Patch) (Config, error) { return p.Apply(stored) }, test.patch},
				"document": {DecodeConfig, func(p *Patch) (Config, error) { return p.Replace(stored) }, test.put},
			} {
				patch, err := try.decode(body)
				var made Config
				if err == nil {
					made, err = try.make(patch)
				}
				got := fieldsOf(&made)
				if err != nil {
					got = string(CodeOf(err)) + ": " + err.Error()
				}
				if got != try.want && (err == nil || !strings.HasPrefix(got, try.want)) {
					t.Errorf("%s gives\n%s, not\n%s", way, got, try.want)
				}
			}
			if stored.ETag() != tag {
				t.Error("a change changed what it was applied to")
			}
		})
	}
}

// read makes a configuration of its JSON.
func read(t *testing.T, body string) Config {
	t.Helper()
	patch, err := DecodePatch([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	c, err := patch.Apply(Config{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestFieldsTravel: what is stored, shown, copied and compared of fields of every kind
// is the same configuration again.
func TestFieldsTravel(t *testing.T) {
	with(t)
	texts := []string{`{}`, `{"limits":{"rate":0.5}}`, `{"limits":{"maxInFlight":8}}`, `{"remark":"<&>é"}`, `{"loud":true}`, `{"colors":["blue","red"]}`,
		`{"limits":{"maxInFlight":65536,"rate":1000000},"remark":"x","loud":true,"colors":["green"]}`}
	tags := map[string]string{}
	for _, text := range texts {
		have := read(t, text)
		if got := fieldsOf(&have); got != text {
			t.Errorf("%s is shown as %s", text, got)
		}
		var stored Config
		if err := stored.ReadStored(string(have.Stored())); err != nil || fieldsOf(&stored) != text {
			t.Errorf("%s is stored as %s: %v", text, have.Stored(), err)
		}
		shown, err := ReadShown("", []byte(strings.Replace(strings.Replace(text, "{", `{"url":"u",`, 1), ",}", "}", 1)))
		if err != nil || fieldsOf(&shown) != text {
			t.Errorf("%s is read from a server as %s: %v", text, fieldsOf(&shown), err)
		}
		clone := have.Clone()
		if clone.ETag() != have.ETag() || fieldsOf(&clone) != text {
			t.Errorf("%s is copied as %s", text, fieldsOf(&clone))
		}
		if other, taken := tags[have.ETag()]; taken {
			t.Errorf("%s and %s have one entity tag", text, other)
		}
		tags[have.ETag()] = text
		for _, other := range texts {
			want := read(t, other)
			patch := &Patch{Fields: FieldsBetween(&have, &want)}
			if text != other && patch.Empty() || text == other && !patch.Empty() {
				t.Errorf("from %s to %s the change is %s", text, other, patch.Fields)
			}
			sent, err := patch.JSON()
			if err != nil {
				t.Fatal(err)
			}
			again, err := DecodePatch(sent)
			if err != nil {
				t.Errorf("%s: %v", sent, err)
				continue
			}
			if got, err := again.Apply(have); err != nil || fieldsOf(&got) != other {
				t.Errorf("from %s by %s to %s: %v", text, sent, fieldsOf(&got), err)
			} else if lacking := again.Lacking(&have); text != other && len(lacking) == 0 || len(again.Lacking(&got)) > 0 {
				t.Errorf("a server that passes over %s lacks %s", sent, lacking)
			}
		}
	}
}

// TestFieldsThatAreNotOurs: a newer program's fields are never passed over in the store,
// for they may say which events go where; a server's are.
func TestFieldsThatAreNotOurs(t *testing.T) {
	for _, stored := range []string{`{"color":1}`, `{"limits":{"burst":1}}`, `{"limits":{"rate":-1}}`, `{"limits":5}`, `{`} {
		if err := new(Config).ReadStored(stored); err == nil {
			t.Errorf("%s is read", stored)
		}
	}
	shown, err := ReadShown("x", []byte(`{"url":"u","limits":{"rate":-1,"maxInFlight":3,"burst":1},"color":1}`))
	if got := string(shown.AppendJSON(false)); err != nil || got != `{"url":"u","limits":{"maxInFlight":3}}` {
		t.Errorf("%s, %v", got, err)
	}
}

// TestFlagsBesideGroup: flags that are older than the member of their field work beside
// a group of its name; the export can say what it hides.
func TestFlagsBesideGroup(t *testing.T) {
	with(t)
	grouped := read(t, `{"limits":{"reached":"u"},"remark":{"added":"v"}}`)
	rate := Fields[0].Parts[1]
	for _, test := range []struct {
		field, part int
		given       string
		flags       bool
		fine        bool
	}{
		{0, 1, "5", true, true}, {0, 1, "5", false, false}, {0, 1, "0", false, true}, {1, 0, "x", true, false}, {1, 0, "", true, true},
	} {
		f := &Fields[test.field]
		p := &Patch{Flags: test.flags}
		if need := p.Set(f, &f.Parts[test.part], f.Parts[test.part].FromFlag([]string{test.given})); need != "" {
			t.Errorf("%+v: %s", test, need)
		}
		got, err := p.Apply(grouped)
		if (err == nil) != test.fine {
			t.Errorf("%+v: %v", test, err)
		}
		if hidden := f.Hidden(&got); err == nil && hidden != (test.given == "5") {
			t.Errorf("%+v: hidden is %t", test, hidden)
		}
		if err == nil && test.given == "5" && (rate.Plain(&got) != "5" || len(got.Lines()) != 1) {
			t.Errorf("%+v: %s %v", test, rate.Plain(&got), got.Lines())
		}
	}
}

// TestFlagsOfFields: each kind of flag becomes JSON, or is refused with what is needed.
func TestFlagsOfFields(t *testing.T) {
	with(t)
	for flag, tries := range map[string]map[string]string{
		"rate":          {"10": "10", "0.5": "0.5", "1e3": "1000", "NaN": "", "+Inf": "", "-1": ""},
		"max-in-flight": {"8": "8", "65537": ""},
		"remark":        {"a\"b": `"a\"b"`, "12": `"12"`, "a\u202eb": ""},
		"loud":          {"true": "true", "maybe": ""},
		"color":         {"blue": `["blue"]`, "grey": ""},
	} {
		for i := range Fields {
			f := &Fields[i]
			for n := range f.Parts {
				if part := &f.Parts[n]; part.Flag == flag {
					for given, want := range tries {
						p := &Patch{}
						need := p.Set(f, part, part.FromFlag([]string{given}))
						if (need == "") != (want != "") {
							t.Errorf("--%s %q: %q", flag, given, need)
							continue
						}
						if want == "" {
							continue
						}
						got, err := p.Apply(Config{})
						if raw := part.json(&got, true); err != nil || string(raw) != want {
							t.Errorf("--%s %q gives %s, %v", flag, given, raw, err)
						}
					}
				}
			}
		}
	}
}

// TestRows holds the table to the contract's rule: no name of our own members, and
// objects of numbers and booleans only, so that no field looks like a resource group.
func TestRows(t *testing.T) {
	names := []string{"name", "url", "events", "enabled", "secret"}
	for i := range Fields {
		f := &Fields[i]
		if slices.Contains(names, f.Name) || !ValidWord(strings.ToLower(f.Name)) || f.Help == "" {
			t.Errorf("the name of %q can't be, or its help is missing", f.Name)
		}
		names = append(names, f.Name)
		for n := range f.Parts {
			part := &f.Parts[n]
			if part.Label == "" || part.Help == "" || part.check(part.zero()) != "" || part.check(json.RawMessage("null")) == "" {
				t.Errorf("%s: no label, no help, or its default is refused", f.Path(part))
			}
			if f.object() && !isScalar(part.zero()) {
				t.Errorf("%s: an object holds numbers and booleans only", f.Path(part))
			}
		}
	}
}
