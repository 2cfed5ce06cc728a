package ecmajson

import (
	"bytes"
	"errors"
	"fmt"
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

// unexpected describes what stands at a place instead of what was needed.
func (p *parser) unexpected(at int, needed string) error {
	switch {
	case at >= len(p.src):
		return p.fail(at, "the text ends where %s is needed", needed)
	case p.src[at] >= ' ' && p.src[at] < 0x7f:
		return p.fail(at, "%q stands where %s is needed", p.src[at], needed)
	default:
		return p.fail(at, "byte 0x%02x stands where %s is needed", p.src[at], needed)
	}
}
