package signature

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

func TestParseRequest(t *testing.T) {
	for _, raw := range []string{
		"POST /x HTTP/1.1\r\nHost: a\r\nSignature: s\r\n\r\nbody\r\n",
		"Host: a\nSignature: s\n\nbody\r\n",
		"HTTP/1.1 200 OK\nSignature: s\n\nbody\r\n",
		"POST http://a:80/ HTTP/1.1\nSignature:s\nContent-Length: 6\n\nbody\r\nmore",
		"POST / HTTP/2\r\nSignature: \t s \t\r\ncontent-length: 6\r\nContent-Length: 6\r\n\r\nbody\r\n",
	} {
		headers, body, err := ParseRequest([]byte(raw))
		if err != nil || http.Header(headers)["Signature"][0] != "s" || string(body) != "body\r\n" {
			t.Errorf("%q: %v, %q, %v", raw, headers, body, err)
		}
	}
	for raw, reason := range map[string]string{
		"":                                "no empty line",
		"Host: a":                         "no empty line",
		"Host: a\n":                       "no empty line",
		"POST / HTTP/1.1\nnonsense\n\n":   "line 2 is no header",
		"A: b\n folded: c\n\n":            "line 2 is no header",
		"A: b\nA : c\n\n":                 "line 2 is no header",
		"A: b\nContent-Length: 9\n\nbody": "9, but 4 bytes follow",
		"A: b\nContent-Length: -1\n\n":    "not a number",
		"A: b\nContent-Length: +1\n\nb":   "not a number",
		"A: b\nContent-Length:\n\nb":      "not a number",
		"Content-Length: 1\ncontent-length: 2\n\nbb":         "2 here and 1 before",
		"X: " + strings.Repeat("x", MaxHeaderBytes) + "\n\n": "no empty line",
	} {
		if _, _, err := ParseRequest([]byte(raw)); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.40q: %v, not %s", raw, err, reason)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte("POST / HTTP/1.1\r\nA: b\r\n\r\nbody"))
	f.Add([]byte("A: b\nContent-Length: 2\n\nbody"))
	f.Add([]byte("Content-Length: 99999999999999999999\n\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		headers, body, err := ParseRequest(raw)
		if err != nil {
			return
		}
		_, behind, found := bytes.Cut(bytes.ReplaceAll(raw, crlf, lf), []byte("\n\n"))
		if !found && !bytes.HasPrefix(raw, lf) && !bytes.HasPrefix(raw, crlf) {
			t.Fatalf("%q has no empty line", raw)
		}
		if len(headers) == 0 && found && len(behind) > len(raw) || !bytes.Contains(raw, body) {
			t.Fatalf("%q has the body %q", raw, body)
		}
	})
}
