package catalog

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"sealpost/internal/ecmajson"
)

// TestBuiltIns holds the built-in types to what their users rely on: every
// field described, and one sample with all of them that is what a receiver
// would hash.
func TestBuiltIns(t *testing.T) {
	c := must(New(Options{}))
	want := []string{"transaction.created", "transaction.updated", "transaction.completed", "card.updated", "user.updated"}
	if got := c.Names(); !slices.Equal(got, want) {
		t.Fatalf("types are %v, want %v", got, want)
	}
	for _, typ := range c.Types() {
		t.Run(typ.Name, func(t *testing.T) {
			if !typ.BuiltIn || typ.Title == "" || typ.Description == "" || len(typ.Fields) == 0 {
				t.Errorf("built in %v, title %q, description %q, %d fields", typ.BuiltIn, typ.Title, typ.Description, len(typ.Fields))
			}
			if !strings.Contains(string(typ.Schema), "https://json-schema.org/draft/2020-12/schema") {
				t.Error("the schema does not name draft 2020-12")
			}
			if faults := c.Validate(typ.Name, typ.Sample); faults != nil {
				t.Errorf("the sample does not fit: %v", faults)
			}
			if !ecmajson.Exact(typ.Sample) {
				t.Errorf("the sample is not canonical: %s", typ.Sample)
			}
			for _, f := range typ.Fields {
				if f.Description == "" || f.Type == "any" {
					t.Errorf("%s: description %q, type %s", f.Path, f.Description, f.Type)
				}
				if _, found := walk(typ.Sample, strings.Split(f.Path, ".")); !found {
					t.Errorf("the sample lacks %s", f.Path)
				}
			}
		})
	}
}

// TestFieldTable compares the fields with the table of the contract, part 3.
func TestFieldTable(t *testing.T) {
	// Of created, updated and completed: yes, optional (?), or not there (-).
	table := map[string]string{
		"amount": "yes yes yes", "currency": "yes yes yes", "cardId": "yes yes yes", "localAmount": "yes yes yes",
		"localCurrency": "yes yes yes", "merchantName": "yes yes yes", "merchantCategoryCode": "yes yes yes",
		"merchantCity": "? ? ?", "merchantCountry": "? ? ?", "merchantCategory": "? ? ?", "merchantId": "? ? ?", "authorizedAmount": "? ? ?",
		"authorizedAt": "? yes yes", "status": "yes yes yes", "declinedReason": "? ? -", "authorizationUpdateAmount": "- yes -",
		"enrichedMerchantIcon": "- ? ?", "enrichedMerchantName": "- ? ?", "enrichedMerchantCategory": "- ? ?", "exchangeRate": "? - ?",
	}
	statuses := map[string][]string{"created": {"pending", "declined"}, "updated": {"pending", "reversed", "declined"}, "completed": {"completed"}}
	c := must(New(Options{}))
	for column, action := range []string{"created", "updated", "completed"} {
		typ, _ := c.Type("transaction." + action)
		seen := 0
		for _, f := range typ.Fields {
			name, inside := strings.CutPrefix(f.Path, "spend.")
			if !inside {
				continue
			}
			seen++
			want := strings.Fields(table[name] + " - - -")[column]
			got := "yes"
			if !f.Required {
				got = "?"
			}
			if got != want || f.Nullable == f.Required {
				t.Errorf("%s.%s is %s (nullable %v), the contract says %s", action, name, got, f.Nullable, want)
			}
			if name == "status" && !slices.Equal(f.Enum, statuses[action]) {
				t.Errorf("%s has status %v, want %v", action, f.Enum, statuses[action])
			}
		}
		want := 0
		for _, row := range table {
			if strings.Fields(row)[column] != "-" {
				want++
			}
		}
		if seen != want {
			t.Errorf("%s has %d fields in spend, want %d", action, seen, want)
		}
	}
}

// TestSharedFields keeps the three transaction schemas from drifting apart.
func TestSharedFields(t *testing.T) {
	differs := []string{"amount", "authorizedAmount", "authorizedAt", "status", "declinedReason"}
	first := map[string]string{}
	for _, action := range []string{"created", "updated", "completed"} {
		properties, found := walk(builtin()["transaction."+action+".json"].raw, []string{"properties", "spend", "properties"})
		if !found {
			t.Fatalf("transaction.%s has no spend", action)
		}
		err := ecmajson.Members(properties, func(key, value []byte) error {
			name := string(key)
			if old, seen := first[name]; seen && old != string(value) && !slices.Contains(differs, name) {
				t.Errorf("%s of transaction.%s is described in two ways", name, action)
			}
			first[name] = string(value)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestNewIsLazy: a command that validates nothing compiles nothing.
func TestNewIsLazy(t *testing.T) {
	if n := testing.AllocsPerRun(10, func() { must(New(Options{})) }); n > 50 {
		t.Errorf("New allocates %v times; are schemas compiled in it?", n)
	}
}

// TestPlainLists guards what projection relies on: lists in built-in types
// hold plain values, since they leave as they came.
func TestPlainLists(t *testing.T) {
	var check func(n *node)
	check = func(n *node) {
		if n.items != nil && (n.items.children != nil || len(n.items.types) != 1 || n.items.types[0] != "string") {
			t.Errorf("%s is a list of something other than text", n.name)
		}
		for _, c := range n.children {
			check(c)
		}
	}
	for _, name := range builtinTypes {
		check(builtin()[name+".json"].root())
	}
}

// TestEmbeddedSchemas compiles every embedded schema, providers' included.
func TestEmbeddedSchemas(t *testing.T) {
	for name, d := range builtin() {
		if _, err := d.schema(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !json.Valid(d.raw) {
			t.Errorf("%s is not JSON", name)
		}
	}
}

func TestTypeUnknown(t *testing.T) {
	c := must(New(Options{}))
	if _, found := c.Type("order.paid"); found {
		t.Error("a type was found that is not there")
	}
	if near := c.Near("transaction.create"); len(near) == 0 || near[0] != "transaction.created" {
		t.Errorf("near are %v", near)
	}
}
