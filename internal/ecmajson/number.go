package ecmajson

import (
	"bytes"
	"math"
	"strconv"
)

// MaxSafeInteger is 2⁵³: the integers up to it are all doubles.
const MaxSafeInteger = 1 << 53

// number reads a number and writes it as Number::toString does (ECMA-262,
// 6.1.6.1.20), or as it is when it is an integer that no double holds safely.
func (p *parser) number(dst []byte) ([]byte, error) {
	start := p.at
	integer, err := p.scanNumber()
	if err != nil {
		return nil, err
	}
	text := p.src[start:p.at]
	if integer {
		if len(text) <= 15 && string(text) != "-0" {
			return append(dst, text...), nil
		}
		if unsafe(text) {
			return append(dst, text...), nil
		}
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return nil, p.fail(start, "the number %.40s is beyond what a double holds", text)
	}
	return AppendNumber(dst, f), nil
}

// scanNumber moves over a number by the grammar of RFC 8259, section 6.
func (p *parser) scanNumber() (integer bool, err error) {
	if p.src[p.at] == '-' {
		p.at++
	}
	switch {
	case p.at < len(p.src) && p.src[p.at] == '0':
		p.at++
	default:
		if !p.digits() {
			return false, p.unexpected(p.at, "a digit")
		}
	}
	integer = true
	if p.at < len(p.src) && p.src[p.at] == '.' {
		integer = false
		p.at++
		if !p.digits() {
			return false, p.unexpected(p.at, "a digit")
		}
	}
	if p.at < len(p.src) && (p.src[p.at] == 'e' || p.src[p.at] == 'E') {
		integer = false
		p.at++
		if p.at < len(p.src) && (p.src[p.at] == '+' || p.src[p.at] == '-') {
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
func unsafe(text []byte) bool {
	n, err := strconv.ParseInt(string(text), 10, 64)
	return err != nil || n > MaxSafeInteger || n < -MaxSafeInteger
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

// UnsafeInteger finds the first integer literal beyond ±2⁵³ in canonical JSON,
// as far as a reader with doubles is concerned another number. found is false
// when there is none.
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
