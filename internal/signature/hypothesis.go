package signature

import (
	"crypto/hmac"
	"time"
)

// fault is one thing that differs from how a value should be made. what
// completes "the value is exactly what comes out …".
type fault struct{ code, what string }

// Bounds on one explanation.
const (
	MaxTrials = 4096        // values recomputed
	MaxSearch = time.Second // of the clock that the inquiry hands in
)

// budget is what is left of the bounds.
type budget struct {
	trials int
	now    func() time.Time
	end    time.Time
	late   bool // the clock has been past the end
}

// going reports whether there is time left. It doesn't ask the clock again once
// there was none.
func (b *budget) going() bool {
	b.late = b.late || !b.now().Before(b.end)
	return !b.late
}

// halve sets half of what is left aside, until the function that it returns is
// called.
func (b *budget) halve() (restore func()) {
	aside, end := b.trials/2, b.end
	b.trials -= aside
	b.end = end.Add(-end.Sub(b.now()) / 2)
	return func() {
		b.trials += aside
		b.end, b.late = end, false
	}
}

// spent reports whether a bound was reached.
func (b *budget) spent() bool { return b.late || b.trials <= 0 }

// spend takes one trial.
func (b *budget) spend() bool {
	if b.trials <= 0 || !b.going() {
		return false
	}
	b.trials--
	return true
}

// trial is one way to make a value.
type trial struct {
	key     []byte
	content contentForm
	body    []byte
	digest  digestForm
}

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
	targets []target
	right   []keyForm
	content contentForm
	body    []byte
	cheap   []variation // digests, contents and keys
	forms   *bodyForms  // of the body; nil when it isn't varied
	late    []variation // many and unlikely: tried at last
}

// newSpace lays out the hypotheses, the likeliest of each kind first.
func newSpace(scheme Scheme, id, at string, forms *bodyForms, secrets []Candidate) *space {
	right, keys := keyForms(secrets)
	content, contents := contentForms(scheme, id, at)
	s := &space{right: right, content: content, body: forms.body, forms: forms}
	add := func(list *[]variation, a axis, alone bool, f fault, apply func(*trial)) {
		*list = append(*list, variation{a, alone, apply, func() []fault { return []fault{f} }})
	}
	for _, d := range wrongDigests {
		add(&s.cheap, axisDigest, false, d.fault, func(t *trial) { t.digest = d })
	}
	for _, c := range contents {
		add(&s.cheap, axisContent, false, c.fault, func(t *trial) { t.content = c })
	}
	for _, k := range keys {
		add(&s.cheap, axisKey, k.nested, k.fault, func(t *trial) { t.key = k.key })
	}
	if scheme == SchemeStandard {
		for _, c := range milliseconds(id, at) {
			add(&s.late, axisContent, true, c.fault, func(t *trial) { t.content = c })
		}
	}
	return s
}

// search looks for the trial that gives a target: no fault, one, two. It
// returns the faults, none for the right value, and whether there was a hit.
func (s *space) search(b *budget) (faults []fault, hit bool) {
	if len(s.targets) == 0 {
		return nil, false
	}
	bases := s.bases()
	if faults, hit = s.alone(b, bases, []variation{{apply: func(*trial) {}, faults: func() []fault { return nil }}}); hit {
		return faults, true
	}
	if faults, hit = s.alone(b, bases, s.cheap); hit {
		return faults, true
	}
	if faults, hit = s.bodies(b, bases); hit {
		return faults, true
	}
	if faults, hit = s.pairs(b, bases); hit {
		return faults, true
	}
	return s.alone(b, bases, s.late)
}

// bases are the trials without a fault, one for each accepted secret; without
// one, a trial that needs a key put in.
func (s *space) bases() []trial {
	if len(s.right) == 0 {
		return []trial{{nil, s.content, s.body, rightDigest}}
	}
	bases := make([]trial, 0, len(s.right))
	for _, k := range s.right {
		bases = append(bases, trial{k.key, s.content, s.body, rightDigest})
	}
	return bases
}

// alone tries variations one at a time.
func (s *space) alone(b *budget, bases []trial, list []variation) ([]fault, bool) {
	for _, base := range bases {
		for _, v := range list {
			if faults, hit := s.vary(b, base, v); hit || b.spent() {
				return faults, hit
			}
		}
	}
	return nil, false
}

// bodies tries the forms of the body, one at a time, as they are made.
func (s *space) bodies(b *budget, bases []trial) (faults []fault, hit bool) {
	if s.forms == nil {
		return nil, false
	}
	s.forms.each(func(f bodyForm) bool {
		faults, hit = s.alone(b, bases, []variation{f.variation()})
		return !hit && !b.spent()
	})
	return faults, hit
}

func (f bodyForm) variation() variation {
	return variation{axisBody, f.twice, func(t *trial) { t.body = f.data }, func() []fault { return []fault{f.fault()} }}
}

// pairs tries two variations of different axes at once; few and likely ones,
// which have the lower axes, first.
func (s *space) pairs(b *budget, bases []trial) ([]fault, bool) {
	var of [axisBody + 1][]variation
	keep := func(v variation) {
		if !v.alone {
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
	for _, pair := range [][2]axis{{axisDigest, axisContent}, {axisDigest, axisKey}, {axisContent, axisKey}, {axisDigest, axisBody}, {axisContent, axisBody}, {axisKey, axisBody}} {
		for _, base := range bases {
			for _, first := range of[pair[0]] {
				for _, second := range of[pair[1]] {
					if faults, hit := s.vary(b, base, first, second); hit || b.spent() {
						return faults, hit
					}
				}
			}
		}
	}
	return nil, false
}

// vary tries a base with variations applied.
func (s *space) vary(b *budget, base trial, variations ...variation) ([]fault, bool) {
	for _, v := range variations {
		v.apply(&base)
	}
	t := s.try(b, base)
	if t == nil {
		return nil, false
	}
	var faults []fault
	for _, v := range variations {
		faults = append(faults, v.faults()...)
	}
	return append(faults, t.faults...), true
}

// try recomputes one value and compares it with the targets, whole sums only.
func (s *space) try(b *budget, t trial) *target {
	wanted := false
	for i := range s.targets {
		wanted = wanted || len(s.targets[i].sum) == t.digest.size
	}
	if t.key == nil || !wanted || !b.spend() {
		return nil
	}
	body := t.body
	if t.content.bodiless {
		body = nil
	}
	sum := t.digest.sum(t.key, []byte(t.content.before), body, []byte(t.content.after))
	for i := range s.targets {
		if hmac.Equal(sum, s.targets[i].sum) {
			return &s.targets[i]
		}
	}
	return nil
}
