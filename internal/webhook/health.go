package webhook

import "time"

// Health is how a webhook has fared since its last success. Its counts stop where
// they decide nothing any more, so that a receiver which fails for days does not
// cost a write an attempt.
type Health struct {
	Since    time.Time // the first failure; zero when there was none
	Failures int       // attempts that failed, up to [DisableFailures]
	Hours    int       // clock hours (UTC) in which one failed, up to [DisableHours]
	Hour     int64     // the last of those that was counted, in hours since 1970
}

// A webhook is disabled for nothing but failures after so many of them, in so
// many clock hours, besides the time since the first one.
const (
	DisableFailures = 5
	DisableHours    = 3
)

// Failed returns the health after one more failure.
func (h Health) Failed(at time.Time) Health {
	if h.Since.IsZero() {
		h = Health{Since: at.Round(0).UTC().Truncate(time.Millisecond)}
	}
	h.Failures = min(h.Failures+1, DisableFailures)
	if hour := at.Unix() / 3600; h.Hours == 0 || h.Hours < DisableHours && hour > h.Hour {
		h.Hours, h.Hour = h.Hours+1, hour
	}
	return h
}

// Hopeless reports whether the webhook is to be disabled, as a delivery has died
// at a time: the first failure since the last success is at least after ago.
func (h Health) Hopeless(at time.Time, after time.Duration) bool {
	return !h.Since.IsZero() && at.Sub(h.Since) >= after && h.Failures >= DisableFailures && h.Hours >= DisableHours
}

// RetryAfter is until when a webhook's receiver has asked for no attempt. The zero
// value is that it has not.
type RetryAfter struct{ time.Time }

// In reports whether no attempt may start at a time. A time further ahead than a
// receiver can ask for is that of a clock which was set back.
func (r RetryAfter) In(now time.Time) bool {
	wait := r.Sub(now)
	return !r.IsZero() && wait > 0 && wait <= MaxRetryAfter+time.Second
}
