package ecmajson

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzAppend holds Append to encoding/json: it takes what that takes but for
// broken UTF-8, deep nesting and numbers beyond a double; what it writes means
// the same, also to Decode, and is a fixed point.
func FuzzAppend(f *testing.F) {
	f.Fuzz(func(t *testing.T, src []byte) {
		out, err := Append(nil, src)
		if err != nil {
			if json.Valid(src) && utf8.Valid(src) && nesting(src) <= MaxDepth && json.Unmarshal(src, new(any)) == nil {
				t.Fatalf("%q is JSON, but was refused: %v", src, err)
			}
			return
		}
		if !json.Valid(src) || !utf8.Valid(src) {
			t.Fatalf("%q is no JSON, but was taken as %q", src, out)
		}
		if again, err := Append(nil, out); err != nil || !bytes.Equal(again, out) {
			t.Fatalf("%q became %q, and that %q (%v)", src, out, again, err)
		}
		var before, after any
		if surrogate.Match(out) || json.Unmarshal(src, &before) != nil {
			return // encoding/json reads all lone surrogates as one character, and no integer of 400 digits
		}
		if err := json.Unmarshal(out, &after); err != nil || !reflect.DeepEqual(before, after) {
			t.Fatalf("%q became %q, which means another thing (%v)", src, out, err)
		}
		var exact any
		decoder := json.NewDecoder(bytes.NewReader(out))
		decoder.UseNumber()
		if err := decoder.Decode(&exact); err != nil || !reflect.DeepEqual(Decode(out), exact) {
			t.Fatalf("%q is decoded as %#v, not %#v (%v)", out, Decode(out), exact, err)
		}
	})
}

var surrogate = regexp.MustCompile(`\\ud[89a-f]`)

// nesting measures how deep arrays and objects go in valid JSON.
func nesting(src []byte) (deepest int) {
	depth, quoted := 0, false
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}

// FuzzExact looks for texts that are called canonical though something could
// still be taken away or written otherwise.
func FuzzExact(f *testing.F) {
	f.Fuzz(func(t *testing.T, src []byte) {
		out, err := Append(nil, src)
		if exact := err == nil && bytes.Equal(out, src); Exact(src) != exact {
			t.Fatalf("%q: Exact says %v, Append writes %q (%v)", src, !exact, out, err)
		}
		if err != nil || !bytes.Equal(out, src) {
			return
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, src); err != nil || !bytes.Equal(compact.Bytes(), src) {
			t.Fatalf("%q is called canonical, and is %q without white space (%v)", src, compact.Bytes(), err)
		}
		for _, sloppy := range []string{`\/`, `\u0022`, `\u002f`} {
			if bytes.Contains(bytes.ReplaceAll(src, []byte(`\\`), nil), []byte(sloppy)) {
				t.Fatalf("%q is called canonical with %s in it", src, sloppy)
			}
		}
		if spaced := append([]byte{' '}, src...); Exact(spaced) {
			t.Fatalf("%q is called canonical", spaced)
		}
	})
}

// FuzzMembers holds both walks to encoding/json: the same keys, the last value
// of each.
func FuzzMembers(f *testing.F) {
	f.Fuzz(func(t *testing.T, src []byte) {
		raw, canonical := map[string]string{}, map[string]string{}
		collect := func(into map[string]string) func(key, value []byte) error {
			return func(key, value []byte) error {
				into[string(key)] = string(value)
				return nil
			}
		}
		whole, invalid := Append(nil, src)
		err := Members(src, collect(raw))
		out, again := AppendMembers(nil, src, collect(canonical))
		if invalid == nil && whole[0] != '{' {
			invalid = ErrNotObject
		}
		if (err == nil) != (invalid == nil) || (again == nil) != (invalid == nil) || errors.Is(err, ErrNotObject) != errors.Is(invalid, ErrNotObject) {
			t.Fatalf("%q: Append says %v, Members %v, AppendMembers %v", src, invalid, err, again)
		}
		if err != nil {
			if len(raw)+len(canonical) > 0 {
				t.Fatalf("%q is refused, but has given %q and %q", src, raw, canonical)
			}
			return
		}
		if !bytes.Equal(out, whole) {
			t.Fatalf("%q: Append writes %q, AppendMembers %q", src, whole, out)
		}
		if surrogate.Match(out) {
			return // such keys fall together when they are decoded
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(src, &want); err != nil || len(want) != len(raw) || len(want) != len(canonical) {
			t.Fatalf("%q has %d members, not %d and %d (%v)", src, len(want), len(raw), len(canonical), err)
		}
		for key, value := range want {
			if clean, err := Append(nil, value); err != nil || raw[key] != string(value) || canonical[key] != string(clean) {
				t.Fatalf("%q: %q is %q, not %q and %q (%v)", src, key, value, raw[key], canonical[key], err)
			}
		}
	})
}

// FuzzString: what AppendString writes is canonical, and reads as it was.
func FuzzString(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		out := AppendString(nil, s)
		var back string
		if err := json.Unmarshal(out, &back); err != nil || back != string([]rune(s)) || !Exact(out) {
			t.Fatalf("%q is written %s and read as %q (%v)", s, out, back, err)
		}
		quoted, err := json.Marshal(strings.ToValidUTF8(s, ""))
		if err != nil {
			t.Fatal(err)
		}
		if canonical, err := Append(nil, quoted); err != nil || !bytes.Equal(canonical, AppendString(nil, strings.ToValidUTF8(s, ""))) {
			t.Fatalf("%s becomes %s (%v), but %q is written otherwise", quoted, canonical, err, s)
		}
	})
}
