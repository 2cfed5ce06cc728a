package signature

import (
	"bytes"
	"slices"
	"strings"
)

// differences says how the JSON that was signed differs from the JSON that was
// given, one fault a kind, in a fixed order: so the codes follow from the two
// texts alone. It returns nil when one of them is no JSON, or when the values
// themselves are others.
func differences(given, signed []byte) []fault {
	g, s := parseJSON(bytes.TrimPrefix(given, bom)), parseJSON(bytes.TrimPrefix(signed, bom))
	if g == nil || s == nil {
		return nil
	}
	c := comparer{found: map[string]string{}}
	c.values(g, s)
	if c.other {
		return nil
	}
	c.layouts(given, signed)
	var faults []fault
	for _, code := range []string{CodeBodyKeys, CodeBodyMembers, CodeBodyNumbers, CodeBodyEmptyObjects, CodeBodyTypes, CodeBodyNulls, CodeBodyDates, CodeBodyStrings, CodeBodyUnescaped,
		CodeBodyEscapedHTML, CodeBodyEscapedUnicode, CodeBodyEscapedSlashes, CodeBodyCompact, CodeBodySpaced, CodeBodyIndented, CodeBodyPlusNewline, CodeBodyMinusNewline, CodeBodyTrimmed, CodeBodyPlusBOM, CodeBodyMinusBOM} {
		if what, found := c.found[code]; found {
			faults = append(faults, fault{code: code, what: what})
		}
	}
	return withoutEnds(faults)
}

// ends are what differs around the JSON text. A serializer changes that by the way:
// beside another fault it is told, but is no cause of its own.
var ends = []string{CodeBodyPlusNewline, CodeBodyMinusNewline, CodeBodyTrimmed, CodeBodyPlusBOM, CodeBodyMinusBOM}

func withoutEnds(faults []fault) []fault {
	at := slices.IndexFunc(faults, func(f fault) bool { return slices.Contains(ends, f.code) })
	if at <= 0 {
		return faults
	}
	for _, f := range faults[at:] {
		faults[at-1].what += " and " + f.what
	}
	return faults[:at]
}

type comparer struct {
	found map[string]string // what was signed, by code
	other bool              // values differ in a way that has no name
}

func (c *comparer) note(code, what string) {
	if c.found[code] == "" {
		c.found[code] = what
	}
}

func (c *comparer) values(g, s *node) {
	switch {
	case g.kind == '{' && s.kind == '{':
		c.objects(g, s)
	case g.kind == '[' && s.kind == '[':
		if len(g.items) != len(s.items) {
			c.other = true
			return
		}
		for i := range g.items {
			c.values(g.items[i], s.items[i])
		}
	case len(g.items)+len(s.items) == 0 && g.kind == '{' && s.kind == '[':
		c.note(CodeBodyEmptyObjects, "{} turned into []")
	case len(g.items)+len(s.items) == 0 && g.kind == '[' && s.kind == '{':
		c.note(CodeBodyEmptyObjects, "{} where the body given has []")
	case g.kind == '0' && s.kind == '0':
		if g.text != s.text {
			if numbersJavaScript.write(g.text) != numbersJavaScript.write(s.text) {
				c.other = true
			}
			c.note(CodeBodyNumbers, "numbers written as "+bounded(s.text)+" where the body given has "+bounded(g.text))
		}
	case g.kind == '"' && s.kind == '"':
		c.strings(g.text, s.text)
	case g.kind == 'w' && s.kind == 'w' && g.text == s.text:
	case isNothing(g) && isNothing(s):
		c.note(CodeBodyNulls, s.text+" where the body given has "+g.text)
	case scalarText(g) == scalarText(s) && g.kind != '{' && g.kind != '[':
		c.note(CodeBodyTypes, bounded(s.text)+" where the body given has "+bounded(g.text))
	case g.kind == '0' && s.kind == '"' && epoch(g.text) != "" && epoch(g.text) == decoded(s.text):
		c.note(CodeBodyDates, "times written as "+bounded(s.text)+" where the body given has "+g.text)
	default:
		c.other = true
	}
}

