package catalog

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"sealpost/internal/ecmajson"
)

// folder makes a folder of schemas, {name: content}.
func folder(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}

const orderPaid = `{
	"title": "Paid", "description": "An order was paid.", "type": "object", "required": ["id", "total"],
	"properties": {
		"id": {"type": "string", "description": "The order."},
		"total": {"$ref": "_money.json#/$defs/money", "description": "What was paid."},
		"lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}, "maxItems": 3},
		"spend": {"$ref": "transaction.created.json#/properties/spend/properties/status"},
		"kind": {"anyOf": [{"const": "a"}, {"type": "integer"}]}
	}}`

const money = `{"$defs": {"money": {"type": "object", "required": ["cents"], "properties": {"cents": {"type": "integer", "minimum": 0}, "currency": {"enum": ["usd", "eur"]}}}}}`

func TestUserTypes(t *testing.T) {
	c, err := New(Options{Schemas: folder(map[string]string{
		"order.paid.json": orderPaid, "_money.json": money, "a.b.json": `{"type":"object"}`,
		"README.md": "about", ".hidden.json": "{", "sub/x.json": "{",
	}), Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Names()[len(builtinTypes):]; !slices.Equal(got, []string{"a.b", "order.paid"}) {
		t.Fatalf("user types are %v", got)
	}
	typ, found := c.Type("order.paid")
	if !found || typ.BuiltIn || typ.Title != "Paid" || typ.Description != "An order was paid." || !bytes.Equal(typ.Schema, []byte(orderPaid)) {
		t.Errorf("the type is %+v", typ)
	}
	var table []string
	for _, f := range typ.Fields {
		table = append(table, strings.TrimSpace(f.Path+" "+f.Type+" "+strings.Join(f.Enum, "|")+" "+f.Limits))
	}
	want := []string{
		"id string", "total object", "total.cents integer  at least 0", "total.currency any usd|eur",
		"lines array of object  at most 3 elements", "spend string pending|declined", "kind any",
	}
	if !slices.Equal(table, want) {
		t.Errorf("fields are %q, want %q", table, want)
	}
	if want := `{"id":"text","total":{"cents":1,"currency":"usd"},"lines":[{"sku":"text"}],"spend":"pending"}`; string(typ.Sample) != want {
		t.Errorf("the sample is %s, want %s", typ.Sample, want)
	}
	tests := map[string]string{
		`{"id":"1","total":{"cents":5},"anything":true}`:                            "",
		`{"id":"1","total":{"cents":-5}}`:                                           "total.cents minimum",
		`{"id":"1","total":{}}`:                                                     "total.cents required",
		`{"id":"1","total":{"cents":5},"lines":[{"sku":1}]}`:                        "lines.0.sku type",
		`{"id":"1","total":{"cents":5},"spend":"x"}`:                                "spend enum",
		`{"id":"1","total":{"cents":5},"kind":"b"}`:                                 "kind anyOf",
		`{"id":"1","total":{"cents":5},"deep":[{"n":9007199254740993}]}`:            "deep.0.n safe-integer",
		`{"id":"1","total":{"cents":5},"deep":0.1,"n":9007199254740993,"kind":"b"}`: "kind anyOf, n safe-integer",
	}
	for body, want := range tests {
		var got []string
		for _, f := range c.Validate("order.paid", []byte(body)) {
			got = append(got, f.Path+" "+f.Rule)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: faults are %q, want %q", body, got, want)
		}
	}
}

// TestUserTypesRefused: the error names each file and what is wrong in it.
func TestUserTypesRefused(t *testing.T) {
	_, err := New(Options{Schemas: folder(map[string]string{
		"Order.Paid.json":          `{}`,
		"order.json":               `{}`,
		"a.b.c.json":               `{}`,
		"transaction.created.json": `{}`,
		"broken.json.json":         `{"type":`,
		"list.type.json":           `[]`,
		"wrong.keyword.json":       `{"type":"objekt"}`,
		"wrong.pattern.json":       `{"pattern":"("}`,
		"far.away.json":            `{"$ref":"https://example.com/x.json"}`,
		"file.url.json":            `{"$ref":"file:///etc/passwd"}`,
		"up.wards.json":            `{"$ref":"../../x.json"}`,
		"not.there.json":           `{"$ref":"_nothing.json"}`,
		"wrong.example.json":       `{"type":"object","properties":{"n":{"type":"integer"}},"examples":[{"n":"x"}]}`,
		"too.large.json":           `{"description":"` + strings.Repeat("x", maxSchema) + `"}`,
		"fine.type.json":           `{}`,
	})})
	if err == nil {
		t.Fatal("all were taken")
	}
	wants := map[string]string{
		"Order.Paid.json": "resource.action.json", "order.json": "resource.action.json", "a.b.c.json": "resource.action.json",
		"transaction.created.json": "built-in", "broken.json.json": "line 1", "list.type.json": "not a JSON object",
		"wrong.keyword.json": `type: does not fit`, "wrong.pattern.json": `pattern: is not a regex, is "("`, "far.away.json": "its own folder", "file.url.json": "its own folder",
		"up.wards.json": "x.json", "not.there.json": "_nothing.json", "wrong.example.json": "n: must be an integer", "too.large.json": "1048576",
	}
	lines := strings.Split(err.Error(), "\n")
	for file, want := range wants {
		if !slices.ContainsFunc(lines, func(line string) bool {
			return strings.HasPrefix(line, "event schema "+file+": ") && strings.Contains(line, want)
		}) {
			t.Errorf("nothing says %q of %s in\n%s", want, file, err)
		}
	}
	if len(lines) != len(wants) {
		t.Errorf("%d lines for %d files:\n%s", len(lines), len(wants), err)
	}
}

func TestUserSamples(t *testing.T) {
	c := must(New(Options{Schemas: folder(map[string]string{
		"with.example.json": `{"examples":[{"id":"x", "z":1.0,"a":"\u2028"}],"properties":{"id":{"type":"string"},"z":{},"a":{}}}`,
		"derived.type.json": `{"type":"object","additionalProperties":false,"properties":{
			"id":{"type":"string"},"n":{"type":"number","default":2.5},"e":{"enum":["p","q"]},"l":{"type":"array","items":{"type":"boolean"}},
			"o":{"type":"object","required":["i"],"properties":{"i":{"type":"integer"}}},"z":{"type":"null"}}}`,
		"loop.type.json": `{"type":"object","properties":{"child":{"$ref":"#"}}}`,
		"fixed.id.json":  `{"type":"object","properties":{"id":{"const":"always"}}}`,
	})}))
	want := map[string]string{
		"with.example": "{\"id\":\"x\",\"z\":1,\"a\":\"\u2028\"}",
		"derived.type": `{"id":"text","n":2.5,"e":"p","l":[true],"o":{"i":1},"z":null}`,
	}
	for typ, want := range want {
		if got := sampleOf(t, c, typ); got != want {
			t.Errorf("the sample of %s is %s, want %s", typ, got, want)
		}
		varied := must(c.Sample(typ, 7, nil))
		if string(varied) == want || !bytes.Equal(varied, must(c.Sample(typ, 7, nil))) {
			t.Errorf("seed 7 gives %s", varied)
		}
	}
	if got := must(c.Sample("fixed.id", 7, nil)); string(got) != `{"id":"always"}` {
		t.Errorf("an id that can't vary became %s", got)
	}
	if sample := must(c.Sample("loop.type", 0, nil)); len(c.Validate("loop.type", sample)) > 0 || !ecmajson.Exact(sample) {
		t.Errorf("the sample of a type that holds itself is %s", sample)
	}
}

// TestFieldsBounded: a schema that holds itself in many places has a table of
// fields that ends.
func TestFieldsBounded(t *testing.T) {
	var schema strings.Builder
	schema.WriteString(`{"properties":{"p":{"$ref":"#"}`)
	for i := range 30 {
		fmt.Fprintf(&schema, `,"p%d":{"$ref":"#"}`, i)
	}
	schema.WriteString("}}")
	c := must(New(Options{Schemas: folder(map[string]string{"x.y.json": schema.String()})}))
	if typ, _ := c.Type("x.y"); len(typ.Fields) < 31 || len(typ.Fields) > 10*maxNodes {
		t.Errorf("there are %d fields", len(typ.Fields))
	}
}

// TestUnevaluated: a fault inside does not make every other field unknown.
func TestUnevaluated(t *testing.T) {
	c := must(New(Options{Schemas: folder(map[string]string{"x.y.json": `{
		"$ref":"#/$defs/base","unevaluatedProperties":false,
		"$defs":{"base":{"properties":{"a":{"type":"string"},"name":{"type":"string"}}}}}`})}))
	if got := c.Check("x.y", []byte(`{"a":1,"name":"x"}`)); len(got) != 1 || got[0] != "a: must be a string, is 1" {
		t.Errorf("faults are %q", got)
	}
	if got := c.Check("x.y", []byte(`{"a":"1","nome":"x"}`)); len(got) != 1 || got[0] != `nome: is not a field of this type; did you mean name?, is "x"` {
		t.Errorf("faults are %q", got)
	}
}

// TestRules: what any rule of JSON Schema says is told with its keyword.
func TestRules(t *testing.T) {
	tests := []struct{ schema, body, want string }{
		{`{"not":{"required":["x"]}}`, `{"x":1}`, " not"},
		{`{"properties":{"x":false}}`, `{"x":1}`, "x false"},
		{`{"properties":{"x":{"multipleOf":5}}}`, `{"x":7}`, "x multipleOf"},
		{`{"properties":{"x":{"maximum":5}}}`, `{"x":7}`, "x maximum"},
		{`{"properties":{"x":{"uniqueItems":true,"minItems":3}}}`, `{"x":[1,1]}`, "x minItems, x uniqueItems"},
		{`{"properties":{"x":{"contains":{"type":"string"}}}}`, `{"x":[1,1]}`, "x contains"},
		{`{"properties":{"x":{"oneOf":[{"type":"integer"},{"minimum":1}]}}}`, `{"x":1}`, "x oneOf"},
		{`{"propertyNames":{"maxLength":2}}`, `{"abc":1}`, " propertyNames"},
		{`{"dependentRequired":{"x":["y"]}}`, `{"x":1}`, " dependentRequired"},
		{`{"allOf":[{"required":["x"]},{"properties":{"y":{"type":"string"}}}]}`, `{"y":1}`, "x required, y type"},
		{`{"additionalProperties":{"type":"boolean"}}`, `{"y":1,"x":true}`, "y type"},
		{`{"type":["object","null"],"minProperties":1}`, `{}`, " minProperties"},
		{`{"properties":{"x":{"format":"uuid"}}}`, `{"x":"1"}`, "x format"},
		{`{"properties":{"x":{"const":{"a":1}}}}`, `{"x":{"a":2}}`, "x const"},
	}
	for _, test := range tests {
		c, err := New(Options{Schemas: folder(map[string]string{"x.y.json": test.schema})})
		if err != nil {
			t.Errorf("%s: %v", test.schema, err)
			continue
		}
		var got []string
		for _, f := range c.Validate("x.y", []byte(test.body)) {
			if f.Message == "" {
				t.Errorf("%s: no message", test.schema)
			}
			name, _, _ := strings.Cut(f.Rule, "/")
			got = append(got, f.Path+" "+name)
		}
		if strings.Join(got, ", ") != test.want {
			t.Errorf("%s: faults are %q, want %q", test.schema, got, test.want)
		}
	}
}

// TestNoSample: a type whose sample can't be known says what to add.
func TestNoSample(t *testing.T) {
	c := must(New(Options{Schemas: folder(map[string]string{"x.y.json": `{"type":"object","required":["p"],"properties":{"p":{"type":"string","pattern":"^[0-9]{4}$"}}}`})}))
	if typ, _ := c.Type("x.y"); typ.Sample != nil {
		t.Errorf("the sample is %s", typ.Sample)
	}
	if _, err := c.Sample("x.y", 0, nil); err == nil || !strings.Contains(err.Error(), "examples") {
		t.Errorf("the error is %v", err)
	}
}

func TestFolder(t *testing.T) {
	if _, err := New(Options{Schemas: os.DirFS(filepath.Join(t.TempDir(), "gone"))}); err == nil {
		t.Error("a folder that is not there was taken")
	}
	many := map[string]string{}
	for i := range maxTypes + 1 {
		many[fmt.Sprintf("x.y%d.json", i)] = "{}"
	}
	if _, err := New(Options{Schemas: folder(many)}); err == nil || !strings.Contains(err.Error(), "1000") {
		t.Errorf("%d files: %v", len(many), err)
	}
}

// FuzzUserSchema: whatever stands in the folder, there is an error or a type
// that can be described and asked.
func FuzzUserSchema(f *testing.F) {
	f.Add(orderPaid, `{"id":"1"}`)
	f.Add(money, `{}`)
	f.Add(`{"$ref":"#"}`, `{}`)
	f.Add(`{"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"items":{"$ref":"#/$defs/a"},"examples":[[]]}}}`, `[[[]]]`)
	f.Add(`{"$dynamicRef":"#x","$dynamicAnchor":"x","properties":{"a":{"enum":[1,null,"b"]}}}`, `{"a":2}`)
	for _, name := range builtinTypes {
		f.Add(string(builtin()[name+".json"].raw), `{"id":""}`)
	}
	f.Fuzz(func(t *testing.T, schema, body string) {
		c, err := New(Options{Schemas: folder(map[string]string{"x.y.json": schema, "_money.json": money})})
		if err != nil {
			return
		}
		typ, found := c.Type("x.y")
		if !found {
			t.Fatal("it is gone")
		}
		if typ.Sample != nil && len(c.Validate("x.y", typ.Sample)) > 0 {
			t.Errorf("the sample %s does not fit", typ.Sample)
		}
		for _, fault := range c.Validate("x.y", []byte(body)) {
			if fault.Message == "" {
				t.Error("a fault says nothing")
			}
		}
	})
}
