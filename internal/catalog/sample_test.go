package catalog

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sealpost/internal/ecmajson"
)

// TestSampleSeeds: any seed gives a body that fits, is canonical, has every
// field, and comes out the same again.
func TestSampleSeeds(t *testing.T) {
	c := must(New(Options{}))
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(c.Names()).Draw(t, "type")
		seed := rapid.Uint64().Draw(t, "seed")
		body, err := c.Sample(typ, seed, nil)
		if err != nil {
			t.Fatal(err)
		}
		if faults := c.Validate(typ, body); faults != nil {
			t.Fatalf("%s: %v", body, faults)
		}
		if !ecmajson.Exact(body) || !bytes.Equal(body, must(c.Sample(typ, seed, nil))) {
			t.Fatalf("%s is not canonical or not repeatable", body)
		}
		description, _ := c.Type(typ)
		for _, f := range description.Fields {
			if _, found := walk(body, strings.Split(f.Path, ".")); !found {
				t.Fatalf("seed %d lacks %s", seed, f.Path)
			}
		}
	})
}

// TestSampleVaries: what tells two events apart differs between seeds.
func TestSampleVaries(t *testing.T) {
	c := must(New(Options{}))
	for typ, paths := range map[string][]string{
		"transaction.created":   {"id", "spend.cardId", "spend.amount"},
		"transaction.updated":   {"id", "spend.cardId", "spend.amount"},
		"transaction.completed": {"id", "spend.cardId", "spend.amount"},
		"card.updated":          {"id", "last4", "limit.amount"},
		"user.updated":          {"credentialId"},
	} {
		one, two := must(c.Sample(typ, 1, nil)), must(c.Sample(typ, 2, nil))
		for _, path := range paths {
			a, _ := walk(one, strings.Split(path, "."))
			b, _ := walk(two, strings.Split(path, "."))
			if bytes.Equal(a, b) {
				t.Errorf("%s of %s is %s for two seeds", path, typ, a)
			}
		}
	}
}

func TestSampleSet(t *testing.T) {
	c := must(New(Options{}))
	tests := []struct{ typ, set, path, want string }{
		{"transaction.created", "spend.amount=2501", "spend.amount", "2501"},
		{"transaction.created", "spend.amount= 1e2 ", "spend.amount", "100"},
		{"transaction.created", "spend.merchantCategoryCode=5814", "spend.merchantCategoryCode", `"5814"`},
		{"transaction.created", `spend.merchantName="Quoted \u00e9"`, "spend.merchantName", `"Quoted é"`},
		{"transaction.created", `spend.merchantName=He said "a=b"`, "spend.merchantName", `"He said \"a=b\""`},
		{"transaction.created", "spend.merchantName=", "spend.merchantName", `""`},
		{"transaction.created", "spend.merchantCity=null", "spend.merchantCity", "null"},
		{"transaction.created", "spend.merchantName=null", "spend.merchantName", `"null"`},
		{"transaction.created", "spend.exchangeRate=1.10", "spend.exchangeRate", "1.1"},
		{"card.updated", `tokenWallets=["Apple"]`, "tokenWallets", `["Apple"]`},
		{"card.updated", "limit.amount=5", "limit.amount", "5"},
		{"card.updated", `limit={"amount":5,"frequency":"allTime"}`, "limit", `{"amount":5,"frequency":"allTime"}`},
		{"user.updated", "isActive=false", "isActive", "false"},
	}
	for _, test := range tests {
		a, err := ParseAssignment(test.set)
		if err != nil {
			t.Fatal(err)
		}
		body, err := c.Sample(test.typ, 0, []Assignment{a})
		if err != nil {
			t.Errorf("%s: %v", test.set, err)
			continue
		}
		if got, _ := walk(body, strings.Split(test.path, ".")); string(got) != test.want {
			t.Errorf("%s gives %s, want %s", test.set, got, test.want)
		}
		if faults := c.Validate(test.typ, body); faults != nil || !ecmajson.Exact(body) {
			t.Errorf("%s: %s %v", test.set, body, faults)
		}
	}
}

// TestSampleSetRefused: all that is wrong is told at once, with what to do.
func TestSampleSetRefused(t *testing.T) {
	c := must(New(Options{}))
	_, err := c.Sample("transaction.created", 0, []Assignment{
		{"spend.ammount", "1"}, {"amount", "1"}, {"nothing.like.it", "1"}, {"spend.amount", "a lot"}, {"spend.amount.x", "1"},
	})
	if err == nil {
		t.Fatal("it was taken")
	}
	lines := strings.Split(err.Error(), "\n")
	wants := []string{
		"did you mean spend.amount?", "did you mean spend.amount?", "there are id, type, spend, spend.amount",
		`spend.amount must be an integer, and "a lot" is none`, "spend.amount.x is not a field",
	}
	if len(lines) != len(wants) {
		t.Fatalf("lines are %q", lines)
	}
	for i, want := range wants {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d is %q, want %q in it", i, lines[i], want)
		}
	}
	for _, text := range []string{"", "spend.amount", "=5"} {
		if _, err := ParseAssignment(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	if _, err := c.Sample("card.update", 0, nil); !errors.Is(err, ErrUnknownType) || !strings.Contains(err.Error(), "did you mean card.updated?") {
		t.Errorf("the error is %v", err)
	}
}

func TestPut(t *testing.T) {
	tests := []struct{ object, path, want string }{
		{`{"a":1,"b":2}`, "a", `{"a":9,"b":2}`},
		{`{"a":1}`, "b", `{"a":1,"b":9}`},
		{`{"a":{"x":1}}`, "a.y", `{"a":{"x":1,"y":9}}`},
		{`{}`, "a.b.c", `{"a":{"b":{"c":9}}}`},
		{`{"a":null}`, "a.b", ""},
	}
	for _, test := range tests {
		got, err := put([]byte(test.object), strings.Split(test.path, "."), []byte("9"))
		if string(got) != test.want || (err != nil) != (test.want == "") {
			t.Errorf("put(%s, %s) is %s, %v; want %s", test.object, test.path, got, err, test.want)
		}
	}
}
