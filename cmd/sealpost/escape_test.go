package main

import (
	"encoding/json"
	"testing"
)

func TestEscaped(t *testing.T) {
	for text, want := range map[string]string{
		"plain, ünïcode, 漢字\n\tok": "plain, ünïcode, 漢字\n\tok",
		"a\u009b31mb":              `a\u009b31mb`,
		"a\x1b[31mb\x07\x7f":       `a\u001b[31mb\u0007\u007f`,
		"a\r\x00":                  `a\u000d\u0000`,
		"a\u202eb\u2066\u200f":     `a\u202eb\u2066\u200f`,
		"a\u2028b":                 `a\u2028b`,
		"raw \x9b":                 `raw \x9b`,
		"tag \U000e0041":           `tag \udb40\udc41`,
		"\ufffd":                   "\ufffd",
	} {
		if got := escaped(text); got != want {
			t.Errorf("%q is written %q, not %q", text, got, want)
		}
	}
	const before = "{\"a\":\"\u009b \u202e \U000e0041\"}"
	var old, now any
	if json.Unmarshal([]byte(before), &old) != nil || json.Unmarshal([]byte(escaped(before)), &now) != nil {
		t.Fatal("no JSON")
	}
	if a, b := old.(map[string]any)["a"], now.(map[string]any)["a"]; a != b {
		t.Errorf("%q became %q", a, b)
	}
}

// TestOnlyOwnColoursStay: a line keeps the sequences of this program's styles, and
// escapes the same ones in texts from outside.
func TestOnlyOwnColoursStay(t *testing.T) {
	const red, plain = "\x1b[38;5;203m", "\x1b[0m"
	own := marked(red + escaped("dead"+plain) + plain)
	foreign := red + "x" + plain + "\x1b[99mm\u009b"
	for want, got := range map[string]string{
		red + `dead\u001b[0m` + plain + ` \u001b[38;5;203mx\u001b[0m\u001b[99mm\u009b`: talk("%s %s", []any{own, foreign}),
		`\u001b[38;5;203mx\u001b[0m\u001b[99mm\u009b` + red + `dead\u001b[0m` + plain:  talk("%s%s", []any{foreign, own}),
		`no colours \u001b[0m`: talk("no colours %s", []any{plain}),
	} {
		if got != want {
			t.Errorf("%q is written, not %q", got, want)
		}
	}
}
