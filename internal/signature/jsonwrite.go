package signature

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// layout is the blanks between tokens.
type layout uint8

const (
	layoutCompact layout = iota // none
	layoutSpaced                // one after each comma and colon
	layoutIndent2
	layoutIndent4
	layoutIndentTab
	layoutJackson // lines indented by 2, " : ", lists on one line
	layoutPerl    // lines indented by 3, " : "
	layoutWindows // lines indented by 2 that end in CRLF
)

// escapes is which characters of a string are escaped beyond those that must be.
type escapes uint8

const (
	escapesKept       escapes = iota // as they stand in the text
	escapesKeptHTML                  // the same, but < > & and line separators escaped: Go's json.RawMessage
	escapesMinimal                   // JavaScript; Python without ensure_ascii
	escapesReplaced                  // the same, lone surrogates replaced by U+FFFD
	escapesLines                     // U+2028 and U+2029: Go without HTML escaping
	escapesHTML                      // < > & as well: Go
	escapesASCII                     // all beyond ASCII: Python
	escapesPHP                       // all beyond ASCII but DEL, and slashes
	escapesPHPSlashes                // PHP with JSON_UNESCAPED_UNICODE
	escapesPHPUnicode                // PHP with JSON_UNESCAPED_SLASHES
	escapesPHPNeither                // PHP with both
	escapesDotNet                    // System.Text.Json: all beyond ASCII, < > & ' + ` and quotes, in upper case
	escapesNewtonsoft                // U+0085, U+2028 and U+2029
	escapesGson                      // < > & = ' and line separators
	escapesDEL                       // DEL: jq
	escapesPHPHex                    // PHP with JSON_HEX_TAG, _AMP, _APOS and _QUOT
)

// keys is the order of an object's members.
type keys uint8

const (
	keysKept       keys = iota // as they stand in the text, repeated ones as well
	keysOnce                   // in order of first appearance, the last value: Python, PHP
	keysJavaScript             // the same, but array indices come first
	keysSorted                 // Go's maps, sort_keys
	keysLength                 // by length, then by bytes: PostgreSQL's jsonb, MySQL's JSON
	keysFolded                 // sorted without regard to case
)

// style is how a program writes JSON that it has read.
type style struct {
	keys    keys
	numbers numbers
	escapes escapes
	layout  layout
	arrays  bool // an empty object becomes an empty array
}

// write renders a value. It returns nil when the text would be longer than most.
func (s style) write(root *node, most int) []byte {
	w := writer{style: s, most: most}
	w.value(root, 0)
	if len(w.out) > most {
		return nil
	}
	return w.out
}

type writer struct {
	style
	out  []byte
	most int
}

func (w *writer) value(n *node, depth int) {
	if len(w.out) > w.most {
		return
	}
	switch n.kind {
	case '{', '[':
		w.container(n, depth)
	case '"':
		w.string(n.text)
	case '0':
		w.out = append(w.out, w.numbers.write(n.text)...)
	default:
		w.out = append(w.out, n.text...)
	}
}

func (w *writer) container(n *node, depth int) {
	open, closing := n.kind, n.kind+2 // '[' ']' and '{' '}' stand two apart
	if len(n.items) == 0 && w.arrays {
		open, closing = '[', ']'
	}
	w.out = append(w.out, open)
	for i, at := range w.order(n) {
		if i > 0 {
			w.out = append(w.out, ',')
			if w.layout == layoutSpaced || w.layout == layoutJackson && n.kind == '[' {
				w.out = append(w.out, ' ')
			}
		}
		if w.layout == layoutJackson && n.kind == '[' {
			if i == 0 {
				w.out = append(w.out, ' ')
			}
		} else {
			w.line(depth + 1)
		}
		if n.kind == '{' {
			w.string(n.keys[at])
			if w.layout == layoutJackson || w.layout == layoutPerl {
				w.out = append(w.out, ' ')
			}
			w.out = append(w.out, ':')
			if w.layout != layoutCompact {
				w.out = append(w.out, ' ')
			}
		}
		w.value(n.items[at], depth+1)
	}
	switch {
	case w.layout == layoutJackson && n.kind == '[':
		w.out = append(w.out, ' ')
	case w.layout == layoutJackson && len(n.items) == 0:
		w.out = append(w.out, ' ')
	case len(n.items) > 0:
		w.line(depth)
	}
	w.out = append(w.out, closing)
}

// line begins a new line where the layout has lines.
func (w *writer) line(depth int) {
	indent := ""
	switch w.layout {
	case layoutIndent2:
		indent = "  "
	case layoutIndent4:
		indent = "    "
	case layoutIndentTab:
		indent = "\t"
	case layoutJackson:
		indent = "  "
	case layoutPerl:
		indent = "   "
	case layoutWindows:
		indent = "  "
		w.out = append(w.out, '\r')
	default:
		return
	}
	w.out = append(w.out, '\n')
	for range depth {
		w.out = append(w.out, indent...)
	}
}

