package signature_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"sealpost/internal/secret"
	"sealpost/internal/signature"
)

// TestFrameworks looks at what the fix shows, by who rewrote the body and by the
// framework of the receiver.
func TestFrameworks(t *testing.T) {
	const body = `{"id":"evt_1","body":{"total":2500}}`
	const spaced = `{"id": "evt_1", "body": {"total": 2500}}`
	for _, test := range []struct {
		what, hashed, framework string
		code                    string
		has, hasNot             []string
	}{
		{"a language has all its frameworks", spaced, "", signature.CodeBodySpaced, []string{"`request.get_data()` in Flask", "in Django", "in FastAPI", "--framework NAME", signature.FrameworksPage}, []string{"Express"}},
		{"one framework alone", spaced, "flask", signature.CodeBodySpaced, []string{"in Flask: `body = request.get_data()`", signature.FrameworksPage}, []string{"Django", "FastAPI"}},
		{"a framework of another language", spaced, "express", signature.CodeBodySpaced, []string{"in Express: `app.post("}, []string{"Flask"}},
		{"nobody is known", body + "\n", "", signature.CodeBodyPlusNewline, []string{"printf %s"}, []string{"Rails"}},
		{"no body at all", "", "sinatra", signature.CodeBodyEmpty, []string{"in Sinatra: `body = request.body.read`"}, nil},
		{"two lines", "[object Object]", "nextjs-pages", signature.CodeBodyObjectText, []string{"bodyParser: false } };` and `for await"}, nil},
		{"base64 in Lambda", "eyJpZCI6ImV2dF8xIiwiYm9keSI6eyJ0b3RhbCI6MjUwMH19", "lambda", signature.CodeBodyBase64, []string{`event.isBase64Encoded ? "base64" : "utf8"`}, nil},
		{"base64 elsewhere", "eyJpZCI6ImV2dF8xIiwiYm9keSI6eyJ0b3RhbCI6MjUwMH19", "rails", signature.CodeBodyBase64, []string{"isBase64Encoded"}, []string{"raw_post"}},
		{"a tool keeps its remedy", "{\n  \"id\": \"evt_1\",\n  \"body\": {\n    \"total\": 2500\n  }\n}\n", "rails", signature.CodeBodyIndented, []string{"curl --data-binary"}, []string{"raw_post"}},
		{"no cause found", "something else", "rails", signature.CodeComputedUnknown, []string{"sealpost sign", "in Rails: `body = request.raw_post`"}, nil},
		{"an unknown framework changes nothing", "something else", "cobol", signature.CodeComputedUnknown, []string{"sealpost sign"}, []string{"raw body"}},
	} {
		t.Run(test.what, func(t *testing.T) {
			key := strings.Repeat("k", 32)
			mac := hmac.New(sha256.New, []byte(key))
			mac.Write([]byte(test.hashed))
			got := signature.Explain(signature.Inquiry{
				Request:   signature.Request{Body: []byte(body), Scheme: signature.SchemeAuto, Secrets: []signature.Candidate{{Name: "it", Secret: secret.New(key), Accept: true}}},
				Computed:  hex.EncodeToString(mac.Sum(nil)),
				Framework: test.framework,
			})
			fix := ""
			for _, c := range got.Causes {
				if c.Code == test.code {
					fix = c.Fix
				}
			}
			if fix == "" {
				t.Fatalf("no cause %s: %+v", test.code, got.Causes)
			}
			for _, want := range test.has {
				if !strings.Contains(fix, want) {
					t.Errorf("without %q: %s", want, fix)
				}
			}
			for _, not := range test.hasNot {
				if strings.Contains(fix, not) {
					t.Errorf("with %q: %s", not, fix)
				}
			}
		})
	}
}
