package deliver

import (
	"runtime/debug"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// Panic is a panic while a delivery was handled: a bug of ours, or a row that
// nobody thought of. What and Stack show no value that could be a body or a
// secret.
type Panic struct {
	What  string // see [secret.Panic]
	Stack string
}

// unsendable is a delivery that can't be handled, now or later. It ends dead at
// once, with the reason; a person can retry it when the cause is mended. Trying
// it again by itself would stop at the same place for ever, restarts included.
type unsendable struct {
	why   string
	panic *Panic
}

func (u *unsendable) Error() string { return u.why }

// panicked is the panic behind it; nil when there is none.
func (u *unsendable) panicked() *Panic {
	if u == nil {
		return nil
	}
	return u.panic
}

// panicked turns what was recovered into an error.
func panicked(value any) *unsendable {
	what := secret.Panic(value)
	return &unsendable{"handling it panicked in sealpost (" + what + "); please report it", &Panic{what, string(debug.Stack())}}
}

// Quarantined begins the reason of a delivery that could not be handled.
const Quarantined = "quarantined: "

func (u *unsendable) outcome(work *webhook.Work, now time.Time) *webhook.Outcome {
	return &webhook.Outcome{
		Work: work, State: webhook.Dead, Reason: Quarantined + u.why,
		Attempt: webhook.Attempt{N: work.Attempts + 1, At: now, Error: "internal: " + u.why},
	}
}

// tell tells of an attempt.
func (e *Engine) tell(o Observation) {
	if o.Receiver == nil {
		o.Receiver = &webhook.Receiver{}
	}
	e.observe(func() { e.opts.Observe(o) }, o.Work)
}

// observe calls whoever listens. They can't keep an outcome from being recorded.
func (e *Engine) observe(call func(), work *webhook.Work) {
	defer func() {
		if value := recover(); value != nil {
			p := panicked(value).panic
			e.opts.Log.Error("telling of an attempt panicked", "delivery", work.Key.String(), "panic", p.What, "stack", p.Stack)
		}
	}()
	call()
}
