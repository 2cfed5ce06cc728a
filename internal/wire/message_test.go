package wire

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestMessageRefusesWhatWouldBeAnother writes nothing that a receiver would
// read as more or other than was meant.
func TestMessageRefusesWhatWouldBeAnother(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"line in a value":   func(r *http.Request) { r.Header["X"] = []string{"a\r\nB: c"} },
		"line in a name":    func(r *http.Request) { r.Header["X\r\nY"] = []string{"a"} },
		"line in the host":  func(r *http.Request) { r.Host = "a\r\nB: c" },
		"line in the path":  func(r *http.Request) { r.URL.Opaque = "/a\r\nB: c" },
		"blank in the path": func(r *http.Request) { r.URL.Opaque = "/a HTTP/1.1" },
		"odd method":        func(r *http.Request) { r.Method = "POST / HTTP/1.1\r\n" },
		"odd scheme":        func(r *http.Request) { r.URL.Scheme = "ftp" },
		"length not known":  func(r *http.Request) { r.ContentLength = -1 },
		"body too short":    func(r *http.Request) { r.ContentLength = 3 },
		"body too long":     func(r *http.Request) { r.ContentLength = 1 },
	} {
		r, err := http.NewRequest(http.MethodPost, "http://a.example.com/", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		if m, err := newMessage(r); err == nil {
			t.Errorf("%s: %q", name, m.bytes)
		}
	}
}

// TestFramingIsOurs whatever the case of a name that another wrote.
func TestFramingIsOurs(t *testing.T) {
	for _, name := range []string{"Content-Length", "content-length", "TRANSFER-ENCODING", "host", "connection"} {
		r, err := http.NewRequest(http.MethodPost, "http://a.example.com/", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header[name] = []string{"1"}
		if m, err := newMessage(r); err != nil || strings.Contains(string(m.bytes), name+": 1") {
			t.Errorf("%s: %q, %v", name, m.bytes, err)
		}
	}
}

// FuzzMessage reads what was written with net/http's own reader: one request,
// the one that was meant, and nothing after it.
func FuzzMessage(f *testing.F) {
	f.Add("https://a.example.com/hook?x=1", "Signature", "00ff", []byte(`{"a":1}`))
	f.Add("http://[::1]:80/%20/ü", "x-y", "é \t", []byte{})
	f.Add("http://bücher.example.com", "Content-Length", "9", []byte("\r\n\r\nGET / HTTP/1.1"))
	f.Fuzz(func(t *testing.T, to, name, value string, body []byte) {
		u, err := url.Parse(to)
		if err != nil {
			return
		}
		m, err := newMessage(&http.Request{Method: http.MethodPost, URL: u, Header: http.Header{name: {value}},
			Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))})
		if err != nil {
			return
		}
		in := bufio.NewReader(bytes.NewReader(m.bytes))
		r, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("%q: %v", m.bytes, err)
		}
		got, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Equal(got, body) || r.RequestURI != Target(u) || in.Buffered() > 0 {
			t.Errorf("%q: body %q, %v, %d bytes left", m.bytes, got, err, in.Buffered())
		}
		if canonical := http.CanonicalHeaderKey(name); !framing(canonical) && !framing(name) && strings.TrimSpace(value) != r.Header.Get(canonical) {
			t.Errorf("%q: %s is %q", m.bytes, name, r.Header.Get(canonical))
		}
	})
}
