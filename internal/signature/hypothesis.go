package signature

import (
	"bytes"
	"slices"
)

// fault is one thing that differs from how a value should be made. what
// completes "the value is exactly what comes out …"; fix is the line that mends
// it, "" is the one of its code.
type fault struct{ code, what, fix string }

// trial is one way to make a value.
type trial struct {
	key     []byte
	content contentForm
	body    []byte
	digest  digestForm
}

// plain reports whether the trial takes the body as it is given.
func (t *trial) plain(body []byte) bool { return bytes.Equal(t.body, body) }

// axis is what a variation varies; two of the same don't go together.
type axis uint8

const (
	axisDigest axis = iota
	axisContent
	axisKey
	axisBody
)

// variation is one fault put into a trial.
type variation struct {
	axis   axis
	alone  bool // counts as two already, or is one of too many: not combined
	apply  func(*trial)
	faults func() []fault
}

// space is everything that is varied for one set of targets.
type space struct {
	scheme  Scheme
	targets []target
	right   []keyForm
	content contentForm
	body    []byte
	anchor  *trial      // how another scheme's value came out; nil when that is not known
	cheap   []variation // contents, digests and keys, the likeliest first
	forms   *bodyForms  // of the body; nil when it isn't varied
	late    []variation // many and unlikely: tried at last
}

// newSpace lays out the hypotheses, the likeliest of each kind first.
func newSpace(c *carried, ids []string, forms *bodyForms, secrets []Candidate) *space {
	right, keys := keyForms(secrets)
	content, contents := contentForms(c, ids, forms.tree())
	s := &space{scheme: c.scheme, right: right, content: content, body: forms.body, forms: forms}
	add := func(list *[]variation, a axis, alone bool, f fault, apply func(*trial)) {
		*list = append(*list, variation{a, alone, apply, func() []fault { return []fault{f} }})
	}
	for _, c := range contents {
		add(&s.cheap, axisContent, false, c.fault, func(t *trial) { t.content = c })
	}
	for _, k := range keys {
		if !k.nested {
			add(&s.cheap, axisKey, false, k.fault, func(t *trial) { t.key = k.key })
		}
	}
	for _, d := range wrongDigests {
		add(&s.cheap, axisDigest, false, d.fault, func(t *trial) { t.digest = d })
	}
	for _, k := range keys {
		if k.nested {
			add(&s.late, axisKey, true, k.fault, func(t *trial) { t.key = k.key })
		}
	}
	if c.scheme.standardLike() || c.scheme == SchemeStripe {
		for _, m := range milliseconds(c) {
			add(&s.late, axisContent, true, m.fault, func(t *trial) { t.content = m })
		}
	}
	return s
}

// unchanged is the trial as it should be.
var unchanged = variation{apply: func(*trial) {}, faults: func() []fault { return nil }}

// search looks for the trial that gives a target: no fault, one, two. It returns
// the faults, none for the right value, and the trial that hit.
func (s *space) search(b *budget) (faults []fault, hit *trial) {
	if len(s.targets) == 0 {
		return nil, nil
	}
	bases := s.bases()
	if faults, hit = s.alone(b, bases, []variation{unchanged}); hit != nil {
		return faults, hit
	}
	if faults, hit = s.alone(b, bases, s.cheap); hit != nil {
		return faults, hit
	}
	if faults, hit = s.bodies(b, bases); hit != nil {
		return faults, hit
	}
	if faults, hit = s.permutations(b, bases); hit != nil {
		return faults, hit
	}
	if faults, hit = s.alone(b, bases, s.late); hit != nil {
		return faults, hit
	}
	return s.pairs(b, bases)
}

// bases are the trials without a fault, one for each accepted secret; without
// one, a trial that needs a key put in. What is known of another scheme comes first.
func (s *space) bases() []trial {
	var bases []trial
	if s.anchor != nil {
		bases = append(bases, trial{s.anchor.key, s.content, s.anchor.body, rightDigest})
	}
	for _, k := range s.right {
		if s.anchor == nil || !bytes.Equal(k.key, s.anchor.key) || !s.anchor.plain(s.body) {
			bases = append(bases, trial{k.key, s.content, s.body, rightDigest})
		}
	}
	if len(bases) == 0 {
		return []trial{{nil, s.content, s.body, rightDigest}}
	}
	return bases
}

