package signature

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxHeaderBytes bounds the head of a raw request.
const MaxHeaderBytes = 64 << 10

// ParseRequest reads a raw HTTP request as a person may have kept it: an
// optional request line, header lines ending in CRLF or LF, an empty line, and
// the body, of which not one byte is changed. A Content-Length that is smaller
// than what follows says where the body ends.
func ParseRequest(raw []byte) (headers map[string][]string, body []byte, err error) {
	headers = make(map[string][]string)
	rest := raw
	for n := 0; ; n++ {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		if !found || len(raw)-len(after) > MaxHeaderBytes {
			return nil, nil, errors.New("no empty line ends the headers; a request is headers, an empty line, and the body")
		}
		rest = after
		text := strings.TrimSuffix(string(line), "\r")
		if text == "" {
			break
		}
		name, value, isHeader := strings.Cut(text, ":")
		switch {
		case n == 0 && (!isHeader || strings.Contains(name, " ")):
			continue // the request line
		case !isHeader || name == "" || strings.ContainsAny(name, " \t"):
			return nil, nil, fmt.Errorf("line %d is no header: %q", n+1, bounded(text))
		}
		headers[name] = append(headers[name], strings.TrimSpace(value))
	}
	for name, values := range headers {
		if !strings.EqualFold(name, "Content-Length") {
			continue
		}
		size, err := strconv.Atoi(values[0])
		if err != nil || size < 0 || size > len(rest) {
			return nil, nil, fmt.Errorf("Content-Length is %q, but %d bytes follow the headers", bounded(values[0]), len(rest))
		}
		rest = rest[:size]
	}
	return headers, rest, nil
}