// isNothing reports whether a value is null or an empty text.
func isNothing(n *node) bool { return n.text == "null" || n.text == `""` }

func scalarText(n *node) string {
	if n.kind == '"' {
		return decoded(n.text)
	}
	return n.text
}

func (c *comparer) objects(g, s *node) {
	names := func(n *node) []string {
		all := slices.Clone(n.names)
		slices.Sort(all)
		return slices.Compact(all)
	}
	gNames, sNames := names(g), names(s)
	switch {
	case slices.Equal(g.names, s.names):
		for i := range g.items {
			c.strings(g.keys[i], s.keys[i])
			c.values(g.items[i], s.items[i])
		}
		return
	case slices.Equal(gNames, sNames):
		what := "its keys in another order, " + list(s.names)
		if len(g.names) != len(s.names) {
			what = "each key once"
		} else if slices.IsSorted(s.names) {
			what = "its keys sorted"
		}
		c.note(CodeBodyKeys, what)
	case len(g.names) == len(s.names) && slices.Equal(folded(g.names), folded(s.names)):
		c.note(CodeBodyKeys, "its keys written as "+list(s.names))
		for i, name := range s.names {
			if at := slices.Index(folded(g.names), foldName(name)); at >= 0 {
				c.values(g.items[at], s.items[i])
			}
		}
		return
	default:
		c.note(CodeBodyMembers, "members "+list(sNames)+" where the body given has "+list(gNames))
	}
	for i, name := range s.names {
		if at := slices.Index(g.names, name); at >= 0 && g.member(name) != nil {
			c.strings(g.keys[at], s.keys[i])
			c.values(g.member(name), s.items[i])
		}
	}
}

func foldName(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

func folded(names []string) []string {
	out := make([]string, 0, len(names))
	for _, name := range names {
		out = append(out, foldName(name))
	}
	return out
}

// list shows a few names.
func list(names []string) string {
	const most = 8
	text := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		text += " …"
	}
	return bounded(text)
}

func (c *comparer) strings(g, s string) {
	if g == s {
		return
	}
	before, after := decoded(g), decoded(s)
	if before != after {
		switch t, ok := instantOf(before); {
		case strings.TrimSpace(before) == strings.TrimSpace(after):
			c.note(CodeBodyStrings, "texts without the blanks around them")
		case ok && sameInstant(t.Format("2006-01-02T15:04:05.000Z07:00"), after):
			c.note(CodeBodyDates, "times written as "+bounded(after)+" where the body given has "+bounded(before))
		case unescaped(before) == after || unescaped(after) == before:
			c.note(CodeBodyStrings, "texts that are not escaped for HTML, or are escaped again")
		default:
			c.other = true
		}
		return
	}
	gEscapes, sEscapes := escapesOf(g), escapesOf(s)
	gained := sEscapes &^ gEscapes
	if gained&escapedSlash != 0 {
		c.note(CodeBodyEscapedSlashes, "slashes escaped")
	}
	if gained&escapedUnicode != 0 {
		c.note(CodeBodyEscapedUnicode, "characters beyond ASCII escaped")
	}
	if gained&(escapedHTML|escapedOther) != 0 {
		c.note(CodeBodyEscapedHTML, "<, >, &, quotes or line separators escaped")
	}
	if gEscapes&^sEscapes != 0 || gained == 0 {
		c.note(CodeBodyUnescaped, "fewer escapes than the body given has, or others")
	}
}

func sameInstant(a, b string) bool {
	x, okX := instantOf(a)
	y, okY := instantOf(b)
	return okX && okY && x.Unix() == y.Unix()
}

// Kinds of escapes that JSON does not need.
const (
	escapedSlash = 1 << iota
	escapedHTML
	escapedUnicode
	escapedOther
)

