package signature

import (
	"bytes"
	"html"
	"slices"
	"strings"
)

func unescaped(text string) string { return html.UnescapeString(text) }

// features are what a JSON text has of what styles write differently.
type features struct {
	odd     bool // an escape, or DEL, or a character beyond ASCII
	marks   map[escapes]bool
	floats  map[numbers]bool
	empty   bool // an empty object
	repeats bool
	orders  map[keys]bool
}

// featuresOf looks through a value once, so that styles which would write the same
// are tried once.
func featuresOf(root *node) *features {
	f := &features{marks: map[escapes]bool{}, floats: map[numbers]bool{}, orders: map[keys]bool{}}
	text := func(quoted string) {
		for _, r := range quoted[1 : len(quoted)-1] {
			if r >= 0x7f || r == '\\' {
				f.odd = true
				return
			}
			if r < 'a' || r > 'z' {
				for e := escapesKeptHTML; e <= escapesPHPHex; e++ {
					if !f.marks[e] && (e.covers(r) || r == '/' && (e == escapesPHP || e == escapesPHPSlashes || e == escapesPHPHex) || e == escapesKeptHTML && escapesHTML.covers(r)) {
						f.marks[e] = true
					}
				}
			}
		}
	}
	mapped(root, func(n *node) *node {
		switch n.kind {
		case '"':
			text(n.text)
		case '0':
			for k := numbersJavaScript; k <= numbersRust; k++ {
				f.floats[k] = f.floats[k] || k.write(n.text) != n.text
			}
		case '{':
			f.empty = f.empty || len(n.items) == 0
			f.repeats = f.repeats || n.repeats
			for _, key := range n.keys {
				text(key)
			}
			for k := keysJavaScript; k <= keysFolded && len(n.names) > 1; k++ {
				if !f.orders[k] {
					w := writer{style: style{keys: k}}
					f.orders[k] = n.repeats || !slices.IsSorted(w.order(n))
				}
			}
		}
		return n
	})
	return f
}

// reduced is the plainest style that writes the same of a value with these features.
func (f *features) reduced(s style) style {
	if !f.odd && !f.marks[s.escapes] {
		s.escapes = escapesKept
	}
	if !f.floats[s.numbers] {
		s.numbers = numbersKept
	}
	if !f.repeats && !f.orders[s.keys] {
		s.keys = keysKept
	}
	s.arrays = s.arrays && f.empty
	return s
}

// rewritings calls visit with each text that serializers make of a value, once.
func rewritings(root *node, b *budget, visit func(text []byte, s *serializer) bool) bool {
	f := featuresOf(root)
	seen := map[style]bool{}
	for i := range serializers {
		s := &serializers[i]
		plain := f.reduced(s.style)
		if seen[plain] {
			continue
		}
		seen[plain] = true
		text := plain.write(root, maxForm)
		if text == nil {
			continue
		}
		if !b.transform(len(text)) {
			return false
		}
		if !visit(text, s) {
			return false
		}
	}
	return true
}

// writersOf returns up to three serializers that make one text of another, line
// breaks at the end aside. The first one decides of which kind it is.
func writersOf(from, to []byte) (names []string, kind string) {
	root := parseJSON(bytes.TrimPrefix(from, bom))
	if root == nil {
		return nil, ""
	}
	ended := bytes.HasSuffix(to, lf) // command-line tools end what they write so, libraries don't
	to = bytes.TrimRight(bytes.TrimPrefix(to, bom), "\r\n")
	f := featuresOf(root)
	same := map[style]bool{}
	// Those that are told apart by something come before the plain tools.
	rank := func(s *serializer) int {
		switch {
		case strings.HasPrefix(s.name, "a tool"):
			return 2
		case (s.kind == "tool") != ended:
			return 1
		}
		return 0
	}
	for turn := range 3 {
		for i := range serializers {
			s := &serializers[i]
			if rank(s) != turn {
				continue
			}
			r := f.reduced(s.style)
			equal, known := same[r]
			if !known {
				equal = bytes.Equal(r.write(root, len(to)), to)
				same[r] = equal
			}
			if equal && (len(names) < 3) {
				names = append(names, s.name)
				if len(names) == 1 {
					kind = s.kind
				}
			}
		}
	}
	return names, kind
}

// rewritten says what JSON programs made of a body: forward when the signed text
// is what a program makes of the given one, backward when it is the other way
// round. The codes follow from the two texts; the names come from writing again.
func rewritten(given, signed []byte, preferForward bool) []fault {
	faults := differences(given, signed)
	if faults == nil {
		return []fault{{code: CodeBodyRewritten, what: "over the body as JSON with other values than the body given has"}}
	}
	whats := make([]string, 0, len(faults))
	for _, f := range faults {
		whats = append(whats, f.what)
	}
	detail := "with " + strings.Join(whats, ", ")
	forward, forwardKind := writersOf(given, signed)
	backward, backwardKind := writersOf(signed, given)
	names, kind := backward, backwardKind
	if len(backward) == 0 || preferForward && len(forward) > 0 {
		names, kind = forward, forwardKind
	}
	var what string
	switch {
	case len(names) == 0:
		what = "over the body as JSON " + detail
		if tool := rewriterOf(faults); tool != "" {
			what += " (" + tool + ")"
		}
	case len(backward) > 0 && !(preferForward && len(forward) > 0):
		what = "over the body as it was before " + alternatives(names) + " rewrote it, " + detail
	default:
		what = "over the body as " + alternatives(names) + " writes it, " + detail
	}
	fix := rawBody(kind)
	for i := range faults {
		faults[i].what, faults[i].fix = what, fix
	}
	return faults
}

// alternatives joins names with or.
func alternatives(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// rewriterOf says who does what the most telling difference shows.
func rewriterOf(faults []fault) string {
	for _, f := range faults {
		switch f.code {
		case CodeBodyDates:
			return "typed parsers do that: Go's time.Time, Newtonsoft.Json, java.time, datetime"
		case CodeBodyKeys:
			return "typed parsers, maps and JSON columns reorder keys"
		case CodeBodyEmptyObjects:
			return "PHP's associative arrays do that"
		case CodeBodyNulls:
			return "Laravel's ConvertEmptyStringsToNull and typed parsers do that"
		case CodeBodyStrings:
			return "Laravel's TrimStrings, and what escapes for HTML, do that"
		case CodeBodyTypes:
			return "form parsers and typed parsers do that"
		case CodeBodyMembers:
			return "typed parsers leave out what is null or unknown"
		}
	}
	return ""
}
