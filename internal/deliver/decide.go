package deliver

import (
	"fmt"
	"net/http"
	"time"

	"sealpost/internal/webhook"
)

// Answer is what one request brought.
type Answer struct {
	webhook.Attempt
	RetryAfter time.Duration // what the receiver asked for; 0 when it did not
}

// Decide says what follows from an answer. now is when the answer was known,
// rnd in [0, 1) spreads the next attempt by the policy's jitter.
//
//   - 2xx: delivered.
//   - anything else while retries are left: pending until the policy's wait is
//     over, or until the receiver's Retry-After when that is later (429 and
//     503 only; RFC 9110, section 10.2.3).
//   - anything else after that: dead.
//   - that Retry-After holds for the webhook, whatever becomes of this delivery.
//   - 410 Gone disables the webhook as well, which parks what is pending.
func Decide(policy webhook.RetryPolicy, work *webhook.Work, answer Answer, now time.Time, rnd float64) webhook.Outcome {
	outcome := webhook.Outcome{Work: work, Attempt: answer.Attempt}
	if answer.OK() {
		outcome.State = webhook.Delivered
		return outcome
	}
	if answer.RetryAfter > 0 && (answer.Status == http.StatusTooManyRequests || answer.Status == http.StatusServiceUnavailable) {
		outcome.RetryAfter.Time = upward(now.Add(min(answer.RetryAfter, webhook.MaxRetryAfter)))
	}
	if answer.Status == http.StatusGone {
		outcome.Disable = "the receiver answered 410 Gone"
	}
	retry := work.Attempts - work.Spent // retries come after as many attempts
	if retry >= policy.Retries {
		outcome.State = webhook.Dead
		outcome.Reason = fmt.Sprintf("all %d attempts failed; the last one: %s", retry+1, Describe(answer.Attempt))
		return outcome
	}
	outcome.State = webhook.Pending
	outcome.Due = upward(now.Add(policy.Wait(retry, rnd)))
	if outcome.RetryAfter.After(outcome.Due) {
		outcome.Due = outcome.RetryAfter.Time
	}
	return outcome
}

// upward is a time as it is kept, and never sooner.
func upward(t time.Time) time.Time {
	return t.Add(time.Millisecond - 1).Truncate(time.Millisecond)
}

// Describe says in a few words how an attempt ended.
func Describe(a webhook.Attempt) string {
	switch {
	case a.Status == 0:
		return a.Error
	case redirects(a.Status):
		return fmt.Sprintf("status %d, and redirects are not followed", a.Status)
	default:
		return fmt.Sprintf("status %d", a.Status)
	}
}

// redirects reports whether a status points elsewhere (3xx).
func redirects(status int) bool { return status >= 300 && status <= 399 }
