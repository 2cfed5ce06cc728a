package webhook

import (
	"math"
	"time"
)

// RetryPolicy is the timetable of a delivery's attempts. The durable schedule
// in the database and the retries of a foreground delivery both read it, so
// the two never disagree.
type RetryPolicy struct {
	Retries int           // attempts after the first one
	Base    time.Duration // wait before retry 0
	Factor  float64       // each wait is the one before times this
	Cap     time.Duration // no wait is longer
	Jitter  float64       // share of a wait that may be added, 0 to 0.1
}

// MaxRetryAfter bounds what a receiver can ask for by Retry-After.
const MaxRetryAfter = 24 * time.Hour

// DefaultRetry is the profile "default": 20 retries over about 2¼ days.
func DefaultRetry() RetryPolicy {
	return RetryPolicy{Retries: 20, Base: 500 * time.Millisecond, Factor: 2, Cap: 12 * time.Hour, Jitter: 0.1}
}

// SandboxRetry is the profile "sandbox": 3 retries.
func SandboxRetry() RetryPolicy {
	policy := DefaultRetry()
	policy.Retries = 3
	return policy
}

// Delay returns the wait before retry n, counted from 0, without jitter:
// Base × Factorⁿ, at most Cap.
func (p RetryPolicy) Delay(n int) time.Duration {
	wait := float64(p.Base) * math.Pow(p.Factor, float64(n))
	if wait >= float64(p.Cap) || math.IsNaN(wait) {
		return p.Cap
	}
	return time.Duration(wait)
}

// Wait returns the wait before retry n with jitter. rnd is in [0, 1); jitter
// only ever adds, so no attempt comes earlier than the timetable says.
func (p RetryPolicy) Wait(n int, rnd float64) time.Duration {
	wait := p.Delay(n)
	return wait + time.Duration(float64(wait)*p.Jitter*rnd)
}

// Timetable returns when each attempt happens, without jitter, when the first
// one starts at start and all fail at once.
func (p RetryPolicy) Timetable(start time.Time) []time.Time {
	table := make([]time.Time, 0, p.Retries+1)
	at := start
	table = append(table, at)
	for n := range p.Retries {
		at = at.Add(p.Delay(n))
		table = append(table, at)
	}
	return table
}
