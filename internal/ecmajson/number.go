package ecmajson

import (
	"bytes"
	"math"
	"strconv"
)

// MaxSafeInteger is 2⁵³: the integers up to it are all doubles.
const MaxSafeInteger = 1 << 53

// number reads a number and writes it as Number::toString does (ECMA-262,
// 6.1.6.1.20). Integers stay as they are: up to ±2⁵³ that is the same, and
// beyond, where no double holds them safely, it is what was meant.
func (p *parser) number(dst []byte) ([]byte, error) {
	start := p.at
	integer, err := p.scanNumber()
	if err != nil {
		return nil, err
	}
	text := p.src[start:p.at]
	if integer && string(text) != "-0" {
		return append(dst, text...), nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return nil, p.fail(start, "the number %.40s is beyond what a double holds", text)
	}
	return AppendNumber(dst, f), nil
}

// scanNumber moves over a number by the grammar of RFC 8259, section 6.
func (p *parser) scanNumber() (integer bool, err error) {
	if p.peek() == '-' {
		p.at++
	}
	switch {
	case p.peek() == '0':
		if p.at++; p.peek() >= '0' && p.peek() <= '9' {
			return false, p.fail(p.at, "a digit follows a leading 0; write the number without that 0")
		}
	default:
		if !p.digits() {
			return false, p.unexpected(p.at, "a digit")
		}
	}
	integer = true
	if p.peek() == '.' {
		integer = false
		p.at++
		if !p.digits() {
			return false, p.unexpected(p.at, "a digit")
		}
	}
	if p.peek() == 'e' || p.peek() == 'E' {
		integer = false
		p.at++
		if p.peek() == '+' || p.peek() == '-' {
			p.at++
		}
		if !p.digits() {
			return false, p.unexpected(p.at, "a digit")
		}
	}
	return integer, nil
}

func (p *parser) digits() bool {
	start := p.at
	for p.at < len(p.src) && p.src[p.at] >= '0' && p.src[p.at] <= '9' {
		p.at++
	}
	return p.at > start
}

// unsafe reports whether an integer literal lies beyond ±2⁵³.
func unsafe(literal []byte) bool {
	const bound = "9007199254740992"
	digits := bytes.TrimPrefix(literal, []byte{'-'})
	return len(digits) > len(bound) || len(digits) == len(bound) && string(digits) > bound
}

// AppendNumber appends a finite double as Number::toString writes it.
func AppendNumber(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0')
	}
	if size := math.Abs(f); size >= 1e-6 && size < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	at := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go writes at least two digits of exponent, JavaScript no leading zero.
	if e := at + bytes.LastIndexByte(dst[at:], 'e'); dst[e+2] == '0' {
		dst = append(dst[:e+2], dst[e+3:]...)
	}
	return dst
}

// UnsafeInteger finds the first integer literal beyond ±2⁵³ in canonical JSON:
// a receiver that reads numbers as doubles would see another number. found is
// false when there is none.
func UnsafeInteger(canonical []byte) (literal string, found bool) {
	for i := 0; i < len(canonical); i++ {
		switch c := canonical[i]; {
		case c == '"':
			for i++; i < len(canonical) && canonical[i] != '"'; i++ {
				if canonical[i] == '\\' {
					i++
				}
			}
		case c == '-' || c >= '0' && c <= '9':
			p := parser{src: canonical, at: i}
			integer, err := p.scanNumber()
			if err != nil {
				return "", false
			}
			if text := canonical[i:p.at]; integer && unsafe(text) {
				return string(text), true
			}
			i = p.at - 1
		}
	}
	return "", false
}
