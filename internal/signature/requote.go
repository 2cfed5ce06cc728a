package signature

import (
	"bytes"
	"encoding/json"
	"strings"
)

// requote puts back the double quotes that a shell took out of a JSON body. It
// reads {id:evt_1,body:{n:1}}: a name ends at its colon, a value where the next
// name or the end of its object begins. It returns nil for what does not read so.
func requote(b []byte) []byte {
	text := strings.TrimSpace(string(b))
	if len(text) < 2 || text[0] != '{' && text[0] != '[' || json.Valid([]byte(text)) || strings.Contains(text, `"`) {
		return nil
	}
	r := &bareReader{text: text}
	if !r.value(0) || strings.TrimSpace(r.text[r.at:]) != "" || !json.Valid(r.out) {
		return nil
	}
	return bytes.Clone(r.out)
}

type bareReader struct {
	text string
	at   int
	out  []byte
}

// blanks copies blanks.
func (r *bareReader) blanks() {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.out = append(r.out, r.text[r.at])
		r.at++
	}
}

func (r *bareReader) value(depth int) bool {
	if r.at >= len(r.text) || depth > maxDepth {
		return false
	}
	switch r.text[r.at] {
	case '{':
		return r.container('}', depth)
	case '[':
		return r.container(']', depth)
	}
	end := r.end()
	word := strings.TrimRight(r.text[r.at:end], " \t\r\n")
	r.at += len(word)
	if word == "true" || word == "false" || word == "null" || word != "" && json.Valid([]byte(word)) {
		r.out = append(r.out, word...)
	} else {
		r.quote(word)
	}
	return true
}

func (r *bareReader) quote(word string) {
	r.out = append(append(append(r.out, '"'), word...), '"')
}

func (r *bareReader) container(closing byte, depth int) bool {
	r.out = append(r.out, r.text[r.at])
	r.at++
	for first := true; ; first = false {
		r.blanks()
		if r.at >= len(r.text) {
			return false
		}
		if r.text[r.at] == closing {
			r.out = append(r.out, closing)
			r.at++
			return true
		}
		if !first {
			if r.text[r.at] != ',' {
				return false
			}
			r.out = append(r.out, ',')
			r.at++
			r.blanks()
		}
		if closing == '}' {
			colon := strings.IndexByte(r.text[r.at:], ':')
			if colon <= 0 || !isName(r.text[r.at:r.at+colon]) {
				return false
			}
			r.quote(r.text[r.at : r.at+colon])
			r.out = append(r.out, ':')
			r.at += colon + 1
			r.blanks()
		}
		if !r.value(depth + 1) {
			return false
		}
	}
}

// end returns where a bare value ends: before a closing bracket, or before a comma
// that a name and a colon, or nothing like a text, follows.
func (r *bareReader) end() int {
	for i := r.at; i < len(r.text); i++ {
		switch r.text[i] {
		case '}', ']':
			return i
		case ',':
			rest := strings.TrimLeft(r.text[i+1:], " \t\r\n")
			if colon := strings.IndexByte(rest, ':'); colon > 0 && isName(rest[:colon]) || rest == "" || !strings.HasPrefix(r.text[i+1:], " ") {
				return i
			}
		}
	}
	return len(r.text)
}

func isName(text string) bool {
	for _, c := range []byte(text) {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '$' {
			return false
		}
	}
	return text != "" && (text[0] < '0' || text[0] > '9')
}
