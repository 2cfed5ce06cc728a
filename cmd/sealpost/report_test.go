package main

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"unicode/utf8"

	"sealpost/internal/webhook"
)

// FuzzAnswer gives an answer of a receiver to every output of publish. Each output must
// stay what its reader expects: XML that parses, JSON of valid UTF-8, one line without
// control characters.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"", "refused\n", "\x00\x1b[2J\x07", "\xff\xfe\xc3", "]]>", "</system-out><x>", "\ufffe\uffff", "\r\n", "\u202egnp.exe", "::error::no", "##[add-mask]x", "##vso[task]",
		strings.Repeat("é", 600), strings.Repeat("a", 1023) + "é", strings.Repeat("a", 1022) + "\U0001f980", strings.Repeat("\x80", 2000), "&amp;<![CDATA[", "###[x", `##\`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		p := &published{id: "e", eventType: "a.b", state: webhook.Accepted, count: 1, deliveries: []webhook.Delivery{{URL: "https://example.com/", State: webhook.Dead,
			Attempts: []webhook.Attempt{{N: 1, Status: 500, Response: answer}, {N: 2, Status: 500, Response: answer}}}}}
		expect := expectFlags{contains: []string{"missing\x01"}, statuses: []string{"200"}}
		p.expected = expect.weigh(p)

		text, err := junit([]*published{p}, verdict{exitNegative}).text()
		if err != nil {
			t.Fatal(err)
		}
		var suite junitSuite
		if err := xml.Unmarshal(text, &suite); err != nil || !utf8.Valid(text) {
			t.Fatalf("the report is no XML: %v\n%s", err, text)
		}
		if len(suite.Cases) != 1 || suite.Cases[0].Failure == nil || len(answer) > 0 && !strings.Contains(suite.Cases[0].Output, escaped(answerText(answer))) {
			t.Errorf("the report does not tell the answer %q:\n%s", answer, text)
		}

		shown, err := json.Marshal(p.view())
		var back publishedJSON
		if err != nil || json.Unmarshal(shown, &back) != nil || !utf8.Valid(shown) {
			t.Fatalf("no JSON: %v\n%s", err, shown)
		}
		if answer != nil && *back.Deliveries[0].Attempts[0].Response != answerText(answer) {
			t.Errorf("JSON says %q, not %q", *back.Deliveries[0].Attempts[0].Response, answerText(answer))
		}
		if len(strings.ToValidUTF8(string(answer[:min(len(answer), maxAnswer)]), "")) > 0 && answerText(answer) == "" {
			t.Errorf("nothing is left of %q", answer)
		}
		for _, line := range answers(&p.deliveries[0]) {
			if escaped(line) != line || strings.ContainsAny(line, "\n\t") || strings.Contains(line, "##") {
				t.Errorf("the line for people is %q", line)
			}
		}
	})
}

// TestAnswerText lists where the first KiB of an answer ends.
func TestAnswerText(t *testing.T) {
	full := strings.Repeat("a", maxAnswer)
	for _, c := range []struct{ answer, want string }{
		{"", ""},
		{"no\n", "no\n"},
		{full, full},
		{full + "b", full},
		{full[1:] + "é", full[1:]},
		{full[2:] + "é" + "b", full[2:] + "é"},
		{full[3:] + "\U0001f980", full[3:]},
		{full[1:] + "\xff" + "b", full[1:] + "\ufffd"},
		{"\xc3", "\ufffd"},
	} {
		if got := answerText([]byte(c.answer)); got != c.want {
			t.Errorf("%.20q… (%d bytes): got %d bytes, not %d", c.answer, len(c.answer), len(got), len(c.want))
		}
	}
	attempt := func(n, size int, cut bool) webhook.Attempt {
		return webhook.Attempt{N: n, Response: []byte(strings.Repeat("a", size)), Cut: cut}
	}
	d := &webhook.Delivery{Attempts: []webhook.Attempt{attempt(1, 2, false), attempt(2, 2, false), attempt(3, 0, false), attempt(4, 1025, false), attempt(5, 1<<16, true), attempt(6, 3, true)}}
	got := answers(d)
	for i, want := range []string{
		`attempts 1 to 2 were answered: "aa"`, `attempt 4 was answered (the first 1024 of 1025 bytes): "aaa`,
		`attempt 5 was answered (the first 1024 of more than 65536 bytes): "aaa`, `attempt 6 was answered (it ended too early): "aaa"`,
	} {
		if len(got) != 4 || !strings.HasPrefix(got[i], want) {
			t.Errorf("line %d of %.60q is not %s", i, got, want)
		}
	}
}
