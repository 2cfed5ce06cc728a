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
// than what follows says where the body ends; one that is larger is an error,
// for then a part of the body was lost. Header names keep their case; folded
// lines and blanks before a colon are refused (RFC 9112, sections 5.1 and 5.2).
func ParseRequest(raw []byte) (headers map[string][]string, body []byte, err error) {
	headers = make(map[string][]string)
	size := -1
	rest := raw
	for n := 1; ; n++ {
		line, after, found := bytes.Cut(rest, lf)
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
		case n == 1 && (!isHeader || strings.Contains(name, " ")):
			continue // the request line
		case !isHeader || name == "" || strings.ContainsAny(name, " \t"):
			return nil, nil, fmt.Errorf("line %d is no header: %q", n, bounded(text))
		}
		value = strings.Trim(value, " \t")
		headers[name] = append(headers[name], value)
		if strings.EqualFold(name, "Content-Length") {
			if size, err = contentLength(value, size); err != nil {
				return nil, nil, fmt.Errorf("line %d: %w", n, err)
			}
		}
	}
	if size > len(rest) {
		return nil, nil, fmt.Errorf("Content-Length is %d, but %d bytes follow the headers; a part of the body is missing", size, len(rest))
	}
	if size >= 0 {
		rest = rest[:size]
	}
	return headers, rest, nil
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