// order returns the places of a container's items in the order of writing.
func (w *writer) order(n *node) []int {
	places := make([]int, 0, len(n.items))
	if n.repeats && w.keys != keysKept {
		places = once(n.names, places)
	} else {
		for i := range n.items {
			places = append(places, i)
		}
	}
	if n.kind == '[' {
		return places
	}
	switch w.keys {
	case keysSorted:
		slices.SortFunc(places, func(a, b int) int { return strings.Compare(n.names[a], n.names[b]) })
	case keysLength:
		slices.SortFunc(places, func(a, b int) int {
			return cmp.Or(cmp.Compare(len(n.names[a]), len(n.names[b])), strings.Compare(n.names[a], n.names[b]))
		})
	case keysFolded:
		slices.SortStableFunc(places, func(a, b int) int {
			return cmp.Or(strings.Compare(strings.ToLower(n.names[a]), strings.ToLower(n.names[b])), strings.Compare(n.names[a], n.names[b]))
		})
	case keysJavaScript:
		slices.SortStableFunc(places, func(a, b int) int { return cmp.Compare(arrayIndex(n.names[a]), arrayIndex(n.names[b])) })
	}
	return places
}

// once appends the place of each name's last value where the name comes first.
func once(names []string, places []int) []int {
	seen := make(map[string]int, len(names))
	for i, name := range names {
		if at, twice := seen[name]; twice {
			places[at] = i
			continue
		}
		seen[name] = len(places)
		places = append(places, i)
	}
	return places
}

// arrayIndex returns a key's number when it is an array index (ECMA-262,
// 6.1.7), and one larger than all of them when not.
func arrayIndex(key string) uint64 {
	const none = 1<<32 - 1
	if key == "" || key[0] < '0' || key[0] > '9' {
		return none
	}
	i, err := strconv.ParseUint(key, 10, 32)
	if err != nil || i >= none || strconv.FormatUint(i, 10) != key {
		return none
	}
	return i
}

func (w *writer) string(quoted string) {
	plain := 0 // what is the same in every style is copied at once
	for plain < len(quoted) && (quoted[plain] == '"' || isPlain(quoted[plain]) && (w.escapes < escapesDotNet || !w.escapes.covers(rune(quoted[plain])))) {
		plain++
	}
	switch {
	case plain == len(quoted) || w.escapes == escapesKept:
		w.out = append(w.out, quoted...)
	case w.escapes == escapesKeptHTML:
		for _, r := range quoted {
			if escapesHTML.covers(r) {
				w.unit(uint16(r))
			} else {
				w.out = utf8.AppendRune(w.out, r)
			}
		}
	default:
		w.out = append(w.out, '"')
		eachRune(quoted, w.rune)
		w.out = append(w.out, '"')
	}
}

// isPlain reports whether a byte stands for itself whatever the style.
func isPlain(c byte) bool {
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\' && c != '/' && c != '<' && c != '>' && c != '&'
}

func (w *writer) rune(r rune) {
	if r < 0x7f && isPlain(byte(r)) && (w.escapes < escapesDotNet || !w.escapes.covers(r)) {
		w.out = append(w.out, byte(r))
		return
	}
	if (w.escapes == escapesDotNet || w.escapes == escapesPHPHex) && r == '"' {
		w.unit('"')
		return
	}
	if short := strings.IndexRune("\b\f\n\r\t\"\\", r); short >= 0 {
		w.out = append(w.out, '\\', `bfnrt"\`[short])
		return
	}
	switch {
	case r == '/' && (w.escapes == escapesPHP || w.escapes == escapesPHPSlashes || w.escapes == escapesPHPHex):
		w.out = append(w.out, '\\', '/')
	case utf16.IsSurrogate(r) && (w.escapes == escapesReplaced || w.escapes == escapesLines || w.escapes == escapesHTML):
		w.out = utf8.AppendRune(w.out, utf8.RuneError) // what encoding/json reads it as
	case r < ' ' || utf16.IsSurrogate(r) || w.escapes.covers(r):
		if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
			w.unit(uint16(high))
			r = low
		}
		w.unit(uint16(r))
	default:
		w.out = utf8.AppendRune(w.out, r)
	}
}

func (w *writer) unit(u uint16) {
	digits := "0123456789abcdef"
	if w.escapes == escapesDotNet || w.escapes == escapesPHPHex && u < 0x80 && u >= ' ' {
		digits = "0123456789ABCDEF"
	}
	w.out = append(w.out, '\\', 'u', digits[u>>12], digits[u>>8&15], digits[u>>4&15], digits[u&15])
}

// covers reports whether a character is escaped that need not be.
func (e escapes) covers(r rune) bool {
	lines := r == '\u2028' || r == '\u2029'
	switch e {
	case escapesLines, escapesPHPSlashes, escapesPHPNeither:
		return lines
	case escapesHTML:
		return lines || r == '<' || r == '>' || r == '&'
	case escapesASCII:
		return r > '~'
	case escapesPHP, escapesPHPUnicode:
		return r > 0x7f
	case escapesDotNet:
		return r > '~' || r == '<' || r == '>' || r == '&' || r == '\'' || r == '+' || r == '`'
	case escapesNewtonsoft:
		return lines || r == 0x85
	case escapesPHPHex:
		return r > 0x7f || r == '<' || r == '>' || r == '&' || r == '\''
	case escapesGson:
		return lines || r == '<' || r == '>' || r == '&' || r == '=' || r == '\''
	case escapesDEL:
		return r == 0x7f
	}
	return false
}
