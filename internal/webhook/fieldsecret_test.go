package webhook

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// keyring is a field of another kind than those of the table: a list of objects whose
// values are secrets. A value that is null keeps the one of that name. They lie in a
// list of lists, as NAME=VALUE, and the number in the configuration's limits, which
// nothing shows while their row is not in the table.
type keyring struct {
	value
	rings *[][]string
}

func (k keyring) of(c *Config) []string { return (*k.rings)[c.Limits.MaxInFlight] }

type ring struct {
	Name  string  `json:"name"`
	Value *string `json:"value"`
}

func (keyring) read(raw json.RawMessage) (rings []ring, ok bool) {
	ok = json.Unmarshal(raw, &rings) == nil && rings != nil && !slices.ContainsFunc(rings, func(r ring) bool { return r.Name == "" })
	return rings, ok
}

func (k keyring) check(raw json.RawMessage) string {
	if _, ok := k.read(raw); !ok {
		return "list of keys"
	}
	return ""
}

func (k keyring) set(c *Config, raw json.RawMessage) error {
	rings, _ := k.read(raw)
	var next []string
	for _, r := range rings {
		if r.Value != nil {
			next = append(next, r.Name+"="+*r.Value)
			continue
		}
		i := slices.IndexFunc(k.of(c), func(had string) bool { return strings.HasPrefix(had, r.Name+"=") })
		if i < 0 {
			return Errorf(CodeBadRequest, "keys: there is no value of "+r.Name+" to keep")
		}
		next = append(next, k.of(c)[i])
	}
	c.Limits.MaxInFlight = len(*k.rings)
	*k.rings = append(*k.rings, next)
	return nil
}

func (k keyring) json(c *Config, secrets bool) json.RawMessage {
	var rings []ring
	for _, had := range k.of(c) {
		name, value, _ := strings.Cut(had, "=")
		if rings = append(rings, ring{Name: name}); secrets {
			rings[len(rings)-1].Value = &value
		}
	}
	if rings == nil {
		return nil
	}
	return marshal(rings)
}

func (keyring) zero() json.RawMessage   { return json.RawMessage("[]") }
func (keyring) copy(from, to *Config)   { to.Limits = from.Limits }
func (k keyring) text(c *Config) string { return string(k.json(c, false)) }

// TestSecretField: the table carries fields whose values are secrets. They are stored and
// compared with their values, and shown without.
func TestSecretField(t *testing.T) {
	before := Fields
	t.Cleanup(func() { Fields = before })
	row := keyring{rings: &[][]string{nil}}
	Fields = []Field{{Name: "keys", Parts: []Part{{"", "keys", "", "keys", row}}}}
	const shown = `[{"name":"a","value":null},{"name":"b","value":null}]`
	have := read(t, `{"keys":[{"name":"a","value":"1"},{"name":"b","value":"2"}]}`)
	have.URL = "u"
	if got := fieldsOf(&have); got != `{"keys":`+shown+`}` {
		t.Errorf("it is shown as %s", got)
	}
	var stored Config
	if err := stored.ReadStored(string(have.Stored())); err != nil || !slices.Equal(row.of(&stored), row.of(&have)) {
		t.Errorf("%s is read as %v: %v", have.Stored(), row.of(&stored), err)
	}
	for body, want := range map[string]string{
		`{"url":"u"}`:                      "a=1 b=2",
		`{"url":"u","keys":` + shown + `}`: "a=1 b=2",
		`{"url":"u","keys":[]}`:            "",
		`{"url":"u","keys":[{"name":"b","value":null},{"name":"c","value":"3"}]}`: "b=2 c=3",
		`{"url":"u","keys":[{"name":"d","value":null}]}`:                          "keys: there is no value of d to keep",
	} {
		patch, err := DecodeConfig([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		for way, change := range map[string]func(Config) (Config, error){"PUT": patch.Replace, "PATCH": patch.Apply} {
			next, err := change(have)
			got := strings.Join(row.of(&next), " ")
			if err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("%s of %s gives %q, not %q", way, body, got, want)
			}
			if err == nil && next.Equal(&have) != (want == "a=1 b=2") {
				t.Errorf("%s of %s: it is not known whether that is a change", way, body)
			}
		}
	}
	other := read(t, `{"keys":[{"name":"a","value":"9"},{"name":"b","value":"2"}]}`)
	other.URL = "u"
	if other.ETag() != have.ETag() {
		t.Error("the entity tag holds a secret")
	}
	if same := have.ChangedInSecret(&other); !slices.Equal(same, []string{"keys"}) || have.ChangedInSecret(&have) != nil {
		t.Errorf("changed in secret: %v", same)
	}
	if raw := FieldsBetween(&have, &other)["keys"]; string(raw) != `[{"name":"a","value":"9"},{"name":"b","value":"2"}]` {
		t.Errorf("the change is %s", raw)
	}
	if lacking := (&Patch{Fields: FieldsBetween(&have, &other)}).Lacking(&have); lacking != nil {
		t.Errorf("a server that shows no values lacks %v", lacking)
	}
}
