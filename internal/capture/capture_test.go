package capture

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// Every shape holds this request.
const (
	body = `{"id":"evt_1","resource":"a","action":"b","body":{"n":"Zoë \"x\""}}`
	sum  = "5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd"
)

var (
	jsonText = strings.ReplaceAll(strings.ReplaceAll(body, `\`, `\\`), `"`, `\"`)
	based    = base64.StdEncoding.EncodeToString([]byte(body))
)

var shapes = []struct{ name, raw, shape string }{
	{"raw", "POST /hook HTTP/1.1\r\nHost: x\r\nSignature: " + sum + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body, "raw HTTP"},
	{"HTTP/2 pseudo-headers", ":method: POST\n:path: /hook\nsignature: " + sum + "\n\n" + body, "raw HTTP"},
	{"chunks", "POST / HTTP/1.1\r\nSignature: " + sum + "\r\nTransfer-Encoding: chunked\r\n\r\na\r\n" + body[:10] + "\r\n" + strconv.FormatInt(int64(len(body)-10), 16) + ";x=y\r\n" + body[10:] + "\r\n0\r\n\r\n", "raw HTTP"},
	{"Lambda v1", `{"resource":"/","httpMethod":"POST","headers":{"Signature":"` + sum + `"},"multiValueHeaders":{"Signature":["` + sum + `"]},"requestContext":{},"body":"` + jsonText + `","isBase64Encoded":false}`, "Lambda"},
	{"Lambda v2", `{"version":"2.0","headers":{"signature":"` + sum + `"},"requestContext":{"http":{"method":"POST"}},"body":"` + based + `","isBase64Encoded":true}`, "Lambda"},
	{"ALB", `{"requestContext":{"elb":{"targetGroupArn":"x"}},"httpMethod":"POST","multiValueHeaders":{"signature":["` + sum + `"]},"body":"` + based + `","isBase64Encoded":true}`, "Load Balancer"},
	{"HAR", `{"log":{"version":"1.2","entries":[{"request":{"method":"GET","headers":[{"name":"accept","value":"*/*"}]}},{"request":{"method":"POST","headers":[{"name":":path","value":"/"},{"name":"signature","value":"` + sum + `"}],"postData":{"mimeType":"application/json","text":"` + jsonText + `"}}}]}}`, "HAR"},
	{"Postman", `{"info":{"_postman_id":"x"},"item":[{"name":"folder","item":[{"name":"hook","request":{"method":"POST","header":[{"key":"Signature","value":"` + sum + `"},{"key":"Off","value":"x","disabled":true}],"body":{"mode":"raw","raw":"` + jsonText + `"}}}]}]}`, "Postman"},
	{"webhook.site", `{"uuid":"x","type":"web","method":"POST","content":"` + jsonText + `","headers":{"signature":["` + sum + `"]}}`, "webhook.site"},
	{"ngrok", `{"requests":[{"uri":"/api","request":{"method":"POST","headers":{"Signature":["` + sum + `"]},"raw":"` + base64.StdEncoding.EncodeToString([]byte("POST / HTTP/1.1\r\nSignature: "+sum+"\r\n\r\n"+body)) + `"}}]}`, "ngrok"},
	{"listen", `{"n":1,"at":"x","method":"POST","path":"/","headers":{"Signature":["` + sum + `"]},"body":"` + jsonText + `","valid":null,"checks":[],"answer":{"status":200}}`, "sealpost listen"},
	{"delivery get", `{"method":"POST","url":"https://x/","headers":{"Signature":"` + sum + `"},"body":"` + jsonText + `"}`, "JSON"},
	{"parsed body", `{"headers":{"Signature":"` + sum + `"},"body":` + body + `}`, "JSON"},
	{"rawHeaders", `{"rawHeaders":["Host","x","Signature","` + sum + `"],"rawBody":"` + jsonText + `"}`, "JSON"},
	{"$_SERVER as JSON", `{"HTTP_SIGNATURE":"` + sum + `","REQUEST_METHOD":"POST","body":"` + jsonText + `"}`, "JSON"},
	{"cURL for bash", "curl 'https://x/hook' \\\n  -X POST \\\n  -H 'Signature: " + sum + "' \\\n  --data-raw $'" + strings.ReplaceAll(strings.ReplaceAll(body, `\`, `\\`), "ë", `\u00eb`) + "'", "cURL for bash"},
	{"cURL in double quotes", `curl -H "Signature: ` + sum + `" -d "` + jsonText + `" https://x/`, "cURL for bash"},
	{"cURL for cmd", "curl ^\"https://x/hook^\" ^\r\n  -H ^\"Signature: " + sum + "^\" ^\r\n  --data-raw " + cmdQuoted(body), "cURL for cmd"},
	{"PowerShell", "Invoke-WebRequest -UseBasicParsing -Uri \"https://x/\" `\n-Method \"POST\" `\n-Headers @{\n\"Signature\"=\"" + sum + "\"\n  \"Accept\"=\"*/*\"\n} `\n-Body \"" + strings.ReplaceAll(body, `"`, "`\"") + "\"", "PowerShell"},
	{"fetch", `fetch("https://x/", {"headers":{"Signature":"` + sum + `"},"body":"` + jsonText + `","method":"POST"});`, "fetch"},
	{"CGI", "HTTP_SIGNATURE=" + sum + "\nCONTENT_TYPE=application/json\nREQUEST_METHOD=POST\n\n" + body, "CGI"},
	{"print_r", "Array\n(\n    [HTTP_SIGNATURE] => " + sum + "\n    [CONTENT_TYPE] => application/json\n)\n\n" + body, "CGI"},
}

// cmdQuoted is how Chrome quotes for cmd: for the program first, then for the shell.
func cmdQuoted(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), `"`, `\"`)
	return `^"` + strings.NewReplacer(`\`, `^\`, `"`, `^"`, `{`, `^{`, `}`, `^}`).Replace(text) + `^"`
}

func TestShapes(t *testing.T) {
	for _, test := range shapes {
		t.Run(test.name, func(t *testing.T) {
			for _, raw := range []string{test.raw, "\ufeff" + test.raw, windows(test.raw)} {
				r, err := Read([]byte(raw))
				if err != nil {
					t.Fatalf("%v", err)
				}
				if !strings.Contains(r.Shape, test.shape) || r.get("Signature") != sum || string(r.Body) != body || !r.HasBody {
					t.Fatalf("%s: %v %q", r.Shape, r.Headers, r.Body)
				}
			}
		})
	}
}

// windows is a text as Windows PowerShell writes it.
func windows(text string) string {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return string(out)
}

// Shapes that show headers alone: the body has to be given.
func TestHeadersAlone(t *testing.T) {
	for name, raw := range map[string]string{
		"curl -v":         "* Connected to x\n> POST / HTTP/1.1\n> Host: x\n> Signature: " + sum + "\n>\n< HTTP/1.1 200 OK\n",
		"curl -v, HTTP/2": "* [HTTP/2] [1] [:method: POST]\n* [HTTP/2] [1] [signature: " + sum + "]\n< HTTP/2 200\n",
		"headers":         "Host: x\nSignature: " + sum,
		"headers, LF":     "Host: x\nSignature: " + sum + "\n",
		"$_SERVER":        "HTTP_SIGNATURE=" + sum,
		"cURL of a file":  "curl -H 'Signature: " + sum + "' --data-binary @body.json https://x/",
	} {
		if r, err := Read([]byte(raw)); err != nil || r.HasBody || r.get("Signature") != sum {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

// A body that was written again is not cut where the old one ended.
func TestContentLength(t *testing.T) {
	for name, test := range map[string]struct{ raw, want string }{
		"indented":        {"Content-Length: 7\n\n{\n  \"a\": 1\n}", "{\n  \"a\": 1\n}"},
		"compacted":       {"Content-Length: 90\n\n{\"a\":1}", `{"a":1}`},
		"a line break":    {"Content-Length: 7\n\n{\"a\":1}\n", `{"a":1}`},
		"another request": {"Content-Length: 4\n\nbodyPOST / HTTP/1.1", "body"},
	} {
		if r, err := Read([]byte("Signature: s\n" + test.raw)); err != nil || string(r.Body) != test.want {
			t.Errorf("%s: %q, %v", name, r.Body, err)
		}
	}
}

func TestUnreadable(t *testing.T) {
	for raw, want := range map[string]string{
		"":                                "an empty file",
		" \n":                             "an empty file",
		"\x1f\x8b\x08\x00":                "a gzip file",
		"PK\x03\x04":                      "a zip file",
		"\xd4\xc3\xb2\xa1\x02":            "a packet capture",
		"<!DOCTYPE html><html>":           "a page",
		"<?xml version=\"1.0\"?>":         "XML",
		"HTTP/1.1 200 OK\nA: b\n\n":       "an HTTP response",
		`{"id":"evt_1","body":{}}`:        "a JSON body without headers",
		`{"id":"dlv_1","attempts":[]}`:    "--print http",
		`{"id":`:                          "cut or changed",
		`{"log":{"entries":[]}}`:          "a HAR file",
		`{"Records":[{"body":"x"}]}`:      "records of a queue",
		"just a text":                     "a raw HTTP request",
		"nonsense":                        "a raw HTTP request",
		"A: b\n folded: c\n\n":            "line 2 is no header",
		"A: b\nContent-Length: 9\n\nbody": "9, but 4 bytes follow",
		"A: b\nContent-Length: -1\n\n":    "not a number",
		"Content-Length: 1\ncontent-length: 2\n\nbb": "2 here and 1 before",
		"curl https://x/":                                    "no -H",
		"* Connected\n< HTTP/1.1 200":                        "curl -v",
		"X: " + strings.Repeat("x", maxHeaderBytes) + "\n\n": "no empty line",
		`[{"headers":{"Signature":"a"},"body":"x"},{"headers":{"Signature":"b"},"body":"y"}]`: "2 signed requests",
	} {
		_, err := Read([]byte(raw))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error()+e.Hint, want) || e.Hint == "" || e.Shape == "" {
			t.Errorf("%.60q: %v, not %s", raw, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, test := range shapes {
		f.Add([]byte(test.raw))
	}
	for _, raw := range []string{"* x\n> A: b\n", "== Info: x\n=> Send header, 1 bytes\n0000: A: b\n=> Send data\n0000: x\n", "│ #1 POST /\n│ A: b\n│\n│ x\n", "A: b\nContent-Length: 99999999999999999999\n\n", "$headers = @{\n\"a\"=\"b\"", "curl ^\"x^\" -H ^"} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := Read(raw)
		var e *Error
		switch {
		case err != nil && !errors.As(err, &e):
			t.Fatalf("%v says nothing of a shape", err)
		case err != nil && (e.Shape == "" || e.Hint == ""):
			t.Fatalf("%+v", e)
		case err == nil && (r.Shape == "" || len(r.Headers) == 0):
			t.Fatalf("%+v", r)
		case err == nil && len(r.Body) > 3*len(raw)+16:
			t.Fatalf("%d bytes of body out of %d", len(r.Body), len(raw))
		}
	})
}
