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
	// DisableAfter is [Options.DisableAfter].
	DisableAfter time.Duration
	// Waiting is called when the receiver's Retry-After has to be waited for; nil is
	// not called.
	Waiting func(*webhook.Receiver)
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
	opts := Options{Policy: f.Policy, Timeout: f.Timeout, DisableAfter: f.DisableAfter, UserAgent: f.UserAgent, Now: f.Now}.withDefaults()
	sender := opts.sender(f.Client)
	err = retry.Do(func() error {
		receiver, err := f.open(ctx, opts.Now)
		if err != nil {
			return retry.Unrecoverable(err)
		}
		if receiver == nil {
			return nil
		}
		to := newTarget(receiver.URLFor(work.Type))
		signer, _ := newSigner(receiver.Secrets, opts.Now())
		answer, _ := sender.send(ctx, work, to, signer)
		if ctx.Err() != nil && answer.Status == 0 {
			return retry.Unrecoverable(context.Cause(ctx))
		}
		outcome := Decide(opts.Policy, work, answer, opts.Now(), random())
		last = &outcome
		outcome.Recovered = outcome.State == webhook.Delivered && !receiver.Health.Since.IsZero()
		outcome.Failed = outcome.State != webhook.Delivered && counts(outcome.Attempt, false) && receiver.Health.Failed(outcome.Attempt.At) != receiver.Health
		if outcome.State == webhook.Dead {
			outcome.Judge = opts.DisableAfter
		}
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

// open asks where the next attempt goes, and again until the receiver's Retry-After
// is over: a person may end it sooner.
func (f Foreground) open(ctx context.Context, now func() time.Time) (*webhook.Receiver, error) {
	for told := false; ; told = true {
		receiver, err := f.Receiver(ctx)
		if err != nil || receiver == nil || !receiver.RetryAfter.In(now()) {
			return receiver, err
		}
		if !told && f.Waiting != nil {
			f.Waiting(receiver)
		}
		timer := time.NewTimer(min(receiver.RetryAfter.Sub(now()), time.Second))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		}
	}
}
