package catalog

import (
	"bytes"
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
		"wrong.keyword.json": "/type", "wrong.pattern.json": "/pattern", "far.away.json": "its own folder", "file.url.json": "its own folder",
		"up.wards.json": "x.json", "not.there.json": "_nothing.json", "wrong.example.json": "n: must be integer", "too.large.json": "1048576",
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

// TestUnevaluated: a fault inside does not make every other field unknown.
func TestUnevaluated(t *testing.T) {
	c := must(New(Options{Schemas: folder(map[string]string{"x.y.json": `{
		"$ref":"#/$defs/base","unevaluatedProperties":false,
		"$defs":{"base":{"properties":{"a":{"type":"string"},"name":{"type":"string"}}}}}`})}))
	if got := c.Check("x.y", []byte(`{"a":1,"name":"x"}`)); len(got) != 1 || got[0] != "a: must be string, is 1" {
		t.Errorf("faults are %q", got)
	}
	if got := c.Check("x.y", []byte(`{"a":"1","nome":"x"}`)); len(got) != 1 || got[0] != `nome: is not a field of this type; did you mean name?, is "x"` {
		t.Errorf("faults are %q", got)
	}
}
