package ecmajson

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
)

// few is how many members an object can have without costing memory: more than
// any event of the catalog has at one level.
const few = 24

// member is where one member of an object stands.
type member struct {
	key, colon, end int // in the output: the quoted key, the colon, the end of the value
	from, to        int // in the text: the value
}

// object reads an object. Its members are written as they come; only when a key
// is an array index or repeats are they put in order afterwards.
func (p *parser) object(dst []byte) ([]byte, error) {
	visit := p.visit
	p.visit = nil // the objects within are nobody's business
	if err := p.enter(); err != nil {
		return nil, err
	}
	dst = append(dst, '{')
	var room [few]member
	members, start := room[:0], len(dst)
	var seen filter
	index, again := false, false
	for more := p.peek() != '}'; more; {
		members = append(members, member{})
		m := &members[len(members)-1]
		var err error
		if dst, err = p.member(dst, m); err != nil {
			return nil, err
		}
		name := m.name(dst)
		index = index || isIndex(name)
		again = seen.add(name) || again
		switch p.space(); p.peek() {
		case ',':
			dst = append(dst, ',')
			p.at++
			p.space()
		case '}':
			more = false
		default:
			return nil, p.unexpected(p.at, "',' or '}'")
		}
	}
	p.leave()
	again = again && (!p.raw || p.doubled != nil) && repeats(dst, members)
	if again && p.doubled != nil && *p.doubled == nil {
		*p.doubled = firstRepeated(dst, members)
	}
	if !p.raw && (index || again) {
		dst, members = order(dst, start, members)
	}
	dst = append(dst, '}')
	if visit == nil {
		return dst, nil
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	for _, m := range members {
		value := dst[m.colon+1 : m.end : m.end]
		if p.raw {
			value = p.src[m.from:m.to:m.to]
		}
		if err := visit(unquote(dst[m.key:m.colon]), value); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func (p *parser) member(dst []byte, m *member) ([]byte, error) {
	if p.peek() != '"' {
		return nil, p.unexpected(p.at, "a key in double quotes")
	}
	m.key = len(dst)
	dst, err := p.string(dst)
	if err != nil {
		return nil, err
	}
	m.colon = len(dst)
	if p.space(); p.peek() != ':' {
		return nil, p.unexpected(p.at, "':'")
	}
	dst = append(dst, ':')
	p.at++
	p.space()
	m.from = p.at
	if dst, err = p.value(dst); err != nil {
		return nil, err
	}
	m.end, m.to = len(dst), p.at
	return dst, nil
}

// name returns the key as it is written, without its quotes. Two keys are the
// same when they are written the same: canonical strings have one form.
func (m member) name(dst []byte) []byte { return dst[m.key+1 : m.colon-1] }

// filter remembers the keys of one object, roughly: comparing them in pairs
// would take a fifth of the time of a whole event.
type filter [16]uint64

// add reports whether a key may have been added before.
func (f *filter) add(key []byte) (maybe bool) {
	n := uint(len(key))
	if n > 0 {
		n += uint(key[0])*37 + uint(key[len(key)/2])*59 + uint(key[len(key)-1])*101
	}
	word, bit := n/64%uint(len(f)), uint64(1)<<(n%64)
	maybe = f[word]&bit != 0
	f[word] |= bit
	return maybe
}

// repeats reports whether a key stands there twice.
func repeats(dst []byte, members []member) bool {
	if len(members) > few {
		seen := make(map[string]struct{}, len(members))
		for _, m := range members {
			seen[string(m.name(dst))] = struct{}{}
		}
		return len(seen) < len(members)
	}
	for i, m := range members {
		for _, other := range members[:i] {
			if other.colon-other.key == m.colon-m.key && bytes.Equal(other.name(dst), m.name(dst)) {
				return true
			}
		}
	}
	return false
}

// firstRepeated returns the first key that stands there again, decoded. Call it
// only when [repeats] is true.
func firstRepeated(dst []byte, members []member) []byte {
	seen := make(map[string]struct{}, len(members))
	for _, m := range members {
		if _, twice := seen[string(m.name(dst))]; twice {
			return append([]byte{}, unquote(dst[m.key:m.colon])...)
		}
		seen[string(m.name(dst))] = struct{}{}
	}
	return nil
}

// order rewrites an object's members, which begin at start, as ECMAScript orders
// own properties (ECMA-262, OrdinaryOwnPropertyKeys): array indices ascending,
// then the other keys by first appearance; of a key given twice the last value
// stays. It returns the members that are left, in their new places.
func order(dst []byte, start int, members []member) ([]byte, []member) {
	type property struct {
		member
		index uint64 // where it belongs; of the other keys, behind all indices
	}
	place := make(map[string]int, len(members))
	kept := make([]property, 0, len(members))
	for _, m := range members {
		name := m.name(dst)
		if i, twice := place[string(name)]; twice {
			kept[i].member = m
			continue
		}
		place[string(name)] = len(kept)
		index := uint64(1 << 32)
		if isIndex(name) {
			index, _ = strconv.ParseUint(string(name), 10, 32)
		}
		kept = append(kept, property{m, index})
	}
	slices.SortStableFunc(kept, func(a, b property) int { return cmp.Compare(a.index, b.index) })
	old := bytes.Clone(dst[start:])
	dst = dst[:start]
	for i, m := range kept {
		if i > 0 {
			dst = append(dst, ',')
		}
		moved := len(dst) - m.key
		dst = append(dst, old[m.key-start:m.end-start]...)
		m.key, m.colon, m.end = m.key+moved, m.colon+moved, m.end+moved
		members[i] = m.member
	}
	return dst, members[:len(kept)]
}

// isIndex reports whether a key is an array index: the canonical decimal form
// of an integer from 0 to 2³²−2 (ECMA-262, 6.1.7).
func isIndex(key []byte) bool {
	if len(key) == 0 || len(key) > 10 || key[0] > '9' || key[0] == '0' && len(key) > 1 {
		return false
	}
	for _, c := range key {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(key) < 10 || string(key) <= "4294967294"
}
