// Package capture reads a request from what people have of one: a raw HTTP message,
// an event of AWS Lambda, a HAR file, a Postman collection, the JSON of webhook.site
// or ngrok, curl -v, a request copied as cURL, variables of CGI, a line of sealpost
// listen. The first bytes tell which it is.
//
// [Read] changes no byte of a body that is there as bytes. What it can't read is an
// [Error], which says what the input looks like and what to do.
package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// Request is what was read.
type Request struct {
	Shape   string              // what the input is, for people: "a raw HTTP request", …
	Headers map[string][]string // names as they stand there
	Body    []byte
	HasBody bool     // false: the input shows headers alone
	Notes   []string // what a person has to know of the reading
}

// Error says why an input can't be read.
type Error struct {
	Shape string // what it looks like
	What  string // what is wrong with it
	Hint  string // what to do
}

func (e *Error) Error() string { return "this looks like " + e.Shape + ": " + e.What }

// maxHeaderBytes bounds the head of a message.
const maxHeaderBytes = 64 << 10

// signatureNames are the headers that tell a signed request from others.
var signatureNames = []string{"signature", "webhook-signature", "svix-signature", "stripe-signature", "x-hub-signature-256"}

// signed reports whether the request carries a signature.
func (r *Request) signed() bool {
	for name := range r.Headers {
		if slices.Contains(signatureNames, strings.ToLower(name)) {
			return true
		}
	}
	return false
}

func (r *Request) add(name, value string) {
	if r.Headers == nil {
		r.Headers = map[string][]string{}
	}
	r.Headers[name] = append(r.Headers[name], value)
}

// get returns the only value of a header, whatever the case of its name.
func (r *Request) get(name string) string {
	for key, values := range r.Headers {
		if strings.EqualFold(key, name) && len(values) == 1 {
			return values[0]
		}
	}
	return ""
}

// magics are the first bytes of what is no text.
var magics = []struct{ begin, shape, hint string }{
	{"\x1f\x8b", "a gzip file", "decompress it first: gunzip -c FILE | sealpost verify-signature --request - …"},
	{"PK\x03\x04", "a zip file", "unpack it, and give the file with the request"},
	{"\xd4\xc3\xb2\xa1", "a packet capture", "export the HTTP request: in Wireshark, Follow HTTP Stream, save as raw"},
	{"\xa1\xb2\xc3\xd4", "a packet capture", "export the HTTP request: in Wireshark, Follow HTTP Stream, save as raw"},
	{"\x0a\x0d\x0d\x0a", "a packet capture", "export the HTTP request: in Wireshark, Follow HTTP Stream, save as raw"},
	{"\x89PNG", "a picture", "give the request as text"},
	{"%PDF", "a PDF file", "give the request as text"},
}

// Read reads a request.
func Read(raw []byte) (Request, error) {
	for _, m := range magics {
		if bytes.HasPrefix(raw, []byte(m.begin)) {
			return Request{}, &Error{m.shape, "it holds no request as text", m.hint}
		}
	}
	var notes []string
	if text := Text(raw); text != nil {
		raw = text
		notes = append(notes, "the input is UTF-16, as Windows PowerShell writes it; it was read as text, and the body taken as UTF-8")
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	text := bytes.TrimLeft(raw, " \t\r\n")
	if len(text) == 0 {
		return Request{}, &Error{"an empty file", "nothing is in it", "give a whole request, or the body with --body and the headers with -H"}
	}
	r, err := read(raw, text)
	r.Notes = append(notes, r.Notes...)
	return r, err
}

func read(raw, text []byte) (Request, error) {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	line := strings.TrimSpace(string(first))
	word, _, _ := strings.Cut(strings.TrimPrefix(line, "$ "), " ")
	switch {
	case text[0] == '{' || text[0] == '[' && !strings.HasPrefix(line, "[HTTP"):
		return readJSON(text)
	case word == "curl" || word == "curl.exe":
		return readCurl(string(text))
	case strings.HasPrefix(line, "Invoke-WebRequest") || strings.HasPrefix(line, "Invoke-RestMethod") || strings.HasPrefix(line, "$session") || strings.HasPrefix(line, "$headers") || strings.HasPrefix(line, "$body") || strings.HasPrefix(line, "iwr ") || strings.HasPrefix(line, "irm "):
		return readPowerShell(string(text))
	case strings.HasPrefix(line, "fetch(") || strings.HasPrefix(line, "await fetch("):
		return readFetch(text)
	case strings.HasPrefix(line, "HTTP/"):
		return Request{}, &Error{"an HTTP response", "the signature stands in the request", "give the request: its headers, an empty line, its body"}
	case strings.HasPrefix(strings.ToLower(line), "<!doctype") || strings.HasPrefix(strings.ToLower(line), "<html") || strings.HasPrefix(line, "<?xml"):
		return Request{}, &Error{"a page or an XML file", "it holds no request that can be told", "give the raw request: its headers, an empty line, its body"}
	case strings.HasPrefix(line, "│") || strings.HasPrefix(line, "|  "):
		return readBox(string(text))
	case isVerbose(line):
		return readVerbose(string(text))
	case strings.HasPrefix(line, "== Info") || strings.HasPrefix(line, "=> Send"):
		return readTrace(string(text))
	case isVariable(line) || strings.HasPrefix(line, "Array") || strings.HasPrefix(line, "[HTTP"):
		return readVariables(text)
	}
	return readHTTP(raw)
}

// Text reads UTF-16 in either order, told by its mark or its zero bytes; nil
// for anything else.
func Text(raw []byte) []byte {
	var order binary.ByteOrder
	switch {
	case len(raw) < 4:
		return nil
	case raw[0] == 0xff && raw[1] == 0xfe:
		order, raw = binary.LittleEndian, raw[2:]
	case raw[0] == 0xfe && raw[1] == 0xff:
		order, raw = binary.BigEndian, raw[2:]
	case raw[0] != 0 && raw[1] == 0 && raw[2] != 0 && raw[3] == 0:
		order = binary.LittleEndian
	case raw[0] == 0 && raw[1] != 0 && raw[2] == 0 && raw[3] != 0:
		order = binary.BigEndian
	default:
		return nil
	}
	units := make([]uint16, 0, len(raw)/2)
	for ; len(raw) >= 2; raw = raw[2:] {
		units = append(units, order.Uint16(raw))
	}
	return []byte(string(utf16.Decode(units)))
}

// bounded shortens text from outside for a message.
func bounded(s string) string {
	const most = 80
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// choose takes the one request that is meant out of several.
func choose(shape string, all []Request) (Request, error) {
	signed := slices.DeleteFunc(slices.Clone(all), func(r Request) bool { return !r.signed() })
	switch {
	case len(signed) == 1:
		return signed[0], nil
	case len(signed) > 1:
		return Request{}, &Error{shape, fmt.Sprintf("it holds %d signed requests", len(signed)), "keep the one to be verified"}
	case len(all) == 1:
		return all[0], nil
	}
	return Request{}, &Error{shape, fmt.Sprintf("it holds %d requests, none of them with a signature header", len(all)), "keep the request of the webhook; browsers and viewers may leave headers out"}
}
