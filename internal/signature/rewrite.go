package signature

import (
	"bytes"
	"strings"
)

// serializer is a program that reads JSON and writes it again.
type serializer struct {
	name string
	style
}

// serializers are the usual suspects, the plainest first: of those that write
// the same bytes, the first one gives the cause.
var serializers = []serializer{
	{"a tool that only takes blanks out", style{}},
	{"a tool that only puts blanks after commas and colons", style{layout: layoutSpaced}},
	{"a tool that only indents by 2", style{layout: layoutIndent2}},
	{"a tool that only indents by 4", style{layout: layoutIndent4}},
	{"a tool that only indents by tabs", style{layout: layoutIndentTab}},
	{"JavaScript's JSON.stringify", style{keysJavaScript, numbersJavaScript, escapesMinimal, layoutCompact, false}},
	{"JavaScript's JSON.stringify(…, null, 2)", style{keysJavaScript, numbersJavaScript, escapesMinimal, layoutIndent2, false}},
	{"JavaScript's JSON.stringify(…, null, 4)", style{keysJavaScript, numbersJavaScript, escapesMinimal, layoutIndent4, false}},
	{"JavaScript's JSON.stringify(…, null, '\\t')", style{keysJavaScript, numbersJavaScript, escapesMinimal, layoutIndentTab, false}},
	{"JavaScript with sorted keys", style{keysSorted, numbersJavaScript, escapesMinimal, layoutCompact, false}},
	{"Python's json.dumps", style{keysOnce, numbersPython, escapesASCII, layoutSpaced, false}},
	{"Python's json.dumps(ensure_ascii=False)", style{keysOnce, numbersPython, escapesMinimal, layoutSpaced, false}},
	{"Python's json.dumps(sort_keys=True)", style{keysSorted, numbersPython, escapesASCII, layoutSpaced, false}},
	{"Python's json.dumps(sort_keys=True, ensure_ascii=False)", style{keysSorted, numbersPython, escapesMinimal, layoutSpaced, false}},
	{"Python's json.dumps(separators=(',', ':'))", style{keysOnce, numbersPython, escapesASCII, layoutCompact, false}},
	{"Python's json.dumps(separators=(',', ':'), ensure_ascii=False)", style{keysOnce, numbersPython, escapesMinimal, layoutCompact, false}},
	{"Python's json.dumps(separators=(',', ':'), sort_keys=True)", style{keysSorted, numbersPython, escapesASCII, layoutCompact, false}},
	{"Python's json.dumps(separators=(',', ':'), sort_keys=True, ensure_ascii=False)", style{keysSorted, numbersPython, escapesMinimal, layoutCompact, false}},
	{"Python's json.dumps(indent=2)", style{keysOnce, numbersPython, escapesASCII, layoutIndent2, false}},
	{"Python's json.dumps(indent=4)", style{keysOnce, numbersPython, escapesASCII, layoutIndent4, false}},
	{"Python's json.dumps(indent=2, sort_keys=True)", style{keysSorted, numbersPython, escapesASCII, layoutIndent2, false}},
	{"Python's json.dumps(indent=4, sort_keys=True)", style{keysSorted, numbersPython, escapesASCII, layoutIndent4, false}},
	{"Go's json.Marshal of a json.RawMessage", style{keysKept, numbersKept, escapesKeptHTML, layoutCompact, false}},
	{"Go's json.Marshal of a map", style{keysSorted, numbersGo, escapesHTML, layoutCompact, false}},
	{"Go's json.Marshal of a struct", style{keysOnce, numbersGo, escapesHTML, layoutCompact, false}},
	{"Go's json.Marshal of a map with json.Number", style{keysSorted, numbersKept, escapesHTML, layoutCompact, false}},
	{"Go's json.Marshal of a struct with json.Number", style{keysOnce, numbersKept, escapesHTML, layoutCompact, false}},
	{"Go's encoding/json of a map without HTML escaping", style{keysSorted, numbersGo, escapesLines, layoutCompact, false}},
	{"Go's encoding/json of a struct without HTML escaping", style{keysOnce, numbersGo, escapesLines, layoutCompact, false}},
	{"Go's json.MarshalIndent of a map", style{keysSorted, numbersGo, escapesHTML, layoutIndent2, false}},
	{"Go's json.MarshalIndent of a map with tabs", style{keysSorted, numbersGo, escapesHTML, layoutIndentTab, false}},
	{"Go's json.MarshalIndent of a struct", style{keysOnce, numbersGo, escapesHTML, layoutIndent2, false}},
	{"PHP's json_encode", style{keysOnce, numbersPHP, escapesPHP, layoutCompact, false}},
	{"PHP's json_encode of associative arrays", style{keysOnce, numbersPHP, escapesPHP, layoutCompact, true}},
	{"PHP's json_encode with JSON_UNESCAPED_SLASHES", style{keysOnce, numbersPHP, escapesPHPUnicode, layoutCompact, false}},
	{"PHP's json_encode with JSON_UNESCAPED_SLASHES of associative arrays", style{keysOnce, numbersPHP, escapesPHPUnicode, layoutCompact, true}},
	{"PHP's json_encode with JSON_UNESCAPED_UNICODE", style{keysOnce, numbersPHP, escapesPHPSlashes, layoutCompact, false}},
	{"PHP's json_encode with JSON_UNESCAPED_UNICODE of associative arrays", style{keysOnce, numbersPHP, escapesPHPSlashes, layoutCompact, true}},
	{"PHP's json_encode with JSON_UNESCAPED_SLASHES|JSON_UNESCAPED_UNICODE", style{keysOnce, numbersPHP, escapesPHPNeither, layoutCompact, false}},
	{"PHP's json_encode with JSON_UNESCAPED_SLASHES|JSON_UNESCAPED_UNICODE of associative arrays", style{keysOnce, numbersPHP, escapesPHPNeither, layoutCompact, true}},
	{"PHP's json_encode with JSON_PRETTY_PRINT", style{keysOnce, numbersPHP, escapesPHP, layoutIndent4, false}},
}

