package ecmajson

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAppend(t *testing.T) {
	for _, test := range []struct{ src, want string }{
		{`null`, `null`},
		{" \t\r\n true \n", `true`},
		{`{}`, `{}`},
		{`[ ]`, `[]`},
		{`{ "a" : 1 , "b" : [ 1 , { } ] }`, `{"a":1,"b":[1,{}]}`},
		// strings
		{`"\/"`, `"/"`},
		{`"\u0041\u00e9"`, `"Aé"`},
		{`"\u0000\u001f\u000b"`, `"\u0000\u001f\u000b"`},
		{`"\b\t\n\f\r\"\\"`, `"\b\t\n\f\r\"\\"`},
		{`"\u0008\u0009\u000a\u000c\u000d"`, `"\b\t\n\f\r"`},
		{`"\ud83d\ude00"`, `"😀"`},
		{`"\uD83D"`, `"\ud83d"`},
		{`"\ude00\ud83d"`, `"\ude00\ud83d"`},
		{`"\ud83d\u0041"`, `"\ud83dA"`},
		{`"\u2028\u2029<>&"`, "\"\u2028\u2029<>&\""},
		{`"\u007f"`, "\"\x7f\""},
		// numbers
		{`0`, `0`}, {`-0`, `0`}, {`-0.0`, `0`}, {`1.0`, `1`}, {`1e2`, `100`}, {`1E+2`, `100`}, {`1.50`, `1.5`},
		{`0.000001`, `0.000001`}, {`0.0000001`, `1e-7`}, {`1e21`, `1e+21`}, {`1e20`, `100000000000000000000`},
		{`123456789.123456789`, `123456789.12345679`}, {`5e-324`, `5e-324`}, {`1e-400`, `0`}, {`1.7976931348623157e308`, `1.7976931348623157e+308`},
		{`9007199254740992`, `9007199254740992`}, {`9007199254740993`, `9007199254740993`}, {`-9007199254740993`, `-9007199254740993`},
		{`123456789012345678901234567890`, `123456789012345678901234567890`}, {`9007199254740993.0`, `9007199254740992`},
		// objects
		{`{"b":1,"a":2}`, `{"b":1,"a":2}`},
		{`{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{`{"a":1,"\u0061":2}`, `{"a":2}`},
		{`{"b":1,"10":2,"9":3,"a":4}`, `{"9":3,"10":2,"b":1,"a":4}`},
		{`{"b":1,"01":2,"-1":3,"4294967295":4,"4294967294":5}`, `{"4294967294":5,"b":1,"01":2,"-1":3,"4294967295":4}`},
		{`{"__proto__":1,"constructor":2}`, `{"__proto__":1,"constructor":2}`},
		{`{"":1}`, `{"":1}`},
		{`{"x":{"2":1,"1":{"b":1,"b":2}}}`, `{"x":{"1":{"b":2},"2":1}}`},
	} {
		got, err := Append(nil, []byte(test.src))
		if err != nil || string(got) != test.want {
			t.Errorf("%s becomes %s (%v), not %s", test.src, got, err, test.want)
		}
		if !Exact([]byte(test.want)) {
			t.Errorf("%s is not a fixed point", test.want)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct {
		src          string
		line, column int
	}{
		{``, 1, 1}, {` `, 1, 2}, {`{`, 1, 2}, {`{"a"`, 1, 5}, {`{"a":}`, 1, 6}, {`{"a":1,}`, 1, 8}, {`[1,]`, 1, 4}, {`{a:1}`, 1, 2},
		{"{\n\"a\": ?}", 2, 6}, {`tru`, 1, 1}, {`nul`, 1, 1}, {`01`, 1, 2}, {`1.`, 1, 3}, {`.5`, 1, 1}, {`+1`, 1, 1}, {`-`, 1, 2}, {`1e`, 1, 3}, {`1e999`, 1, 1},
		{`"`, 1, 2}, {"\"\n\"", 1, 2}, {`"\x"`, 1, 2}, {`"\u12"`, 1, 2}, {"\"\xff\"", 1, 2}, {"\"\xed\xa0\x80\"", 1, 2}, {`{} {}`, 1, 4}, {"\xef\xbb\xbf{}", 1, 1},
		{`'a'`, 1, 1}, {`NaN`, 1, 1}, {`/**/1`, 1, 1},
	} {
		_, err := Append(nil, []byte(test.src))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%q is taken (%v)", test.src, err)
			continue
		}
		if syntax.Line != test.line || syntax.Column != test.column {
			t.Errorf("%q is refused at %d:%d (%s), not %d:%d", test.src, syntax.Line, syntax.Column, syntax.Msg, test.line, test.column)
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	deep := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	if _, err := Append(nil, deep(MaxDepth)); err != nil {
		t.Errorf("%d deep is refused: %v", MaxDepth, err)
	}
	for _, n := range []int{MaxDepth + 1, 100_000} {
		if _, err := Append(nil, deep(n)); err == nil {
			t.Errorf("%d deep is taken", n)
		}
	}
}

func TestMembers(t *testing.T) {
	src := []byte(` { "id" : "\u0041" , "b\u006fdy" : { "x" : 1.0 } } `)
	var keys, raw, canonical []string
	if err := Members(src, func(key, value []byte) error {
		keys, raw = append(keys, string(key)), append(raw, string(value))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	out, err := AppendMembers(nil, src, func(_, value []byte) error {
		canonical = append(canonical, string(value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"id", "body"}; !reflect.DeepEqual(keys, want) {
		t.Errorf("keys %q", keys)
	}
	if want := []string{`"\u0041"`, `{ "x" : 1.0 }`}; !reflect.DeepEqual(raw, want) {
		t.Errorf("raw values %q", raw)
	}
	if want := []string{`"A"`, `{"x":1}`}; !reflect.DeepEqual(canonical, want) {
		t.Errorf("canonical values %q", canonical)
	}
	if string(out) != `{"id":"A","body":{"x":1}}` {
		t.Errorf("the whole is %s", out)
	}
	if err := Members([]byte(`{} {}`), nil); err == nil {
		t.Error("two objects are taken as one")
	}
	for _, other := range []string{`[]`, `1`, `"x"`, `null`} {
		if err := Members([]byte(other), func(_, _ []byte) error { return nil }); !errors.Is(err, ErrNotObject) {
			t.Errorf("%s: %v", other, err)
		}
	}
	stop := errors.New("enough")
	if err := Members(src, func(_, _ []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the caller's error became %v", err)
	}
}

// TestMembersOfTheResult holds the values that AppendMembers hands out to the
// order of the result: a repeated or an index key moves what was written before.
func TestMembersOfTheResult(t *testing.T) {
	src := []byte(`{"id":"a","body":{"x":1,"y":2},"2":[ ],"id":"longer","\u0031":{}}`)
	var walked []string
	values := map[string][]byte{}
	out, err := AppendMembers([]byte("kept"), src, func(key, value []byte) error {
		walked = append(walked, string(key))
		values[string(key)] = value
		return nil
	})
	if want := `kept{"1":{},"2":[],"id":"longer","body":{"x":1,"y":2}}`; err != nil || string(out) != want {
		t.Fatalf("the result is %s (%v), not %s", out, err, want)
	}
	if want := []string{"1", "2", "id", "body"}; !reflect.DeepEqual(walked, want) {
		t.Errorf("members come as %q, not %q", walked, want)
	}
	for key, want := range map[string]string{"1": "{}", "2": "[]", "id": `"longer"`, "body": `{"x":1,"y":2}`} {
		if string(values[key]) != want {
			t.Errorf("%s is %s afterwards, not %s", key, values[key], want)
		}
	}
}

// TestMembersOfSoundTextOnly: nobody acts on the first half of a broken text.
func TestMembersOfSoundTextOnly(t *testing.T) {
	for _, src := range []string{`{"a":1,"b":}`, `{"a":1} 2`, `[{"a":1}]`, `[{"a":1}] 2`} {
		visit := func(key, _ []byte) error {
			t.Errorf("%s: %s is handed out", src, key)
			return nil
		}
		_, err := AppendMembers(nil, []byte(src), visit)
		if raw := Members([]byte(src), visit); err == nil || raw == nil || raw.Error() != err.Error() {
			t.Errorf("%s is refused with %v and %v", src, err, raw)
		}
	}
}

func TestUnsafeInteger(t *testing.T) {
	for src, want := range map[string]string{
		`{"a":9007199254740993}`:                  "9007199254740993",
		`{"a":[1,-9007199254740993]}`:             "-9007199254740993",
		`{"a":9007199254740992}`:                  "",
		`{"a":"9007199254740993"}`:                "",
		`{"a":"\"9007199254740993","b":1.5e+300}`: "",
	} {
		if got, found := UnsafeInteger([]byte(src)); got != want || found != (want != "") {
			t.Errorf("%s: %q", src, got)
		}
	}
}

// TestMeansTheSame compares, for any JSON, what encoding/json reads before and
// after.
func TestMeansTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := text(t, 4)
		out, err := Append(nil, []byte(src))
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		var before, after any
		if err := errors.Join(json.Unmarshal([]byte(src), &before), json.Unmarshal(out, &after)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("%s became %s", src, out)
		}
		if again, err := Append(nil, out); err != nil || string(again) != string(out) {
			t.Fatalf("%s is not a fixed point: %s (%v)", out, again, err)
		}
	})
}

// text draws JSON as somebody might write it.
func text(t *rapid.T, depth int) string {
	space := rapid.SampledFrom([]string{"", " ", "\n\t"}).Draw(t, "space")
	kinds := 4
	if depth > 0 {
		kinds = 6
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return space + rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "word")
	case 1:
		raw, _ := json.Marshal(rapid.Float64Range(-1e300, 1e300).Draw(t, "float"))
		return string(raw) + space
	case 2:
		return rapid.StringMatching(`-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
	case 3:
		raw, _ := json.Marshal(rapid.String().Draw(t, "string"))
		return string(raw)
	case 4:
		items := make([]string, rapid.IntRange(0, 4).Draw(t, "items"))
		for i := range items {
			items[i] = text(t, depth-1)
		}
		return "[" + space + strings.Join(items, ","+space) + "]"
	default:
		members := make([]string, rapid.IntRange(0, 5).Draw(t, "members"))
		for i := range members {
			key, _ := json.Marshal(rapid.SampledFrom([]string{"a", "b", "1", "0", "10", "é", ""}).Draw(t, "key"))
			members[i] = string(key) + space + ":" + text(t, depth-1)
		}
		return "{" + space + strings.Join(members, ",") + space + "}"
	}
}

func FuzzAppend(f *testing.F) {
	for _, seed := range []string{`{"a":1.0,"2":[],"1":{},"a":"\ud800"}`, `[1e21,-0,9007199254740993]`, `"\u2028"`, "\xef\xbb\xbf{}", `{"":{"":""}}`, strings.Repeat("[", 600)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		out, err := Append(nil, src)
		if err != nil {
			return
		}
		if !json.Valid(src) || !json.Valid(out) {
			t.Fatalf("%q is no JSON, but was taken as %q", src, out)
		}
		if !Exact(out) {
			t.Fatalf("%q became %q, which is no fixed point", src, out)
		}
		_ = Members(src, func(_, value []byte) error {
			if !json.Valid(value) {
				t.Fatalf("%q has a member %q", src, value)
			}
			return nil
		})
	})
}

func BenchmarkAppend(b *testing.B) {
	src := []byte(`{"id":"evt_0123456789","resource":"transaction","action":"created","body":{"id":"tx-1","type":"spend","spend":{"amount":2500,"currency":"usd","note":"` +
		strings.Repeat("lorem ipsum dolor sit amet ", 30) + `"}}}`)
	dst := make([]byte, 0, 2*len(src))
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Append(dst, src); err != nil {
			b.Fatal(err)
		}
	}
}
