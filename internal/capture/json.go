package capture

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
)

// maxRequests bounds the requests that are taken out of one file, and maxNested how
// deep they may lie.
const (
	maxRequests = 1000
	maxNested   = 12
)

// object is a JSON object with its members as they stand.
type object map[string]json.RawMessage

// readJSON reads the JSON that tools keep of requests: one value, or one a line.
func readJSON(text []byte) (Request, error) {
	shape := "JSON"
	var all []Request
	decoder := json.NewDecoder(bytes.NewReader(text))
	for {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if len(all) > 0 {
				break
			}
			return Request{}, &Error{"JSON that is cut or changed", err.Error(), "give the whole file; a body alone goes with --body @FILE"}
		}
		shape = shapeOf(value)
		w := walker{shape: shape}
		if w.walk(value, 0); w.err != nil {
			return Request{}, w.err
		}
		if all = append(all, w.found...); len(all) > maxRequests {
			break
		}
	}
	if len(all) == 0 {
		return Request{}, nothing(shape, text)
	}
	return choose(shape, all)
}

// nothing says why no request is in a JSON value.
func nothing(shape string, text []byte) error {
	var o object
	_ = json.Unmarshal(text, &o)
	switch {
	case o["attempts"] != nil:
		return &Error{"a delivery of sealpost", "it shows no headers and no body", "sealpost delivery get ID --print http writes the request as it was sent"}
	case o["Records"] != nil:
		return &Error{"records of a queue", "the request was taken apart before", "give the body of the record with --body, and the headers with -H"}
	case shape != "JSON":
		return &Error{shape, "no request with headers is in it", "export it with headers and bodies; a sanitized HAR leaves them out"}
	}
	return &Error{"a JSON body without headers", "the signature stands in the headers", "give it with --body @FILE, and each header with -H 'Name: value'"}
}

// shapeOf names the tool that wrote a value.
func shapeOf(value json.RawMessage) string {
	var o object
	if json.Unmarshal(value, &o) != nil {
		return "JSON"
	}
	has := func(names ...string) bool {
		for _, name := range names {
			if o[name] == nil {
				return false
			}
		}
		return true
	}
	switch {
	case has("log"):
		return "a HAR file"
	case has("item") || has("info", "item"):
		return "a Postman collection"
	case has("requestContext") && bytes.Contains(o["requestContext"], []byte(`"elb"`)):
		return "an event of an Application Load Balancer"
	case has("requestContext") || has("isBase64Encoded"):
		return "an event of API Gateway or Lambda"
	case has("n", "at", "checks"):
		return "a line of sealpost listen"
	case has("uuid", "content"):
		return "a request of webhook.site"
	case has("requests") || has("request", "uri"):
		return "requests of ngrok"
	}
	return "JSON"
}

// walker looks for requests in a value.
type walker struct {
	shape string
	found []Request
	err   error
}

// inside are the members in which requests lie.
var inside = []string{"log", "entries", "item", "items", "request", "requests", "req", "data", "event", "events", "webhook", "http", "result", "results"}

func (w *walker) walk(value json.RawMessage, depth int) {
	if depth > maxNested || w.err != nil || len(w.found) > maxRequests {
		return
	}
	value = bytes.TrimSpace(value)
	if len(value) == 0 {
		return
	}
	if value[0] == '[' {
		var list []json.RawMessage
		if json.Unmarshal(value, &list) == nil {
			for _, item := range list {
				w.walk(item, depth+1)
			}
		}
		return
	}
	var o object
	if value[0] != '{' || json.Unmarshal(value, &o) != nil {
		return
	}
	if r, ok := w.request(o); ok {
		w.found = append(w.found, r)
		return
	}
	for _, name := range inside {
		if o[name] != nil {
			w.walk(o[name], depth+1)
		}
	}
}

// request reads an object that has headers and a body, under any of their names.
func (w *walker) request(o object) (Request, bool) {
	r := Request{Shape: w.shape}
	if raw := text(o["raw"]); raw != "" && o["headers"] != nil {
		if message, err := base64.StdEncoding.DecodeString(raw); err == nil && bytes.Contains(message, []byte("HTTP/")) {
			if inner, err := readHTTP(message); err == nil { // ngrok keeps the whole message
				inner.Shape = w.shape
				return inner, true
			}
		}
	}
	// multiValueHeaders has all of headers, and each value of those that are repeated.
	for _, name := range []string{"multiValueHeaders", "headers", "header", "rawHeaders", "requestHeaders", "request_headers"} {
		if o[name] != nil && r.headers(o[name]) {
			break
		}
	}
	if len(r.Headers) == 0 {
		r.flat(o)
	}
	if !slices.ContainsFunc(slices.Collect(maps.Keys(r.Headers)), func(name string) bool { return name != "" }) {
		return Request{}, false
	}
	r.body(o)
	return r, true
}

