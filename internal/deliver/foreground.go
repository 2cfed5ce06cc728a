package deliver

import (
	"context"
	"errors"
	"time"

	"github.com/avast/retry-go/v4"

	"sealpost/internal/webhook"
)

// Foreground delivers one piece of work while somebody waits for it, as
// `publish --direct` does: the same attempt and the same decision as the
// engine's, with the waits in between kept in memory.
type Foreground struct {
	Client    Doer
	Policy    webhook.RetryPolicy
	Timeout   time.Duration // of one attempt
	UserAgent string
	Now       func() time.Time
	// Receiver is asked before each attempt where it goes, for that may change; nil
	// ends the delivery as it is, for somebody has.
	Receiver func(context.Context) (*webhook.Receiver, error)
	// Record is called after each attempt with its outcome; an error ends the
	// delivery. Nil records nothing.
	Record func(*webhook.Outcome) error
}

// errPending asks for another attempt.
var errPending = errors.New("not delivered yet")

// Deliver makes attempts until the work is delivered or dead, its receiver is no
// more, or ctx ends.
// It returns the outcome of the last attempt, nil when there was none, and an
// error when ctx ended first or an outcome could not be recorded. A panic on the
// way is an error with [webhook.CodeInternal].
func (f Foreground) Deliver(ctx context.Context, work *webhook.Work) (last *webhook.Outcome, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = webhook.Errorf(webhook.CodeInternal, panicked(value).why)
		}
	}()
	opts := Options{Policy: f.Policy, Timeout: f.Timeout, UserAgent: f.UserAgent, Now: f.Now}.withDefaults()
	e := &Engine{client: f.Client, opts: opts, life: ctx}
	err = retry.Do(func() error {
		receiver, err := f.Receiver(ctx)
		if err != nil {
			return retry.Unrecoverable(err)
		}
		if receiver == nil {
			return nil
		}
		to := &target{text: receiver.URLFor(work.Type)}
		to.url, to.err = webhook.ParseURL(to.text)
		signer, _ := newSigner(receiver.Secrets, opts.Now())
		answer, cut := e.post(work, to, signer)
		if cut || (ctx.Err() != nil && answer.Status == 0) {
			return retry.Unrecoverable(context.Cause(ctx))
		}
		outcome := Decide(opts.Policy, work, answer, opts.Now(), random())
		last = &outcome
		if f.Record != nil {
			if err := f.Record(last); err != nil {
				return retry.Unrecoverable(err)
			}
		}
		if outcome.State != webhook.Pending {
			return nil
		}
		work.Attempts++
		work.Claim++
		return errPending
	}, retry.Context(ctx), retry.Attempts(0), retry.LastErrorOnly(true),
		retry.DelayType(func(uint, error, *retry.Config) time.Duration { return last.Due.Sub(opts.Now()) }))
	if errors.Is(err, errPending) && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return last, err
}
