package deliver

import (
	"testing"
	"time"

	"sealpost/internal/webhook"
)

func TestDecide(t *testing.T) {
	policy := webhook.RetryPolicy{Retries: 3, Base: time.Second, Factor: 2, Cap: 3 * time.Second, Jitter: 0.1}
	now := time.Date(2026, 1, 5, 10, 20, 30, 0, time.UTC)
	for _, test := range []struct {
		name       string
		attempts   int
		spent      int
		status     int
		retryAfter time.Duration
		rnd        float64
		state      webhook.DeliveryState
		wait       time.Duration
		disable    bool
	}{
		{name: "2xx is delivered", status: 204, state: webhook.Delivered},
		{name: "299 is delivered", status: 299, state: webhook.Delivered},
		{name: "first failure", status: 500, state: webhook.Pending, wait: time.Second},
		{name: "second failure", attempts: 1, status: 500, state: webhook.Pending, wait: 2 * time.Second},
		{name: "capped", attempts: 2, status: 500, state: webhook.Pending, wait: 3 * time.Second},
		{name: "used up", attempts: 3, status: 500, state: webhook.Dead},
		{name: "retried by hand", attempts: 4, spent: 4, status: 500, state: webhook.Pending, wait: time.Second},
		{name: "no answer", status: 0, state: webhook.Pending, wait: time.Second},
		{name: "redirect", status: 302, state: webhook.Pending, wait: time.Second},
		{name: "unauthorized", status: 401, state: webhook.Pending, wait: time.Second},
		{name: "jitter adds", status: 500, rnd: 0.5, state: webhook.Pending, wait: 1050 * time.Millisecond},
		{name: "retry-after is a floor", status: 429, retryAfter: time.Minute, state: webhook.Pending, wait: time.Minute},
		{name: "retry-after never shortens", attempts: 2, status: 503, retryAfter: time.Second, state: webhook.Pending, wait: 3 * time.Second},
		{name: "retry-after is bounded", status: 503, retryAfter: 1000 * time.Hour, state: webhook.Pending, wait: 24 * time.Hour},
		{name: "retry-after counts on 429 and 503 only", status: 500, retryAfter: time.Minute, state: webhook.Pending, wait: time.Second},
		{name: "gone disables", status: 410, state: webhook.Pending, wait: time.Second, disable: true},
		{name: "gone at the end", attempts: 3, status: 410, state: webhook.Dead, disable: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			work := &webhook.Work{Attempts: test.attempts, Spent: test.spent}
			answer := Answer{Attempt: webhook.Attempt{Status: test.status, Error: "timeout: x"}, RetryAfter: test.retryAfter}
			got := Decide(policy, work, answer, now, test.rnd)
			if got.State != test.state {
				t.Errorf("state %s, not %s", got.State, test.state)
			}
			if test.state == webhook.Pending && got.Due.Sub(now) != test.wait {
				t.Errorf("wait %s, not %s", got.Due.Sub(now), test.wait)
			}
			if (got.Disable != "") != test.disable {
				t.Errorf("disable %q", got.Disable)
			}
			if (got.Reason != "") != (test.state == webhook.Dead) {
				t.Errorf("reason %q", got.Reason)
			}
		})
	}
}

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 5, 10, 20, 30, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"120":                           2 * time.Minute,
		" 120 ":                         2 * time.Minute,
		"86400":                         24 * time.Hour,
		"86401":                         24 * time.Hour,
		"99999999999999999999999":       24 * time.Hour,
		"-1":                            0,
		"1.5":                           0,
		"soon":                          0,
		"Mon, 05 Jan 2026 10:21:30 GMT": time.Minute,
		"Mon, 05 Jan 2026 10:19:30 GMT": 0,
		"Mon, 05 Jan 2099 10:19:30 GMT": 24 * time.Hour,
	} {
		if got := ParseRetryAfter(value, now); got != want {
			t.Errorf("%q is %s, not %s", value, got, want)
		}
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "120", "-1", "99999999999999999999", "Mon, 05 Jan 2026 10:21:30 GMT", "1e9", "\x00"} {
		f.Add(seed)
	}
	now := time.Date(2026, 1, 5, 10, 20, 30, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		if got := ParseRetryAfter(value, now); got < 0 || got > webhook.MaxRetryAfter {
			t.Errorf("%q is %s", value, got)
		}
	})
}