// headers reads headers in each form that tools give them: an object of texts or of
// lists, a list of pairs, or one text.
func (r *Request) headers(value json.RawMessage) bool {
	var named map[string]json.RawMessage
	if json.Unmarshal(value, &named) == nil {
		for _, name := range slices.Sorted(maps.Keys(named)) {
			var many []string
			if one := text(named[name]); one != "" || json.Unmarshal(named[name], &many) != nil {
				many = []string{one}
			}
			for _, v := range many {
				r.add(headerName(name), v)
			}
		}
		return len(named) > 0
	}
	var flat []string
	if json.Unmarshal(value, &flat) == nil && len(flat)%2 == 0 {
		for i := 0; i < len(flat); i += 2 {
			r.add(flat[i], flat[i+1])
		}
		return len(flat) > 0
	}
	var pairs [][]string
	if json.Unmarshal(value, &pairs) == nil {
		for _, pair := range pairs {
			if len(pair) == 2 {
				r.add(pair[0], pair[1])
			}
		}
		return len(pairs) > 0
	}
	var list []struct {
		Name, Key, Value string
		Disabled         bool
	}
	if json.Unmarshal(value, &list) == nil {
		for _, h := range list {
			if name := h.Name + h.Key; name != "" && !h.Disabled && !strings.HasPrefix(name, ":") {
				r.add(name, h.Value)
			}
		}
		return len(list) > 0
	}
	for line := range strings.Lines(text(value)) {
		if name, v, found := strings.Cut(strings.TrimSpace(line), ":"); found && name != "" {
			r.add(name, strings.TrimSpace(v))
		}
	}
	return len(r.Headers) > 0
}

// flat takes headers that are members of the object itself, as smee.io and the
// variables of a server have them.
func (r *Request) flat(o object) {
	signed := false
	for name := range o {
		signed = signed || slices.Contains(signatureNames, strings.ToLower(headerName(name)))
	}
	if !signed {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if value := text(o[name]); value != "" && !slices.Contains(bodyNames, name) {
			r.add(headerName(name), value)
		}
	}
}

// bodyNames are the members that hold a body, those with its bytes first.
var bodyNames = []string{"rawBody", "raw_body", "bodyRaw", "body_raw", "body_base64", "bodyBase64", "rawBodyBase64", "postData", "body", "content", "payload", "data", "text", "raw"}

func (r *Request) body(o object) {
	encoded := string(bytes.TrimSpace(o["isBase64Encoded"])) == "true" || text(o["encoding"]) == "base64"
	for _, name := range bodyNames {
		value := bytes.TrimSpace(o[name])
		if len(value) == 0 || bytes.Equal(value, []byte("null")) {
			continue
		}
		if name == "postData" || name == "body" {
			var inner struct {
				Text, Raw, Encoding, Mode, Type string
				Data                            []byte
			}
			var nested object
			if json.Unmarshal(value, &nested) == nil && value[0] == '{' {
				_ = json.Unmarshal(value, &inner)
				switch {
				case inner.Mode == "raw" || name == "postData" && inner.Text != "":
					r.take(inner.Text+inner.Raw, inner.Encoding == "base64")
					return
				case inner.Mode != "" || name == "postData":
					r.Notes = append(r.Notes, "the body stands there as form fields, not as its bytes")
					return
				case inner.Type == "Buffer":
					var buffer struct{ Data []int }
					if json.Unmarshal(value, &buffer) == nil {
						for _, v := range buffer.Data {
							r.Body = append(r.Body, byte(v))
						}
						r.HasBody = true
						return
					}
				}
			}
		}
		if value[0] == '"' {
			r.take(text(value), encoded || strings.HasSuffix(strings.ToLower(name), "base64"))
			return
		}
		r.Body, r.HasBody = slices.Clone(value), true
		r.Notes = append(r.Notes, "the body stands there as parsed JSON: its bytes are those of this file, not those that came in")
		return
	}
}

// take sets the body from a text.
func (r *Request) take(body string, encoded bool) {
	r.HasBody = true
	if encoded {
		if decoded, err := base64.StdEncoding.DecodeString(body); err == nil {
			r.Body = decoded
			return
		}
		r.Notes = append(r.Notes, "the body is said to be base64, and is not: it was taken as it stands")
	}
	r.Body = []byte(body)
}

// text returns the text of a JSON string or number; "" for anything else.
func text(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(value, &n) == nil {
		return n.String()
	}
	return ""
}
