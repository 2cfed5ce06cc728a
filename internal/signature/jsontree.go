package signature

import (
	"encoding/json"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// node is one JSON value with its scalars as they stand in the text.
type node struct {
	kind    byte     // '{' '[' '"' '0' (a number) or 'w' (true, false, null)
	text    string   // of a scalar, strings with quotes and escapes
	keys    []string // of an object, with quotes and escapes
	names   []string // the keys decoded
	repeats bool     // a key stands there twice
	items   []*node
}

// maxDepth bounds nesting: indented output grows with it.
const maxDepth = 200

// parseJSON reads one JSON value. It returns nil for anything else, for nesting
// deeper than maxDepth, and for text that is not UTF-8: a parser would have
// replaced bytes there, and what it wrote can't be known.
func parseJSON(text []byte) *node {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil
	}
	return (&treeReader{text: string(text)}).value(0)
}

// treeReader walks over text that is known to be valid.
type treeReader struct {
	text string
	at   int
}

// peek skips blanks, commas and colons and returns the next byte.
func (r *treeReader) peek() byte {
	for strings.IndexByte(" \t\r\n,:", r.text[r.at]) >= 0 {
		r.at++
	}
	return r.text[r.at]
}

func (r *treeReader) value(depth int) *node {
	if depth > maxDepth {
		return nil
	}
	switch c := r.peek(); c {
	case '"':
		return &node{kind: c, text: r.string()}
	case '{', '[':
		return r.container(c, depth)
	default:
		from := r.at
		for r.at < len(r.text) && strings.IndexByte(" \t\r\n,]}", r.text[r.at]) < 0 {
			r.at++
		}
		kind := byte('0')
		if c == 't' || c == 'f' || c == 'n' {
			kind = 'w'
		}
		return &node{kind: kind, text: r.text[from:r.at]}
	}
}

func (r *treeReader) container(kind byte, depth int) *node {
	n := &node{kind: kind}
	r.at++
	for c := r.peek(); c != '}' && c != ']'; c = r.peek() {
		if kind == '{' {
			key := r.string()
			n.keys = append(n.keys, key)
			n.names = append(n.names, decoded(key))
		}
		item := r.value(depth + 1)
		if item == nil {
			return nil
		}
		n.items = append(n.items, item)
	}
	r.at++
	seen := make(map[string]bool, len(n.names))
	for _, name := range n.names {
		n.repeats = n.repeats || seen[name]
		seen[name] = true
	}
	return n
}

// string reads a string with its quotes.
func (r *treeReader) string() string {
	from := r.at
	for r.at++; r.text[r.at] != '"'; r.at++ {
		if r.text[r.at] == '\\' {
			r.at++
		}
	}
	r.at++
	return r.text[from:r.at]
}

// eachRune calls visit for each character of a quoted JSON string. A lone
// surrogate is passed on as it is, which no Go string could do.
func eachRune(quoted string, visit func(rune)) {
	text := quoted[1 : len(quoted)-1]
	for i := 0; i < len(text); {
		if text[i] != '\\' {
			r, size := utf8.DecodeRuneInString(text[i:])
			visit(r)
			i += size
			continue
		}
		c := text[i+1]
		i += 2
		switch c {
		case 'b':
			visit('\b')
		case 'f':
			visit('\f')
		case 'n':
			visit('\n')
		case 'r':
			visit('\r')
		case 't':
			visit('\t')
		case 'u':
			r := hex4(text[i:])
			i += 4
			if utf16.IsSurrogate(r) && i+6 <= len(text) && text[i:i+2] == `\u` {
				if pair := utf16.DecodeRune(r, hex4(text[i+2:])); pair != utf8.RuneError {
					r = pair
					i += 6
				}
			}
			visit(r)
		default:
			visit(rune(c))
		}
	}
}

// hex4 reads the four digits that the parser has checked.
func hex4(text string) (r rune) {
	for _, c := range text[:4] {
		r <<= 4
		switch {
		case c <= '9':
			r |= c - '0'
		default:
			r |= c&^0x20 - 'A' + 10
		}
	}
	return r
}

// decoded returns a quoted string's text, lone surrogates as U+FFFD.
func decoded(quoted string) string {
	if !strings.Contains(quoted, `\`) {
		return quoted[1 : len(quoted)-1]
	}
	out := make([]byte, 0, len(quoted))
	eachRune(quoted, func(r rune) { out = utf8.AppendRune(out, r) })
	return string(out)
}
