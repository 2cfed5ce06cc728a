package signature

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// printed are what programs print for an object that they read out of JSON: no
// JSON, but often hashed for it.
var printed = []struct {
	who, fix string
	write    func(*node) []byte
}{
	{"Python's str() of a dict", "hash request.get_data() or request.body, never str(request.json)", func(n *node) []byte {
		return (&printer{comma: ", ", colon: ": ", words: [3]string{"True", "False", "None"}, numbers: numbersPython, text: func(s string) string { return string(pythonString([]byte(s))) }}).print(n)
	}},
	{"Ruby's inspect of a Hash", "hash request.raw_post, never params.to_s", func(n *node) []byte {
		return (&printer{comma: ", ", colon: "=>", words: [3]string{"true", "false", "nil"}, numbers: numbersRuby, text: quotedJSON}).print(n)
	}},
	{"Ruby's inspect of a Hash, from 3.4 on", "hash request.raw_post, never params.to_s", func(n *node) []byte {
		return (&printer{comma: ", ", colon: " => ", words: [3]string{"true", "false", "nil"}, numbers: numbersRuby, text: quotedJSON}).print(n)
	}},
	{"Java's toString() of a Map", "hash @RequestBody byte[] body, never map.toString()", func(n *node) []byte {
		return (&printer{comma: ", ", colon: "=", words: [3]string{"true", "false", "null"}, numbers: numbersJava, text: bare}).print(n)
	}},
	{"Go's fmt.Sprint of a map", "hash the bytes of io.ReadAll(r.Body), never fmt.Sprint(value)", func(n *node) []byte {
		return (&printer{comma: " ", colon: ":", before: "map", open: "[", closing: "]", words: [3]string{"true", "false", "<nil>"}, numbers: numbersPrinted, sorted: true, text: bare}).print(n)
	}},
	{"PHP's http_build_query", "hash file_get_contents('php://input'), never a query that was built again", func(n *node) []byte { return []byte(query(n, "", "1", "0")) }},
	{"qs.stringify", "hash the raw body, never a query that was built again", func(n *node) []byte { return []byte(query(n, "", "true", "false")) }},
}

func bare(s string) string { return s }

func quotedJSON(s string) string { return string(quoteJSON([]byte(s))) }

// printer writes an object as a language prints it.
type printer struct {
	comma, colon          string
	before, open, closing string    // of an object; { and } when empty
	words                 [3]string // for true, false and null
	numbers               numbers
	sorted                bool
	text                  func(string) string
	out                   []byte
}

func (p *printer) print(n *node) []byte {
	if p.open == "" {
		p.open, p.closing = "{", "}"
	}
	p.value(n)
	return p.out
}

func (p *printer) value(n *node) {
	switch n.kind {
	case '{':
		p.out = append(append(p.out, p.before...), p.open...)
		order := keysOnce
		if p.sorted {
			order = keysSorted
		}
		for i, at := range (&writer{style: style{keys: order}}).order(n) {
			if i > 0 {
				p.out = append(p.out, p.comma...)
			}
			p.out = append(append(p.out, p.text(n.names[at])...), p.colon...)
			p.value(n.items[at])
		}
		p.out = append(p.out, p.closing...)
	case '[':
		p.out = append(p.out, '[')
		for i, item := range n.items {
			if i > 0 {
				p.out = append(p.out, p.comma...)
			}
			p.value(item)
		}
		p.out = append(p.out, ']')
	case '"':
		p.out = append(p.out, p.text(decoded(n.text))...)
	case '0':
		p.out = append(p.out, p.numbers.write(n.text)...)
	default:
		p.out = append(p.out, p.words[slices.Index([]string{"true", "false", "null"}, n.text)]...)
	}
}

// query writes an object as form data with brackets; null is left out.
func query(n *node, prefix, yes, no string) string {
	var parts []string
	for i, item := range n.items {
		name := strconv.Itoa(i)
		if n.kind == '{' {
			name = n.names[i]
		}
		key := url.QueryEscape(name)
		if prefix != "" {
			key = prefix + "%5B" + key + "%5D"
		}
		switch item.kind {
		case '{', '[':
			if inner := query(item, key, yes, no); inner != "" {
				parts = append(parts, inner)
			}
		case '"':
			parts = append(parts, key+"="+url.QueryEscape(decoded(item.text)))
		default:
			switch item.text {
			case "null":
			case "true":
				parts = append(parts, key+"="+yes)
			case "false":
				parts = append(parts, key+"="+no)
			default:
				parts = append(parts, key+"="+url.QueryEscape(item.text))
			}
		}
	}
	return strings.Join(parts, "&")
}

// fromPrinted reads what JavaScript, Python and Ruby print for an object, and
// returns it as JSON; nil when it is JSON already or reads otherwise.
func fromPrinted(b []byte) []byte {
	text := strings.TrimSpace(string(b))
	if len(text) < 2 || text[0] != '{' && text[0] != '[' || json.Valid([]byte(text)) {
		return nil
	}
	r := &printedReader{text: text}
	for r.at < len(r.text) {
		if !r.token() {
			return nil
		}
	}
	if !json.Valid(r.out) {
		return nil
	}
	return r.out
}

type printedReader struct {
	text string
	at   int
	out  []byte
}

// words that stand for a value.
var printedWords = map[string]string{"True": "true", "False": "false", "None": "null", "nil": "null", "true": "true", "false": "false", "null": "null", "undefined": "null"}

func (r *printedReader) token() bool {
	rest := r.text[r.at:]
	switch c := rest[0]; {
	case c == '\'' || c == '"' || c == '`':
		return r.quoted(c)
	case strings.HasPrefix(rest, "=>"):
		r.out = append(r.out, ':')
		r.at += 2
	case c == '}' || c == ']':
		r.out = append([]byte(strings.TrimRight(string(r.out), " \t\r\n,")), c)
		r.at++
	case strings.IndexByte("{[,: \t\r\n", c) >= 0:
		r.out = append(r.out, c)
		r.at++
	default:
		end := strings.IndexAny(rest, ",:}]=' \t\r\n")
		if end <= 0 {
			return false
		}
		word := rest[:end]
		r.at += end
		after := strings.TrimLeft(r.text[r.at:], " ")
		switch value, known := printedWords[word]; {
		case known:
			r.out = append(r.out, value...)
		case json.Valid([]byte(word)):
			r.out = append(r.out, word...)
		case strings.HasPrefix(after, ":") && isName(word):
			r.out = append(r.out, quotedJSON(word)...)
		default:
			return false
		}
	}
	return true
}

// quoted reads a text in quotes, with the escapes of that language.
func (r *printedReader) quoted(quote byte) bool {
	for i := r.at + 1; i < len(r.text); i++ {
		switch r.text[i] {
		case '\\':
			i++
		case quote:
			inner := interpret([]byte(r.text[r.at+1:i]), true)
			if !utf8.Valid(inner) {
				return false
			}
			r.out = append(r.out, quotedJSON(string(inner))...)
			r.at = i + 1
			return true
		}
	}
	return false
}
