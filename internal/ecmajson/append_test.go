package ecmajson

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
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
		{`-1e-7`, `-1e-7`}, {`1e-10`, `1e-10`}, {`1.5e300`, `1.5e+300`}, {`-1e21`, `-1e+21`}, {`1000000000000000000000.0`, `1e+21`}, {`999999999999999.5`, `999999999999999.5`},
		{`9007199254740992`, `9007199254740992`}, {`9007199254740993`, `9007199254740993`}, {`-9007199254740993`, `-9007199254740993`},
		{`123456789012345678901234567890`, `123456789012345678901234567890`}, {`9007199254740993.0`, `9007199254740992`},
		{strings.Repeat(`9`, 400), strings.Repeat(`9`, 400)}, {`0.` + strings.Repeat(`3`, 400), `0.3333333333333333`},
		// objects
		{`{"b":1,"a":2}`, `{"b":1,"a":2}`},
		{`{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{`{"a":1,"\u0061":2}`, `{"a":2}`},
		{`{"b":1,"10":2,"9":3,"a":4}`, `{"9":3,"10":2,"b":1,"a":4}`},
		{`{"b":1,"01":2,"-1":3,"4294967295":4,"4294967294":5}`, `{"4294967294":5,"b":1,"01":2,"-1":3,"4294967295":4}`},
		{`{"__proto__":1,"constructor":2}`, `{"__proto__":1,"constructor":2}`},
		{`{"":1}`, `{"":1}`}, {`{"\u0000":1,"\ud800":2,"\ud800":3}`, `{"\u0000":1,"\ud800":3}`},
		{`{"5":1,"a":2,"\u0035":3}`, `{"5":3,"a":2}`},
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

// TestAppendKeepsWhatIsThere: the destination grows behind what it holds, and
// comes back as it was when the text is refused.
func TestAppendKeepsWhatIsThere(t *testing.T) {
	dst := make([]byte, 4, 64)
	copy(dst, "kept")
	if out, err := Append(dst, []byte(`{"1":1,"a":2,"0":3}`)); err != nil || string(out) != `kept{"0":3,"1":1,"a":2}` {
		t.Errorf("appended to as %s (%v)", out, err)
	}
	if out, err := Append(dst, []byte(`{"1":1,"a":2,"0":`)); err == nil || string(out) != "kept" {
		t.Errorf("a refusal leaves %s (%v)", out, err)
	}
}

func TestAppendString(t *testing.T) {
	for s, want := range map[string]string{
		"":                      `""`,
		"plain":                 `"plain"`,
		"\"\\/":                 `"\"\\/"`,
		"\b\t\n\f\r":            `"\b\t\n\f\r"`,
		"\x00\x0b\x1f\x7f":      "\"\\u0000\\u000b\\u001f\x7f\"",
		"é\u2028\u2029😀<&>":     "\"é\u2028\u2029😀<&>\"",
		"a\xffb\xc3":            "\"a\ufffdb\ufffd\"",
		strings.Repeat("x", 99): `"` + strings.Repeat("x", 99) + `"`,
	} {
		if got := string(AppendString([]byte("k"), s)); got != "k"+want {
			t.Errorf("%q is written %s, not %s", s, got, want)
		}
	}
}

func TestExact(t *testing.T) {
	for _, src := range []string{
		``, ` {}`, `{} `, `{"a": 1}`, `1.0`, `-0`, `1e2`, `"\/"`, `"\u0041"`, `"\uD800"`, `{"a":1,"a":1}`, `{"b":1,"1":1}`, `{"2":1,"1":1}`, `{`, "\xef\xbb\xbf{}",
	} {
		if Exact([]byte(src)) {
			t.Errorf("%q is taken for canonical", src)
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	deep := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	if _, err := Append(nil, deep(MaxDepth)); err != nil {
		t.Errorf("%d deep is refused: %v", MaxDepth, err)
	}
	if _, err := Append(nil, []byte("[[]"+strings.Repeat(`,[{"a":[{}]}]`, MaxDepth)+"]")); err != nil {
		t.Errorf("many beside each other are refused: %v", err)
	}
	for _, n := range []int{MaxDepth + 1, 100_000} {
		for _, src := range [][]byte{deep(n), []byte(strings.Repeat(`{"a":`, n))} {
			_, err := Append(nil, src)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || !strings.Contains(syntax.Msg, "512") {
				t.Errorf("%d deep: %v", n, err)
			}
		}
	}
}

// TestLongObjects: ten times the members may not take a hundred times as long.
// The bound is so loose that nothing but quadratic work can miss it.
func TestLongObjects(t *testing.T) {
	var plain, indexed, repeated strings.Builder
	for i := range 400_000 {
		fmt.Fprintf(&plain, `,"k%d":1`, i)
		fmt.Fprintf(&indexed, `,"%d":1`, 400_000-i)
		fmt.Fprintf(&repeated, `,"k%d":1`, i/2)
	}
	started := time.Now()
	for name, members := range map[string]string{"plain": plain.String(), "indexed": indexed.String(), "repeated": repeated.String()} {
		if _, err := Append(nil, []byte("{"+members[1:]+"}")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if took := time.Since(started); took > 4*time.Minute {
		t.Errorf("objects of 400,000 members took %v", took)
	}
}

func TestUnsafeInteger(t *testing.T) {
	for src, want := range map[string]string{
		`{"a":9007199254740993}`:                         "9007199254740993",
		`{"a":[1,-9007199254740993]}`:                    "-9007199254740993",
		`-9007199254740992`:                              "",
		`100000000000000000000`:                          "100000000000000000000",
		`[0.30000000000000004,-1.7976931348623157e+308]`: "",
		`[1e+21,5e-324,"x\\",9007199254740993]`:          "9007199254740993",
		`{"a":9007199254740992}`:                         "",
		`{"a":"9007199254740993"}`:                       "",
		`{"a":"\"9007199254740993","b":1.5e+300}`:        "",
	} {
		if got, found := UnsafeInteger([]byte(src)); got != want || found != (want != "") {
			t.Errorf("%s: %q", src, got)
		}
	}
}
