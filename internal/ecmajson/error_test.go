package ecmajson

import (
	"errors"
	"strings"
	"testing"
)

func TestRefused(t *testing.T) {
	for _, test := range []struct {
		src          string
		line, column int
		msg          string // a part of it
	}{
		{``, 1, 1, "the text ends where a value"}, {` `, 1, 2, "the text ends"},
		{`{`, 1, 2, "a key in double quotes"}, {`{"a"`, 1, 5, "':'"}, {`{"a":}`, 1, 6, "'}' stands where a value"}, {`{"a":1,}`, 1, 8, "a key in double quotes"},
		{`{"a":1`, 1, 7, "',' or '}'"}, {`{"a" 1}`, 1, 6, "':'"}, {`{a:1}`, 1, 2, "a stands where a key"}, {`{"a":1 "b":2}`, 1, 8, "',' or '}'"}, {`{'a':1}`, 1, 2, "double quotes"},
		{"{\n\"a\": ?}", 2, 6, "'?' stands where a value"}, {"[1,\n\n  2 3]", 3, 5, "',' or ']'"}, {`[1,]`, 1, 4, "']' stands where a value"}, {`[`, 1, 2, "ends where a value"}, {`[1`, 1, 3, "ends where ',' or ']'"},
		{`tru`, 1, 1, "tru stands where a value"}, {`nul`, 1, 1, "nul stands"}, {`NaN`, 1, 1, "NaN stands"}, {`True`, 1, 1, "True stands"}, {`undefined`, 1, 1, "undefined stands"}, {`truex`, 1, 5, "x stands where the end"},
		{strings.Repeat("x", 1000), 1, 1, "xxxxxxxxxxxxxxxxxxxx stands"},
		{`01`, 1, 2, "leading 0"}, {`-01`, 1, 3, "leading 0"}, {`1.`, 1, 3, "a digit"}, {`.5`, 1, 1, "'.' stands"}, {`+1`, 1, 1, "'+' stands"}, {`-`, 1, 2, "a digit"}, {`1e`, 1, 3, "a digit"}, {`1e+`, 1, 4, "a digit"},
		{`-a`, 1, 2, "a stands where a digit"}, {`0x10`, 1, 2, "x stands where the end"}, {`1e999`, 1, 1, "1e999 is beyond what a double holds"}, {`[-1.5e309]`, 1, 2, "-1.5e309 is beyond"},
		{`"`, 1, 2, "ends inside a string"}, {`"a\`, 1, 3, "ends inside an escape"}, {"\"\n\"", 1, 2, "control character 0x0a"}, {"\"a\x00\"", 1, 3, "control character 0x00"},
		{`"\x"`, 1, 2, `\x is no escape`}, {"\"\\\x01\"", 1, 2, "byte 0x01"}, {"\"\\\xff\"", 1, 2, "byte 0xff"}, {`"\u12"`, 1, 2, "four hex digits"}, {`"\u12g4"`, 1, 2, "four hex digits"}, {`"\ud800\u12"`, 1, 8, "four hex digits"},
		{"\"\xff\"", 1, 2, "byte 0xff is not UTF-8"}, {"\"\xed\xa0\x80\"", 1, 2, "byte 0xed is not UTF-8"}, {"\"\xc0\x80\"", 1, 2, "byte 0xc0"}, {"\"é\xe2\x82\"", 1, 4, "byte 0xe2"}, {"\"\xf4\x90\x80\x80\"", 1, 2, "byte 0xf4"},
		{`{} {}`, 1, 4, "the end of the text"}, {"{}\x00", 1, 3, "the end of the text"}, {"\x00", 1, 1, "'\\x00' stands"}, {"\u00a0{}", 1, 1, "'\\u00a0' stands"}, {"\xff\xfe{", 1, 1, "byte 0xff stands"}, {"\x0c1", 1, 1, "'\\f' stands"},
		{"\xef\xbb\xbf{}", 1, 1, "byte order mark"}, {` {}` + "\ufeff", 1, 4, "'\\ufeff' stands"}, {`'a'`, 1, 1, "'\\'' stands"}, {`/**/1`, 1, 1, "'/' stands"}, {"1//", 1, 2, "'/' stands"},
	} {
		_, err := Append(nil, []byte(test.src))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%q is taken (%v)", test.src, err)
			continue
		}
		if syntax.Line != test.line || syntax.Column != test.column || !strings.Contains(syntax.Msg, test.msg) {
			t.Errorf("%q is refused at %d:%d (%s), not %d:%d (%s)", test.src, syntax.Line, syntax.Column, syntax.Msg, test.line, test.column, test.msg)
		}
		if !strings.HasSuffix(test.src[:syntax.Offset], start(test.src, test.line, test.column-1)) {
			t.Errorf("%q: offset %d is not line %d, column %d", test.src, syntax.Offset, test.line, test.column)
		}
		if Exact([]byte(test.src)) {
			t.Errorf("%q is refused and a fixed point", test.src)
		}
	}
}

// start returns the first n bytes of a line.
func start(text string, line, n int) string { return strings.Split(text, "\n")[line-1][:n] }
