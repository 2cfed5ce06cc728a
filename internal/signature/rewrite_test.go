package signature

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// corpus returns the bodies that the tests are about. testdata also holds what
// Python and Node.js make of them, and the programs that asked them.
func corpus(t testing.TB) (bodies []string) {
	readJSON(t, "bodies.json", &bodies)
	if len(bodies) < 20 {
		t.Fatalf("%d bodies are too few", len(bodies))
	}
	return bodies
}

func readJSON(t testing.TB, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

func styleOf(t *testing.T, name string) style {
	t.Helper()
	for _, s := range serializers {
		if s.name == name {
			return s.style
		}
	}
	t.Fatalf("there is no %q", name)
	return style{}
}

func TestStylesAgreeWithTheRealThing(t *testing.T) {
	bodies := corpus(t)
	for _, file := range []string{"python.json", "javascript.json", "php.json"} {
		var made []map[string]string
		readJSON(t, file, &made)
		if len(made) != len(bodies) {
			t.Fatalf("%s has %d answers for %d bodies", file, len(made), len(bodies))
		}
		for i, answers := range made {
			for name, want := range answers {
				if got := styleOf(t, name).write(parseJSON([]byte(bodies[i])), maxForm); string(got) != want {
					t.Errorf("%s of %.80s\n is %.200s\nnot %.200s", name, bodies[i], got, want)
				}
			}
		}
	}
}

func TestStylesAgreeWithGo(t *testing.T) {
	for _, body := range corpus(t) {
		var value, exact any
		decoder := json.NewDecoder(bytes.NewReader([]byte(body)))
		decoder.UseNumber()
		if err := json.Unmarshal([]byte(body), &value); err != nil {
			t.Fatal(err)
		}
		if err := decoder.Decode(&exact); err != nil {
			t.Fatal(err)
		}
		plain := func(value any) []byte {
			var out bytes.Buffer
			encoder := json.NewEncoder(&out)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(value); err != nil {
				t.Fatal(err)
			}
			return bytes.TrimSuffix(out.Bytes(), lf)
		}
		marshal := func(value any) []byte {
			out, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		indent := func(by string) []byte {
			out, err := json.MarshalIndent(value, "", by)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		for name, want := range map[string][]byte{
			"Go's json.Marshal of a map":                        marshal(value),
			"Go's json.Marshal of a map with json.Number":       marshal(exact),
			"Go's json.Marshal of a json.RawMessage":            marshal(json.RawMessage(body)),
			"Go's encoding/json of a map without HTML escaping": plain(value),
			"Go's json.MarshalIndent of a map":                  indent("  "),
			"Go's json.MarshalIndent of a map with tabs":        indent("\t"),
		} {
			if got := styleOf(t, name).write(parseJSON([]byte(body)), maxForm); !bytes.Equal(got, want) {
				t.Errorf("%s of %.80s\n is %.200s\nnot %.200s", name, body, got, want)
			}
		}
	}
}

// What PHP 8 writes of single values, from a real one; testdata/php.json has what
// it made of the whole corpus.
func TestPHP(t *testing.T) {
	for _, test := range []struct{ style, body, want string }{
		{"PHP's json_encode", `{"u":"https://a/b","é":"😀"}`, `{"u":"https:\/\/a\/b","\u00e9":"\ud83d\ude00"}`},
		{"PHP's json_encode", `{"a":1.0,"b":1e25,"c":0.00001,"d":12345678901234567890,"e":-0.0,"f":-0}`, `{"a":1,"b":1.0e+25,"c":1.0e-5,"d":1.2345678901234567e+19,"e":-0,"f":0}`},
		{"PHP's json_encode of associative arrays", `{"a":{},"b":[]}`, `{"a":[],"b":[]}`},
		{"PHP's json_encode with JSON_UNESCAPED_SLASHES", `{"u":"a/é"}`, `{"u":"a/\u00e9"}`},
		{"PHP's json_encode with JSON_UNESCAPED_UNICODE", "{\"u\":\"a/é\u2028\"}", `{"u":"a\/é\u2028"}`},
		{"PHP's json_encode with JSON_PRETTY_PRINT", `{"a":[1,{}]}`, "{\n    \"a\": [\n        1,\n        {}\n    ]\n}"},
	} {
		if got := styleOf(t, test.style).write(parseJSON([]byte(test.body)), maxForm); string(got) != test.want {
			t.Errorf("%s: %s, not %s", test.style, got, test.want)
		}
	}
}

func TestWriteIsBounded(t *testing.T) {
	root := parseJSON(bytes.Repeat([]byte("["), maxDepth+2))
	if root != nil {
		t.Error("text that is no JSON was read")
	}
	deep := slicesOf(maxDepth)
	if root = parseJSON(deep); root == nil {
		t.Fatal("nesting within the bound is not read")
	}
	if parseJSON(slicesOf(maxDepth+2)) != nil {
		t.Error("nesting beyond the bound is read")
	}
	if out := (style{layout: layoutIndent4}).write(root, 1000); out != nil {
		t.Errorf("%d bytes were written, more than 1000", len(out))
	}
}

func slicesOf(depth int) []byte {
	return append(bytes.Repeat([]byte("["), depth), bytes.Repeat([]byte("]"), depth)...)
}

func FuzzRewrite(f *testing.F) {
	for _, body := range corpus(f) {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		root := parseJSON(body)
		if root == nil {
			return
		}
		var want any
		if err := json.Unmarshal(body, &want); err != nil {
			return // what only the tree takes, such as 1e999
		}
		for _, s := range serializers {
			text := s.write(root, maxForm)
			if text != nil && !json.Valid(text) {
				t.Fatalf("%s makes %q of %q", s.name, text, body)
			}
		}
		if got, err := json.Marshal(want); err != nil || !bytes.Equal(styleOf(t, "Go's json.Marshal of a map").write(root, len(got)), got) {
			t.Fatalf("Go makes %q of %q, %v", got, body, err)
		}
	})
}
