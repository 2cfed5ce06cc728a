package signature

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// node is one JSON value with its scalars as they stand in the text.
type node struct {
	kind  byte   // '{' '[' '"' '0' (a number) or 'w' (true, false, null)
	text  string // of a scalar, strings with quotes and escapes
	keys  []string
	items []*node
}

// maxDepth bounds nesting: indented output grows with it.
const maxDepth = 200

// parseJSON reads one JSON value. It returns nil for anything else, for nesting
// deeper than maxDepth, and for text that is not UTF-8: a parser would have
// replaced bytes there, and what it wrote can't be known.
func parseJSON(text []byte) *node {
	if !utf8.Valid(text) {
		return nil
	}
	r := treeReader{text: text, decoder: json.NewDecoder(bytes.NewReader(text))}
	r.decoder.UseNumber()
	root := r.value(0)
	if root == nil {
		return nil
	}
	if _, err := r.decoder.Token(); err != io.EOF {
		return nil
	}
	return root
}

// treeReader takes structure from encoding/json, and scalars from the text.
type treeReader struct {
	text    []byte
	decoder *json.Decoder
}

// token returns the next token and how it is written.
func (r *treeReader) token() (json.Token, string) {
	from := r.decoder.InputOffset()
	token, err := r.decoder.Token()
	if err != nil {
		return nil, ""
	}
	return token, string(bytes.TrimLeft(r.text[from:r.decoder.InputOffset()], " \t\r\n,:"))
}

func (r *treeReader) value(depth int) *node {
	token, text := r.token()
	if text == "" || depth > maxDepth {
		return nil
	}
	switch token {
	case json.Delim('{'), json.Delim('['):
	default:
		n := &node{kind: text[0], text: text}
		switch token.(type) {
		case string:
		case json.Number:
			n.kind = '0'
		default:
			n.kind = 'w'
		}
		return n
	}
	n := &node{kind: text[0]}
	for r.decoder.More() {
		if n.kind == '{' {
			_, key := r.token()
			if key == "" {
				return nil
			}
			n.keys = append(n.keys, key)
		}
		item := r.value(depth + 1)
		if item == nil {
			return nil
		}
		n.items = append(n.items, item)
	}
	if _, text := r.token(); text == "" {
		return nil
	}
	return n
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
	out := make([]byte, 0, len(quoted))
	eachRune(quoted, func(r rune) { out = utf8.AppendRune(out, r) })
	return string(out)
}