// escapesOf returns the kinds of needless escapes in a quoted string.
func escapesOf(quoted string) (found int) {
	for i := 0; i+1 < len(quoted); i++ {
		if quoted[i] != '\\' {
			continue
		}
		i++
		switch quoted[i] {
		case '/':
			found |= escapedSlash
		case 'u':
			switch r := hex4(quoted[i+1:]); {
			case strings.ContainsRune("<>&='+`\"\\", r) || r == 0x2028 || r == 0x2029:
				found |= escapedHTML
			case r >= 0x7f:
				found |= escapedUnicode
			case r >= ' ':
				found |= escapedOther
			}
		}
	}
	return found
}

// layouts compares the blanks between tokens and around the text.
func (c *comparer) layouts(given, signed []byte) {
	g, s := bytes.TrimPrefix(given, bom), bytes.TrimPrefix(signed, bom)
	switch {
	case len(g) == len(given) && len(s) != len(signed):
		c.note(CodeBodyPlusBOM, "a byte order mark in front")
	case len(g) != len(given) && len(s) == len(signed):
		c.note(CodeBodyMinusBOM, "no byte order mark in front")
	}
	gText, sText := bytes.TrimSpace(g), bytes.TrimSpace(s)
	gTail, sTail := string(g[len(bytes.TrimRight(g, " \t\r\n")):]), string(s[len(bytes.TrimRight(s, " \t\r\n")):])
	gHead, sHead := len(bytes.TrimLeft(g, " \t\r\n")) != len(g), len(bytes.TrimLeft(s, " \t\r\n")) != len(s)
	switch {
	case gHead != sHead:
		c.note(CodeBodyTrimmed, "other blanks around it")
	case gTail != sTail && strings.HasPrefix(sTail, gTail):
		c.note(CodeBodyPlusNewline, "a line break at its end")
	case gTail != sTail && strings.HasPrefix(gTail, sTail) && strings.Count(gTail, "\n") == 1:
		c.note(CodeBodyMinusNewline, "no line break at its end")
	case gTail != sTail:
		c.note(CodeBodyTrimmed, "other blanks at its end")
	}
	if blanks(gText) == blanks(sText) {
		return
	}
	switch sBlanks := blanks(sText); {
	case sBlanks == "":
		c.note(CodeBodyCompact, "no blanks between tokens")
	case strings.Contains(sBlanks, "\n"):
		c.note(CodeBodyIndented, "lines indented "+indentOf(sText))
	default:
		c.note(CodeBodySpaced, "a blank after each comma and colon")
	}
}

func indentOf(text []byte) string {
	_, rest, _ := bytes.Cut(text, lf)
	indent := rest[:len(rest)-len(bytes.TrimLeft(rest, " \t"))]
	switch {
	case bytes.HasPrefix(indent, []byte("\t")):
		return "by tabs"
	case len(indent) > 0:
		return "by " + string('0'+byte(min(len(indent), 9)))
	}
	return "otherwise"
}

// blanks returns which blanks stand between which tokens: the same text for the
// same layout, whatever the order and the values. Of a text it keeps the kinds
// that occur, not each place.
func blanks(text []byte) string {
	kinds := map[string]bool{}
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted:
			if c == '\\' {
				i++
			} else if c == '"' {
				quoted = false
			}
		case c == '"':
			quoted = true
		case strings.IndexByte(" \t\r\n", c) >= 0:
			from := i
			for i+1 < len(text) && strings.IndexByte(" \t\r\n", text[i+1]) >= 0 {
				i++
			}
			if len(kinds) < 64 {
				kinds[class(text[from-1])+string(text[from:i+1])+class(text[i+1])] = true
			}
		case strings.IndexByte(",:{}[]", c) >= 0 && i+1 < len(text) && strings.IndexByte(" \t\r\n", text[i+1]) < 0 && (c == ',' || c == ':'):
			kinds[string(c)] = true
		}
	}
	all := make([]string, 0, len(kinds))
	found := false
	for kind := range kinds {
		all = append(all, kind)
		found = found || len(kind) > 1
	}
	if !found {
		return ""
	}
	slices.Sort(all)
	return strings.Join(all, "|")
}

// class is what a token begins with, values of all kinds alike.
func class(c byte) string {
	if strings.IndexByte(",:{}[]", c) >= 0 {
		return string(c)
	}
	return "v"
}
