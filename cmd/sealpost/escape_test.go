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
