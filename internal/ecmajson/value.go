package ecmajson

import (
	"bytes"
	"sort"
)

// Append appends the canonical form of the one JSON value in src to dst.
// White space around it is fine, anything else is a [SyntaxError].
func Append(dst, src []byte) ([]byte, error) {
	p := parser{src: src}
	out, err := p.document(dst, nil)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// Exact reports whether src is canonical already.
func Exact(src []byte) bool {
	out, err := Append(make([]byte, 0, len(src)), src)
	return err == nil && bytes.Equal(out, src)
}

// AppendMembers appends the canonical form of the one JSON object in src to
// dst, and calls fn for each of its members in the order of the text, with the
// key decoded and the value canonical. The value stays valid after the call,
// the key does not. An error of fn ends the reading and is returned.
func AppendMembers(dst, src []byte, fn func(key, value []byte) error) ([]byte, error) {
	p := parser{src: src}
	out, err := p.document(dst, fn)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// Members calls fn for each member of the one JSON object in src, in the order
// of the text, with the key decoded and the value as it stands there. The key
// is only valid during the call.
func Members(src []byte, fn func(key, value []byte) error) error {
	p := parser{src: src, raw: true}
	_, err := p.document(make([]byte, 0, len(src)), fn)
	return err
}

// parser walks over a text once and writes the canonical form on the way.
type parser struct {
	src   []byte
	at    int
	depth int
	raw   bool // hand out values as they stand in the text
}

// document reads one value and nothing else.
func (p *parser) document(dst []byte, fn func(key, value []byte) error) ([]byte, error) {
	if bytes.HasPrefix(p.src, []byte("\xef\xbb\xbf")) {
		return nil, p.fail(0, "a byte order mark stands before the JSON; remove it")
	}
	p.space()
	var err error
	if fn != nil {
		if p.at >= len(p.src) || p.src[p.at] != '{' {
			if _, err := p.value(dst); err != nil {
				return nil, err
			}
			return nil, ErrNotObject
		}
		dst, err = p.object(dst, fn)
	} else {
		dst, err = p.value(dst)
	}
	if err != nil {
		return nil, err
	}
	p.space()
	if p.at < len(p.src) {
		return nil, p.unexpected(p.at, "the end of the text")
	}
	return dst, nil
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
	if p.at >= len(p.src) {
		return nil, p.unexpected(p.at, "a value")
	}
	switch c := p.src[p.at]; {
	case c == '"':
		return p.string(dst)
	case c == '{':
		return p.object(dst, nil)
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
	if p.at < len(p.src) && p.src[p.at] == ']' {
		p.leave()
		return append(dst, ']'), nil
	}
	for {
		var err error
		if dst, err = p.value(dst); err != nil {
			return nil, err
		}
		p.space()
		switch {
		case p.at < len(p.src) && p.src[p.at] == ',':
			dst = append(dst, ',')
			p.at++
			p.space()
		case p.at < len(p.src) && p.src[p.at] == ']':
			p.leave()
			return append(dst, ']'), nil
		default:
			return nil, p.unexpected(p.at, "',' or ']'")
		}
	}
}

// member is where one member of an object stands in the output.
type member struct {
	keyStart, keyEnd int // the key as written, quotes included
	end              int // of the value
}

// object reads an object. Its members are written as they come; only when a
// key is an array index or repeats are they put in order afterwards.
func (p *parser) object(dst []byte, fn func(key, value []byte) error) ([]byte, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	dst = append(dst, '{')
	if p.at < len(p.src) && p.src[p.at] == '}' {
		p.leave()
		return append(dst, '}'), nil
	}
	var few [24]member
	members, start, reorder := few[:0], len(dst), false
	for {
		m, next, err := p.member(dst, fn)
		if err != nil {
			return nil, err
		}
		dst = next
		reorder = reorder || isIndex(dst[m.keyStart+1:m.keyEnd-1])
		members = append(members, m)
		p.space()
		if p.at < len(p.src) && p.src[p.at] == ',' {
			dst = append(dst, ',')
			p.at++
			p.space()
			continue
		}
		if p.at >= len(p.src) || p.src[p.at] != '}' {
			return nil, p.unexpected(p.at, "',' or '}'")
		}
		p.leave()
		if reorder || repeats(dst, members) {
			dst = order(dst, start, members)
		}
		return append(dst, '}'), nil
	}
}

func (p *parser) member(dst []byte, fn func(key, value []byte) error) (member, []byte, error) {
	if p.at >= len(p.src) || p.src[p.at] != '"' {
		return member{}, nil, p.unexpected(p.at, "a key in double quotes")
	}
	m := member{keyStart: len(dst)}
	dst, err := p.string(dst)
	if err != nil {
		return m, nil, err
	}
	m.keyEnd = len(dst)
	p.space()
	if p.at >= len(p.src) || p.src[p.at] != ':' {
		return m, nil, p.unexpected(p.at, "':'")
	}
	p.at++
	p.space()
	dst = append(dst, ':')
	from := p.at
	if dst, err = p.value(dst); err != nil {
		return m, nil, err
	}
	m.end = len(dst)
	if fn != nil {
		value := dst[m.keyEnd+1 : m.end : m.end]
		if p.raw {
			value = p.src[from:p.at:p.at]
		}
		if err := fn(unquote(dst[m.keyStart:m.keyEnd]), value); err != nil {
			return m, nil, err
		}
	}
	return m, dst, nil
}

// repeats reports whether a key stands there twice.
func repeats(dst []byte, members []member) bool {
	if len(members) > 24 {
		seen := make(map[string]struct{}, len(members))
		for _, m := range members {
			key := string(dst[m.keyStart:m.keyEnd])
			if _, twice := seen[key]; twice {
				return true
			}
			seen[key] = struct{}{}
		}
		return false
	}
	for i, m := range members {
		key := dst[m.keyStart:m.keyEnd]
		for _, other := range members[:i] {
			if other.keyEnd-other.keyStart == len(key) && bytes.Equal(dst[other.keyStart:other.keyEnd], key) {
				return true
			}
		}
	}
	return false
}

// order rewrites an object's members as ECMAScript orders own properties
// (OrdinaryOwnPropertyKeys): array indices ascending, then the other keys by
// first appearance; of a key given twice the last value stays.
func order(dst []byte, start int, members []member) []byte {
	place := make(map[string]int, len(members))
	kept := make([]member, 0, len(members))
	for _, m := range members {
		key := string(dst[m.keyStart:m.keyEnd])
		if i, twice := place[key]; twice {
			kept[i] = m
			continue
		}
		place[key] = len(kept)
		kept = append(kept, m)
	}
	rank := func(m member) (uint64, bool) {
		key := dst[m.keyStart+1 : m.keyEnd-1]
		if !isIndex(key) {
			return 0, false
		}
		n := uint64(0)
		for _, c := range key {
			n = n*10 + uint64(c-'0')
		}
		return n, true
	}
	sort.SliceStable(kept, func(i, j int) bool {
		a, first := rank(kept[i])
		b, second := rank(kept[j])
		return first && (!second || a < b)
	})
	old := bytes.Clone(dst[start:])
	dst = dst[:start]
	for i, m := range kept {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, old[m.keyStart-start:m.end-start]...)
	}
	return dst
}

// isIndex reports whether a key is an array index: the canonical decimal form
// of an integer from 0 to 2³²−2 (ECMA-262, 6.1.7).
func isIndex(key []byte) bool {
	if len(key) == 0 || len(key) > 10 || key[0] == '0' && len(key) > 1 {
		return false
	}
	for _, c := range key {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(key) < 10 || string(key) <= "4294967294"
}
