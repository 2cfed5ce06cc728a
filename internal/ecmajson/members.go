package ecmajson

// Members calls visit for each member of the one JSON object in src, in the
// order of the text and a key given twice as often, with the key decoded (lone
// surrogates as U+FFFD) and the value as it stands in src. The whole text has
// been checked before the first call; if it holds another value than an object,
// the error is [ErrNotObject]. An error of visit ends the walk and is returned.
func Members(src []byte, visit func(key, value []byte) error) error {
	p := parser{src: src, raw: true}
	_, err := p.members(make([]byte, 0, len(src)), visit)
	return err
}

// Doubled returns the first key that one object of the text holds twice, at any
// depth, decoded; found is false when there is none. The error is the one of
// [Append] for a text that is not JSON.
func Doubled(src []byte) (key string, found bool, err error) {
	var doubled []byte
	p := parser{src: src, raw: true, doubled: &doubled}
	if err := p.begin(); err != nil {
		return "", false, err
	}
	if _, err := p.document(make([]byte, 0, len(src))); err != nil {
		return "", false, err
	}
	return string(doubled), doubled != nil, nil
}

// AppendMembers appends the canonical form of the one JSON object in src to dst
// as [Append] does, and then calls visit for each member of what it wrote: in
// that order, every key once, its value canonical and part of the result. Key and
// value stay valid as long as the result is not written over. Errors are those of
// [Members].
func AppendMembers(dst, src []byte, visit func(key, value []byte) error) ([]byte, error) {
	p := parser{src: src}
	out, err := p.members(dst, visit)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// members reads an object and nothing else.
func (p *parser) members(dst []byte, visit func(key, value []byte) error) ([]byte, error) {
	if err := p.begin(); err != nil {
		return nil, err
	}
	if p.peek() != '{' {
		if _, err := p.document(dst); err != nil {
			return nil, err
		}
		return nil, ErrNotObject
	}
	p.visit = visit
	dst, err := p.object(dst)
	if err != nil {
		return nil, err
	}
	return dst, p.end()
}
