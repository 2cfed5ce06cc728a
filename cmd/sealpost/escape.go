package main

import (
	"crypto/rand"
	"encoding/binary"
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

// Colours that this program writes are told from those in texts from outside by a mark
// before each sequence: an SGR sequence with a number that nobody outside can know. It
// takes no width, and is taken out when the line is written.

// mark begins each sequence of ours.
var mark = func() string {
	var number [8]byte
	_, _ = rand.Read(number[:]) // never fails
	return fmt.Sprintf("\x1b[%dm", binary.BigEndian.Uint64(number[:]))
}()

// sequence is what styles write.
var sequence = regexp.MustCompile("\x1b\\[[0-9;]*m")

// marked marks the sequences that a style has written around a text.
func marked(styled string) string { return sequence.ReplaceAllString(styled, mark+"$0") }

// unmarked takes the marks out of a text whose parts from outside were escaped before.
func unmarked(text string) string { return strings.ReplaceAll(text, mark, "") }

// talk formats a line for people. What a terminal obeys is escaped, but for our own
// colours. It is escaped in a pipe too, since a pager or a log may show it to a terminal later.
func talk(format string, args []any) string {
	var out strings.Builder
	for i, part := range strings.Split(fmt.Sprintf(format, args...), mark) {
		if at := sequence.FindStringIndex(part); i > 0 && at != nil && at[0] == 0 {
			out.WriteString(part[:at[1]])
			part = part[at[1]:]
		}
		out.WriteString(escaped(part))
	}
	return out.String()
}
