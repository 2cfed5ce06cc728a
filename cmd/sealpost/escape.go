package main

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What comes from outside (bodies, names, answers, error texts) may hold characters that
// a terminal obeys, or that change the order in which text is read. They are written as
// JavaScript and JSON write them: \u009b. So a JSON text stays the same JSON.

// harmless reports whether a character may reach a terminal as it is.
func harmless(r rune) bool { return r == '\n' || r == '\t' || unicode.IsGraphic(r) }

// escaped writes the characters of a text that a terminal obeys as escapes. Line breaks
// and tabs stay.
func escaped(text string) string {
	clean := true
	for _, r := range text {
		clean = clean && harmless(r) && r != utf8.RuneError
	}
	if clean {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, text[i])
		case harmless(r):
			out.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
		i += size
	}
	return out.String()
}

// ownColour is a sequence that our own styles write.
var ownColour = regexp.MustCompile("\x1b\\[[0-9;]*m")

// talk formats a line for a stream. On a terminal the texts in it are escaped; where the
// stream has colours, those stay.
func (a *app) talk(stream any, format string, args []any) string {
	if !isTerminal(stream) {
		return fmt.Sprintf(format, args...)
	}
	line := fmt.Sprintf(format, args...)
	if !a.colored(stream) {
		return escaped(line)
	}
	var out strings.Builder
	for last := 0; ; {
		next := ownColour.FindStringIndex(line[last:])
		if next == nil {
			out.WriteString(escaped(line[last:]))
			return out.String()
		}
		out.WriteString(escaped(line[last : last+next[0]]))
		out.WriteString(line[last+next[0] : last+next[1]])
		last += next[1]
	}
}
