package admin_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"sealpost/internal/admin"
	"sealpost/internal/webhook"
)

// TestDocument reads documents and writes them again; the other form of each is
// what comes out, the same when it is empty.
func TestDocument(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	for in, out := range map[string]string{
		`{"type":"integrator","webhooks":{}}`:                                                                                  "",
		`{"type":"uphold","webhooks":{"a":{"url":"https://a.example.com/","secret":"` + key + `"}}}`:                           "",
		`{"type":"integrator","webhooks":{"a":{"url":"u"},"b":{"url":"v","order":{"paid":"w"},"secret":"` + key + `"}}}`:       "",
		`{"type":"integrator","webhooks":{"a":{"url":"u","limits":{"rate":0.5},"order":{"paid":"w"},"secret":"` + key + `"}}}`: "",
		`{"webhooks":{"b":{"url":"v"},"a":{"url":"u"}}}`:                                                                       `{"type":"","webhooks":{"a":{"url":"u"},"b":{"url":"v"}}}`,
		`{"type":"integrator","webhooks":{"a":{"url":"u","event":{"x":"w"},"headers":{"y":"z"}}}}`:                             "", // resources like any other
		`{"type":"integrator","webhooks":{"a":{"name":"a","url":"u","events":["*"],"enabled":true,"secret":null}}}`:            `{"type":"integrator","webhooks":{"a":{"url":"u"}}}`,
		`{"type":"integrator","webhooks":{"a":{"url":"u","events":["order.*"],"enabled":false}},"webhooks":{"z":{"url":"z"}}}`: `{"type":"integrator","webhooks":{"z":{"url":"z"}}}`,
	} {
		doc, err := admin.ParseDocument([]byte(in), noLine)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if out == "" {
			out = in
		}
		if got := string(doc.Marshal()); got != out {
			t.Errorf("%s is written as\n%s, not\n%s", in, got, out)
		}
	}
}

func noLine(string) int { return 0 }

// TestDocumentUnknown finds members that no document has, with their lines and the
// names that were likely meant.
func TestDocumentUnknown(t *testing.T) {
	lines := map[string]int{"webhooks.a.event": 7}
	for in, want := range map[string]string{
		`{"webhooks":{"a":{"url":"u","event":["a.*"]}}}`:                   "line 7: webhooks.a.event is no member of a document; did you mean events?",
		`{"webhooks":{"a":{"url":"u","enabeld":false}}}`:                   "webhooks.a.enabeld is no member of a document; did you mean enabled?",
		`{"webhooks":{"a":{"url":"u","Secret":"x"}}}`:                      "webhooks.a.Secret is no member of a document; did you mean secret?",
		`{"webhooks":{"a":{"url":"u","more":{"x":"u","y":7}}}}`:            "webhooks.a.more is no member of a document; there are name, url,",
		`{"webhooks":{"a":{"url":"u","more":null}}}`:                       "webhooks.a.more is no member",
		`{"webhook":{},"webhooks":{}}`:                                     "webhook is no member of a document; did you mean webhooks?",
		`{"Type":"bank","webhooks":{}}`:                                    "did you mean type?",
		`{"webhooks":{"a":{"name":"b","url":"u"}}}`:                        `a: its member name says "b"`,
		`{"webhooks":{"a":{"url":"u","limits":{"maxInflight":3}}}}`:        "webhooks.a.limits.maxInflight is no member of a document; did you mean maxInFlight?",
		`{"webhooks":{"a":{"url":"u","limits":{"rate":[1]}}}}`:             "webhooks.a.limits holds neither URLs nor what this member can have",
		`{"webhooks":{"a":{"url":"u","limit":{"rate":1}}}}`:                "webhooks.a.limit is no member of a document; did you mean limits?",
		`{"webhooks":{"a":{"url":"u","transactions":["https://a.test"]}}}`: "did you mean transaction?",
	} {
		_, err := admin.ParseDocument([]byte(in), func(path string) int { return lines[path] })
		if err == nil || !strings.Contains(err.Error(), want) || webhook.CodeOf(err) != webhook.CodeBadRequest {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// TestDocumentFaults: all of them at once, each with the webhook's name.
func TestDocumentFaults(t *testing.T) {
	for in, want := range map[string][]string{
		`{`:                 {"JSON"},
		`[]`:                {"object"},
		`{}`:                {"webhooks is missing"},
		`{"webhooks":null}`: {"webhooks is missing"},
		`{"type":"bank","webhooks":{"A_B":{"url":"u"},"a":{},"b":{"url":"u","secret":7},"c":{"url":"u","secret":""},"d":7}}`: {
			`A_B: `, `a: `, `b: `, `c: `, `d: `, `type "bank" is neither integrator nor uphold`,
		},
	} {
		doc, err := admin.ParseDocument([]byte(in), noLine)
		var fault *webhook.Error
		if !errors.As(err, &fault) || doc != nil || len(fault.Messages) != len(want) || !slices.IsSorted(fault.Messages) {
			t.Errorf("%s: %v", in, err)
			continue
		}
		for i, text := range want {
			if !strings.Contains(fault.Messages[i], text) {
				t.Errorf("%s: %q is not about %q", in, fault.Messages[i], text)
			}
		}
	}
}
