package capture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"sealpost/internal/signature"
)

const shapeHTTP = "a raw HTTP request"

// readHTTP reads a raw HTTP request as a person may have kept it: an optional
// request line, header lines ending in CRLF or LF, an empty line, and the body.
// Header names keep their case; folded lines and blanks before a colon are refused
// (RFC 9112, sections 5.1 and 5.2). Pseudo-headers of HTTP/2 are left out.
func readHTTP(raw []byte) (Request, error) {
	r := Request{Shape: shapeHTTP, Headers: map[string][]string{}}
	refuse := func(format string, args ...any) (Request, error) {
		return Request{}, &Error{shapeHTTP, fmt.Sprintf(format, args...), "keep the request as it came: headers, an empty line, the body"}
	}
	size := -1
	rest := raw
	for n := 1; ; n++ {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		if len(raw)-len(after) > maxHeaderBytes {
			return refuse("no empty line ends the headers within %d bytes", maxHeaderBytes)
		}
		rest = after
		text := strings.TrimSuffix(string(line), "\r")
		if text == "" {
			if len(r.Headers) == 0 {
				return refuse("it begins with an empty line, and has no headers")
			}
			r.HasBody = found
			break
		}
		if pseudo, isPseudo := strings.CutPrefix(text, ":"); isPseudo && strings.Contains(pseudo, ":") {
			continue
		}
		name, value, isHeader := strings.Cut(text, ":")
		switch {
		case n == 1 && (!isHeader || strings.Contains(name, " ")):
			if !isHeader && !strings.Contains(text, " ") {
				return refuse("line 1 is no header: %q", bounded(text))
			}
		case !isHeader || name == "" || strings.ContainsAny(name, " \t"):
			return refuse("line %d is no header: %q", n, bounded(text))
		default:
			value = strings.Trim(value, " \t")
			r.add(name, value)
			if strings.EqualFold(name, "Content-Length") {
				var err error
				if size, err = contentLength(value, size); err != nil {
					return refuse("line %d: %v", n, err)
				}
			}
		}
		if !found {
			if len(r.Headers) == 0 {
				return refuse("it has no headers")
			}
			return r, nil // headers alone
		}
	}
	return r.framed(rest, size)
}

// framed takes the body out of its framing. A Content-Length that is smaller than
// what follows says where the body ends, unless the body was written again since.
func (r Request) framed(rest []byte, size int) (Request, error) {
	if strings.Contains(strings.ToLower(r.get("Transfer-Encoding")), "chunked") {
		if body := signature.Unchunk(rest); body != nil {
			r.Body = body
			r.Notes = append(r.Notes, "the body was taken out of its chunks")
			return r, nil
		}
	}
	whole := json.Valid(rest)
	switch {
	case size < 0 || size == len(rest):
	case size < len(rest) && whole && !json.Valid(rest[:size]):
		r.Notes = append(r.Notes, fmt.Sprintf("Content-Length is %d, but the body has %d bytes and is whole JSON: it was written again since", size, len(rest)))
	case size < len(rest):
		rest = rest[:size]
	case whole:
		r.Notes = append(r.Notes, fmt.Sprintf("Content-Length is %d, but the body has %d bytes and is whole JSON: it was written again since", size, len(rest)))
	case len(rest) == 0:
		r.HasBody = false
		r.Notes = append(r.Notes, fmt.Sprintf("Content-Length is %d, but no body follows", size))
		return r, nil
	default:
		return Request{}, &Error{shapeHTTP, fmt.Sprintf("Content-Length is %d, but %d bytes follow the headers; a part of the body is missing", size, len(rest)),
			"keep the whole body; or leave the line Content-Length out, to have what is there judged"}
	}
	r.Body = rest
	return r, nil
}

// contentLength reads a length, which must not contradict an earlier one.
func contentLength(value string, before int) (int, error) {
	size, err := strconv.ParseUint(value, 10, 31)
	if err != nil || value[0] == '+' {
		return 0, fmt.Errorf("Content-Length is %q, not a number of bytes", bounded(value))
	}
	if before >= 0 && before != int(size) {
		return 0, fmt.Errorf("Content-Length is %d here and %d before", size, before)
	}
	return int(size), nil
}
