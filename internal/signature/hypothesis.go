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
}

// going reports whether there is time left.
func (b *budget) going() bool { return b.now().Before(b.end) }

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
	alone  bool // counts as two already
	apply  func(*trial)
	faults func() []fault
}

// space is everything that is varied for one set of targets.
type space struct {
	targets []target
	right   []keyForm
	content contentForm
	body    []byte
	single  []variation
	late    []variation // many and unlikely: tried alone, after the pairs
}

// newSpace lays out the hypotheses, the likeliest of each kind first.
func newSpace(scheme Scheme, id, at string, body, stored []byte, secrets []Candidate, going func() bool) *space {
	right, keys := keyForms(secrets)
	content, contents := contentForms(scheme, id, at)
	s := &space{right: right, content: content, body: body}
	for _, d := range wrongDigests {
		s.add(axisDigest, false, d.fault, func(t *trial) { t.digest = d })
	}
	for _, c := range contents {
		s.add(axisContent, false, c.fault, func(t *trial) { t.content = c })
	}
	for _, k := range keys {
		s.add(axisKey, k.nested, k.fault, func(t *trial) { t.key = k.key })
	}
	for _, b := range bodyForms(body, stored, going) {
		s.single = append(s.single, variation{axisBody, b.twice, func(t *trial) { t.body = b.data }, func() []fault { return []fault{b.fault()} }})
	}
	if scheme == SchemeStandard {
		for _, c := range milliseconds(id, at) {
			s.late = append(s.late, variation{axisContent, true, func(t *trial) { t.content = c }, func() []fault { return []fault{c.fault} }})
		}
	}
	return s
}

func (s *space) add(a axis, alone bool, f fault, apply func(*trial)) {
	s.single = append(s.single, variation{a, alone, apply, func() []fault { return []fault{f} }})
}

// search looks for the trial that gives a target: no fault, one, two. It
// returns the faults, none for the right value, and whether there was a hit.
func (s *space) search(b *budget) (faults []fault, hit bool) {
	if len(s.targets) == 0 {
		return nil, false
	}
	bases := make([]trial, 0, len(s.right)+1)
	for _, k := range s.right {
		bases = append(bases, trial{k.key, s.content, s.body, rightDigest})
	}
	if len(bases) == 0 {
		bases = append(bases, trial{nil, s.content, s.body, rightDigest})
	}
	for _, base := range bases {
		if t := s.try(b, base); t != nil {
			return t.faults, true
		}
	}
	alone := func(list []variation) ([]fault, bool) {
		for _, base := range bases {
			for _, v := range list {
				if faults, hit := s.vary(b, base, v); hit {
					return faults, true
				}
			}
		}
		return nil, false
	}
	if faults, hit := alone(s.single); hit {
		return faults, true
	}
	if faults, hit := s.pairs(b, bases); hit {
		return faults, true
	}
	return alone(s.late)
}

// pairs tries two variations at once, the first axes (few and likely) first.
func (s *space) pairs(b *budget, bases []trial) ([]fault, bool) {
	for sum := axisDigest + axisContent; sum <= axisKey+axisBody; sum++ {
		for _, base := range bases {
			for i, first := range s.single {
				for _, second := range s.single[i+1:] { // in the order of axes
					if first.alone || second.alone || first.axis == second.axis || first.axis+second.axis != sum {
						continue
					}
					if faults, hit := s.vary(b, base, first, second); hit {
						return faults, true
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