// alone tries variations one at a time.
func (s *space) alone(b *budget, bases []trial, list []variation) ([]fault, *trial) {
	for _, base := range bases {
		for _, v := range list {
			if faults, hit := s.vary(b, base, v); hit != nil || b.spent() {
				return faults, hit
			}
		}
	}
	return nil, nil
}

// bodies tries the forms of the body, one at a time, as they are made.
func (s *space) bodies(b *budget, bases []trial) (faults []fault, hit *trial) {
	if s.forms == nil {
		return nil, nil
	}
	s.forms.each(func(f bodyForm) bool {
		faults, hit = s.alone(b, bases, []variation{f.variation()})
		return hit == nil && !b.spent()
	})
	return faults, hit
}

// permutations tries the forms of the body that are many.
func (s *space) permutations(b *budget, bases []trial) (faults []fault, hit *trial) {
	if s.forms == nil {
		return nil, nil
	}
	s.forms.late(func(f bodyForm) bool {
		faults, hit = s.alone(b, bases[:1], []variation{f.variation()})
		return hit == nil && !b.spent()
	})
	return faults, hit
}

func (f bodyForm) variation() variation {
	return variation{axisBody, !f.likely, func(t *trial) { t.body = f.data }, f.faults}
}

// How many of each axis are tried together with others: the likeliest.
var paired = [axisBody + 1]int{axisDigest: 8, axisContent: 32, axisKey: 72, axisBody: 40}

// pairs tries two variations of different axes at once, those first of which both
// are likely: by the sum of their places.
func (s *space) pairs(b *budget, bases []trial) ([]fault, *trial) {
	var of [axisBody + 1][]variation
	keep := func(v variation) {
		if !v.alone && len(of[v.axis]) < paired[v.axis] {
			of[v.axis] = append(of[v.axis], v)
		}
	}
	for _, v := range s.cheap {
		keep(v)
	}
	if s.forms != nil {
		for _, f := range s.forms.made {
			keep(f.variation())
		}
	}
	longest := 0
	for _, list := range of {
		longest = max(longest, len(list))
	}
	combined := [][2]axis{{axisKey, axisBody}, {axisContent, axisKey}, {axisContent, axisBody}, {axisDigest, axisKey}, {axisDigest, axisContent}, {axisDigest, axisBody}}
	for sum := range 2 * longest {
		for _, pair := range combined {
			first, second := of[pair[0]], of[pair[1]]
			for i := max(0, sum-len(second)+1); i < len(first) && i <= sum; i++ {
				for _, base := range bases {
					if faults, hit := s.vary(b, base, first[i], second[sum-i]); hit != nil || b.spent() {
						return faults, hit
					}
				}
			}
		}
	}
	return nil, nil
}

// vary tries a base with variations applied.
func (s *space) vary(b *budget, base trial, variations ...variation) ([]fault, *trial) {
	for _, v := range variations {
		v.apply(&base)
	}
	t := s.try(b, base)
	if t == nil {
		return nil, nil
	}
	var faults []fault
	for _, v := range variations {
		faults = append(faults, v.faults()...)
	}
	return slices.Concat(faults, t.faults), &base
}

// try recomputes one value and compares it with the targets.
func (s *space) try(b *budget, t trial) *target {
	wanted := false
	for i := range s.targets {
		wanted = wanted || s.targets[i].size() == t.digest.size
	}
	if t.key == nil || !wanted {
		return nil
	}
	body := t.body
	switch {
	case t.content.bodiless:
		body = nil
	case t.content.hashed:
		body = toHex(plainSum(body))
	}
	if !b.spend(len(t.body) + len(t.content.before) + len(t.content.after)) {
		return nil
	}
	sum := t.digest.sum(t.key, []byte(t.content.before), body, []byte(t.content.after))
	for i := range s.targets {
		if s.targets[i].size() == len(sum) && s.targets[i].matches(sum) {
			return &s.targets[i]
		}
	}
	return nil
}
