package ecmajson

import (
	"unicode/utf16"
	"unicode/utf8"
)

const hex = "0123456789abcdef"

// AppendString appends s as JSON.stringify writes a string. s must be valid
// UTF-8; other bytes become U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for {
		n := 0
		for n < len(s) && plain[s[n]] {
			n++
		}
		dst = append(dst, s[:n]...)
		if s = s[n:]; s == "" {
			return append(dst, '"')
		}
		r, size := utf8.DecodeRuneInString(s)
		dst, s = appendRune(dst, r), s[size:]
	}
}

func appendRune(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\b':
		return append(dst, '\\', 'b')
	case '\t':
		return append(dst, '\\', 't')
	case '\n':
		return append(dst, '\\', 'n')
	case '\f':
		return append(dst, '\\', 'f')
	case '\r':
		return append(dst, '\\', 'r')
	}
	if r < ' ' {
		return append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
	}
	return utf8.AppendRune(dst, r)
}

// plain marks the ASCII bytes that stand in a string as they are.
var plain = func() (table [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// string copies a string with its quotes, runs of plain text at once.
func (p *parser) string(dst []byte) ([]byte, error) {
	src := p.src
	start := p.at
	i := start + 1
	for {
		for i < len(src) && plain[src[i]] {
			i++
		}
		if i >= len(src) {
			return nil, p.fail(i, "the text ends inside a string")
		}
		switch c := src[i]; {
		case c == '"':
			p.at = i + 1
			return append(dst, src[start:p.at]...), nil
		case c == '\\':
			dst = append(dst, src[start:i]...)
			var err error
			if dst, err = p.escape(dst, &i); err != nil {
				return nil, err
			}
			start = i
		case c < ' ':
			return nil, p.fail(i, "control character 0x%02x stands bare in a string; escape it", c)
		default:
			r, size := utf8.DecodeRune(src[i:])
			if r == utf8.RuneError && size == 1 {
				return nil, p.fail(i, "byte 0x%02x is not UTF-8", c)
			}
			i += size
		}
	}
}

// escape decodes the escape at *i and writes the character as JSON.stringify
// does (well-formed JSON.stringify: a lone surrogate stays an escape).
func (p *parser) escape(dst []byte, i *int) ([]byte, error) {
	at := *i
	if at+1 >= len(p.src) {
		return nil, p.fail(at, "the text ends inside an escape")
	}
	*i = at + 2
	switch c := p.src[at+1]; c {
	case '"', '\\', '/':
		return appendRune(dst, rune(c)), nil
	case 'b':
		return appendRune(dst, '\b'), nil
	case 'f':
		return appendRune(dst, '\f'), nil
	case 'n':
		return appendRune(dst, '\n'), nil
	case 'r':
		return appendRune(dst, '\r'), nil
	case 't':
		return appendRune(dst, '\t'), nil
	case 'u':
	default:
		if c > ' ' && c < 0x7f {
			return nil, p.fail(at, "\\%c is no escape of JSON; a backslash itself is written \\\\", c)
		}
		return nil, p.fail(at, "a backslash stands before byte 0x%02x; a backslash itself is written \\\\", c)
	}
	unit, ok := p.unit(at)
	if !ok {
		return nil, p.fail(at, "\\u needs four hex digits")
	}
	*i = at + 6
	if !utf16.IsSurrogate(unit) {
		return appendRune(dst, unit), nil
	}
	if low, ok := p.unit(*i); ok {
		if r := utf16.DecodeRune(unit, low); r != utf8.RuneError {
			*i += 6
			return utf8.AppendRune(dst, r), nil
		}
	}
	return append(dst, '\\', 'u', hex[unit>>12&15], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15]), nil
}

// unit reads \uXXXX at a place.
func (p *parser) unit(at int) (unit rune, ok bool) {
	if at+6 > len(p.src) || p.src[at] != '\\' || p.src[at+1] != 'u' {
		return 0, false
	}
	for _, c := range p.src[at+2 : at+6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}

// unquote decodes a canonical string; without escapes it is a part of it.
func unquote(quoted []byte) []byte {
	text := quoted[1 : len(quoted)-1]
	for i := range text {
		if text[i] == '\\' {
			return decode(text)
		}
	}
	return text
}

// decode resolves the escapes of a canonical string. Lone surrogates become
// U+FFFD: no Go text holds them.
func decode(text []byte) []byte {
	out := make([]byte, 0, len(text))
	p := parser{src: text}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		switch c := text[i+1]; c {
		case 'b':
			out = append(out, '\b')
		case 't':
			out = append(out, '\t')
		case 'n':
			out = append(out, '\n')
		case 'f':
			out = append(out, '\f')
		case 'r':
			out = append(out, '\r')
		case 'u':
			unit, _ := p.unit(i)
			out = utf8.AppendRune(out, unit)
			i += 4
		default:
			out = append(out, c)
		}
		i++
	}
	return out
}
