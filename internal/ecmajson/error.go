package ecmajson

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// MaxDepth is how deeply arrays and objects may be nested.
const MaxDepth = 512

// ErrNotObject is returned where one JSON object is needed and another value
// was found.
var ErrNotObject = errors.New("not a JSON object")

// SyntaxError says where a text stops being JSON that can be taken.
type SyntaxError struct {
	Offset int64  // in bytes, from 0
	Line   int    // from 1
	Column int    // in bytes, from 1
	Msg    string // what was found and what was expected
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Msg)
}

func (p *parser) fail(at int, format string, args ...any) error {
	before := p.src[:min(at, len(p.src))]
	return &SyntaxError{
		Offset: int64(at),
		Line:   bytes.Count(before, []byte{'\n'}) + 1,
		Column: at - bytes.LastIndexByte(before, '\n'),
		Msg:    fmt.Sprintf(format, args...),
	}
}

// unexpected describes what stands at a place instead of what is needed.
func (p *parser) unexpected(at int, needed string) error {
	if at >= len(p.src) {
		return p.fail(at, "the text ends where %s is needed", needed)
	}
	rest := p.src[at:]
	if word := rest[:letters(rest)]; len(word) > 0 {
		return p.fail(at, "%.20s stands where %s is needed", word, needed)
	}
	r, size := utf8.DecodeRune(rest)
	if r == utf8.RuneError && size == 1 {
		return p.fail(at, "byte 0x%02x stands where %s is needed", rest[0], needed)
	}
	return p.fail(at, "%q stands where %s is needed", r, needed)
}

// letters counts the ASCII letters that a text begins with.
func letters(text []byte) int {
	n := 0
	for n < len(text) && (text[n]|0x20 >= 'a' && text[n]|0x20 <= 'z') {
		n++
	}
	return n
}