// rewriting is one text that a serializer makes of a body.
type rewriting struct {
	text  []byte
	style style
}

// names returns a few of those who write exactly this text.
func (r rewriting) names(root *node) (found []string) {
	for _, s := range serializers {
		if len(found) < 3 && bytes.Equal(s.write(root, len(r.text)), r.text) {
			found = append(found, s.name)
		}
	}
	return found
}

// fault says what a rewriting changed, and no more than that: what another
// style would have written just the same is not held against it.
func (r rewriting) fault(root *node) fault {
	s := r.style
	same := func(plain style) bool { return bytes.Equal(plain.write(root, len(r.text)), r.text) }
	for _, plain := range []escapes{escapesKept, escapesMinimal, escapesReplaced, escapesLines, escapesHTML, escapesASCII, escapesPHPUnicode} {
		if less := s; same(with(&less, func() { less.escapes = plain })) {
			s = less
			break
		}
	}
	if less := s; same(with(&less, func() { less.numbers = numbersKept })) {
		s = less
	}
	if less := s; same(with(&less, func() { less.arrays = false })) {
		s = less
	}
	if less := s; same(with(&less, func() { less.keys = keysKept })) {
		s = less
	}

	var what []string
	code := ""
	note := func(c, text string) {
		if code == "" {
			code = c
		}
		what = append(what, text)
	}
	switch s.keys {
	case keysSorted:
		note(CodeBodyKeys, "its keys sorted")
	case keysOnce, keysJavaScript:
		note(CodeBodyKeys, "its keys as a parser keeps them")
	}
	if s.numbers != numbersKept {
		note(CodeBodyNumbers, "its numbers rewritten")
	}
	if s.arrays {
		note(CodeBodyEmptyObjects, "{} turned into []")
	}
	switch s.escapes {
	case escapesKept:
	case escapesMinimal:
		note(CodeBodyUnescaped, "needless escapes resolved")
	case escapesReplaced:
		note(CodeBodyUnescaped, "needless escapes resolved and lone surrogates replaced by U+FFFD")
	case escapesKeptHTML, escapesHTML:
		note(CodeBodyEscapedHTML, "<, >, & or line separators escaped")
	case escapesASCII, escapesPHPUnicode:
		note(CodeBodyEscapedUnicode, "characters beyond ASCII escaped")
	case escapesLines, escapesPHPNeither:
		note(CodeBodyEscapedHTML, "U+2028 or U+2029 escaped")
	default:
		note(CodeBodyEscapedSlashes, "slashes escaped")
	}
	layouts := []struct{ code, what string }{
		{CodeBodyCompact, "no blanks between tokens"}, {CodeBodySpaced, "a blank after each comma and colon"},
		{CodeBodyIndented, "lines indented by 2"}, {CodeBodyIndented, "lines indented by 4"}, {CodeBodyIndented, "lines indented by tabs"},
	}
	note(layouts[s.layout].code, layouts[s.layout].what)
	return fault{code, "over the body as JSON with " + strings.Join(what, ", ") + " (so writes " + strings.Join(r.names(root), ", or ") + ")"}
}

func with(s *style, change func()) style {
	change()
	return *s
}
