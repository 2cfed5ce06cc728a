package ecmajson

import "bytes"

// Append appends the canonical form of the one JSON value in src to dst, which
// must not overlap it. White space around the value is fine; anything else is a
// [SyntaxError], and dst comes back as it was.
func Append(dst, src []byte) ([]byte, error) {
	p := parser{src: src}
	out, err := p.document(dst)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// Exact reports whether src is canonical already: whether Append would give it
// back as it is.
func Exact(src []byte) bool {
	out, err := Append(make([]byte, 0, len(src)), src)
	return err == nil && bytes.Equal(out, src)
}

// parser walks over a text once and writes the canonical form on the way.
type parser struct {
	src   []byte
	at    int
	depth int
	visit func(key, value []byte) error // wants the members of the object that comes next
	raw   bool                          // and their values as they stand in src

	doubled *[]byte // set to the first key that an object holds twice; nil: nobody asks
}

// document reads one value and nothing else.
func (p *parser) document(dst []byte) ([]byte, error) {
	if err := p.begin(); err != nil {
		return nil, err
	}
	dst, err := p.value(dst)
	if err != nil {
		return nil, err
	}
	return dst, p.end()
}

func (p *parser) begin() error {
	if bytes.HasPrefix(p.src, []byte("\xef\xbb\xbf")) {
		return p.fail(0, "a byte order mark stands before the JSON; remove it")
	}
	p.space()
	return nil
}

func (p *parser) end() error {
	if p.space(); p.at < len(p.src) {
		return p.unexpected(p.at, "the end of the text")
	}
	return nil
}

// peek returns the next byte, 0 at the end: no token of JSON begins with it.
func (p *parser) peek() byte {
	if p.at < len(p.src) {
		return p.src[p.at]
	}
	return 0
}

func (p *parser) space() {
	for p.at < len(p.src) {
		switch p.src[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) value(dst []byte) ([]byte, error) {
	switch c := p.peek(); {
	case c == '"':
		return p.string(dst)
	case c == '{':
		return p.object(dst)
	case c == '[':
		return p.array(dst)
	case c == '-' || c >= '0' && c <= '9':
		return p.number(dst)
	case c == 't':
		return p.word(dst, "true")
	case c == 'f':
		return p.word(dst, "false")
	case c == 'n':
		return p.word(dst, "null")
	default:
		return nil, p.unexpected(p.at, "a value")
	}
}

func (p *parser) word(dst []byte, word string) ([]byte, error) {
	if !bytes.HasPrefix(p.src[p.at:], []byte(word)) {
		return nil, p.unexpected(p.at, "a value")
	}
	p.at += len(word)
	return append(dst, word...), nil
}

func (p *parser) enter() error {
	if p.depth++; p.depth > MaxDepth {
		return p.fail(p.at, "nested more than %d deep", MaxDepth)
	}
	p.at++
	p.space()
	return nil
}

func (p *parser) leave() {
	p.at++
	p.depth--
}

func (p *parser) array(dst []byte) ([]byte, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	dst = append(dst, '[')
	for more := p.peek() != ']'; more; {
		var err error
		if dst, err = p.value(dst); err != nil {
			return nil, err
		}
		switch p.space(); p.peek() {
		case ',':
			dst = append(dst, ',')
			p.at++
			p.space()
		case ']':
			more = false
		default:
			return nil, p.unexpected(p.at, "',' or ']'")
		}
	}
	p.leave()
	return append(dst, ']'), nil
}
