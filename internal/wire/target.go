package wire

import (
	"net/url"
	"strings"
)

// Target is the request-target of a URL (RFC 9112, section 3.2.1): its path and
// query as they are written, with those bytes percent-encoded that may not
// stand there. Existing escapes and dot segments stay. The sets of bytes are
// the URL standard's (path and special-query percent-encode set), so a receiver gets what
// Node.js's fetch sends. An empty query is left out, as fetch does.
//
// RawPath must be the path as it is written, or empty when Path in its
// default encoding is.
func Target(u *url.URL) string {
	path := u.RawPath
	if path == "" {
		path = u.EscapedPath()
	}
	if path == "" {
		path = "/"
	}
	path = escape(path, &inPath)
	if u.RawQuery == "" {
		return path
	}
	return path + "?" + escape(u.RawQuery, &inQuery)
}

// set tells of each byte whether it has to be escaped.
type set [256]bool

var (
	inPath  = escaped(" \"#<>?`{}")
	inQuery = escaped(" \"#'<>")
)

func escaped(these string) (s set) {
	for i := range s {
		s[i] = i < 0x20 || i >= 0x7f || strings.IndexByte(these, byte(i)) >= 0
	}
	return s
}

func escape(text string, these *set) string {
	n := 0
	for i := range len(text) {
		if these[text[i]] {
			n++
		}
	}
	if n == 0 {
		return text
	}
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(text)+2*n)
	for i := range len(text) {
		if c := text[i]; these[c] {
			b = append(b, '%', hex[c>>4], hex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}
