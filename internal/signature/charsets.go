package signature

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// charset is an encoding of one byte a character: the characters of 0x80 to 0xff.
// U+FFFD stands for a byte without a character.
type charset struct {
	upper [128]rune
	bytes map[rune]byte
}

func newCharset(upper string) *charset {
	c := &charset{bytes: make(map[rune]byte, 128)}
	n := 0
	for _, r := range upper {
		c.upper[n] = r
		if r != utf8.RuneError {
			c.bytes[r] = byte(0x80 + n)
		}
		n++
	}
	if n != 128 {
		panic("a charset has 128 characters beyond ASCII")
	}
	return c
}

func upperHalf() string {
	var out strings.Builder
	for r := rune(0xa0); r <= 0xff; r++ {
		out.WriteRune(r)
	}
	return out.String()
}

func c1() string {
	var out strings.Builder
	for r := rune(0x80); r < 0xa0; r++ {
		out.WriteRune(r)
	}
	return out.String()
}

var (
	latin1 = newCharset(c1() + upperHalf())
	// The five bytes that Windows-1252 leaves open are C1 controls, as browsers read them.
	windows1252 = newCharset("€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ" + upperHalf())
	cp437       = newCharset("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0")
	cp850       = newCharset("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0")
)

// misread reads bytes of UTF-8 as this charset, and writes that as UTF-8.
func (c *charset) misread(b []byte) []byte {
	if isASCII(b) {
		return nil
	}
	out := make([]byte, 0, len(b)+len(b)/2)
	for _, octet := range b {
		if octet < 0x80 {
			out = append(out, octet)
		} else {
			out = utf8.AppendRune(out, c.upper[octet-0x80])
		}
	}
	return out
}

// undo is what misread was done to: the characters as bytes again, if those are UTF-8.
func (c *charset) undo(b []byte) []byte {
	if isASCII(b) || !utf8.Valid(b) {
		return nil
	}
	out := c.bytesOf(b, -1)
	if out == nil || !utf8.Valid(out) {
		return nil
	}
	return out
}

// bytesOf writes UTF-8 in this charset, with a substitute for what has no place
// there; a negative one makes it nil.
func (c *charset) bytesOf(b []byte, substitute int) []byte {
	out := make([]byte, 0, len(b))
	for _, r := range string(b) {
		octet, known := c.bytes[r]
		switch {
		case r < 0x80:
			out = append(out, byte(r))
		case known:
			out = append(out, octet)
		case substitute < 0:
			return nil
		default:
			out = append(out, byte(substitute))
		}
	}
	return out
}

func (c *charset) encode(substitute byte) func([]byte) []byte {
	return func(b []byte) []byte {
		if isASCII(b) || !utf8.Valid(b) {
			return nil
		}
		return c.bytesOf(b, int(substitute))
	}
}

// decode reads bytes of this charset that are no UTF-8.
func (c *charset) decode(b []byte) []byte {
	if utf8.Valid(b) {
		return nil
	}
	return c.misread(b)
}

func isASCII(b []byte) bool {
	for _, octet := range b {
		if octet >= 0x80 {
			return false
		}
	}
	return true
}

// What one substitute stands for.
const (
	runes = iota
	units
	octets
)

// replaced puts a substitute for what is not ASCII.
func replaced(substitute string, each int) func([]byte) []byte {
	return func(b []byte) []byte {
		if isASCII(b) || !utf8.Valid(b) {
			return nil
		}
		out := make([]byte, 0, len(b))
		for _, r := range string(b) {
			n := 1
			switch {
			case r < 0x80:
				out = append(out, byte(r))
				continue
			case each == octets:
				n = utf8.RuneLen(r)
			case each == units && r > 0xffff:
				n = 2
			}
			for range n {
				out = append(out, substitute...)
			}
		}
		return out
	}
}

func lowBytes(b []byte) []byte {
	if isASCII(b) || !utf8.Valid(b) {
		return nil
	}
	units := utf16.Encode([]rune(string(b)))
	out := make([]byte, len(units))
	for i, u := range units {
		out[i] = byte(u)
	}
	return out
}

func utf16LE(mark bool) func([]byte) []byte {
	return func(b []byte) []byte {
		var out []byte
		if mark {
			out = []byte{0xff, 0xfe}
		}
		for _, u := range utf16.Encode([]rune(string(b))) {
			out = binary.LittleEndian.AppendUint16(out, u)
		}
		return out
	}
}

func utf16BE(b []byte) []byte {
	out := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(string(b))) {
		out = binary.BigEndian.AppendUint16(out, u)
	}
	return out
}

// fromUTF16 reads UTF-16 in either order, with its mark or told by its zero bytes.
func fromUTF16(b []byte) []byte {
	var order binary.ByteOrder
	switch {
	case len(b) < 2:
		return nil
	case b[0] == 0xff && b[1] == 0xfe:
		order, b = binary.LittleEndian, b[2:]
	case b[0] == 0xfe && b[1] == 0xff:
		order, b = binary.BigEndian, b[2:]
	case b[0] != 0 && b[1] == 0:
		order = binary.LittleEndian
	case b[0] == 0 && b[1] != 0:
		order = binary.BigEndian
	default:
		return nil
	}
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return []byte(string(utf16.Decode(units)))
}

// splitPlaces are where a buffer or chunk of a usual size ends.
var splitPlaces = []int{1024, 1448, 1460, 2048, 4096, 8192, 16384, 32768, 65536}

// splits are the bodies that come out when each chunk is made text by itself, and
// a character lies over the border: U+FFFD for its parts. A border may be
// anywhere; the usual places come first.
func splits(b []byte, most int, visit func([]byte) bool) {
	if isASCII(b) || !utf8.Valid(b) {
		return
	}
	try := func(at int) bool {
		from := at
		for from > 0 && !utf8.RuneStart(b[from]) {
			from--
		}
		if from == at {
			return true
		}
		_, size := utf8.DecodeRune(b[from:])
		// WHATWG replaces the longest part that could begin a character by one mark,
		// and each byte that can't begin one by another.
		second := bytes.Repeat([]byte("\ufffd"), from+size-at)
		return visit(join(b[:from], []byte("\ufffd"), second, b[from+size:]))
	}
	for _, at := range splitPlaces {
		for place := at; place < len(b) && most > 0; place += at {
			if most--; !try(place) {
				return
			}
		}
	}
	for at := range b {
		if utf8.RuneStart(b[at]) {
			continue
		}
		if most--; most < 0 || !try(at) {
			return
		}
	}
}
