package webhook

import (
	"fmt"
	"time"
)

// Work is a delivery as the engine takes it up: what to send, under which
// claim, and how often it has been tried.
type Work struct {
	Key      DeliveryKey
	Claim    int64 // the outcome counts only while this is still the delivery's claim
	EventID  string
	Type     string
	Subject  string // transaction id; first attempts of one go in order
	Accepted time.Time
	Attempts int // made so far
	Spent    int // of those, how many came before the last retry by hand
	Due      time.Time
	Place    any    // the engine's own: the place at its host that it takes while it is under way
	Doubtful bool   // the engine's own: that place was taken by a lane that had not proven itself
	Revision int64  // the engine's own: up to which change Claim has been checked
	Bytes    []byte // nil when they are large: read them by event number when they are needed
}

// First reports whether the next attempt is the delivery's first one.
func (w *Work) First() bool { return w.Attempts == 0 && w.Key.Run == 0 }

// Outcome is what came of one attempt and what follows from it, as it is
// recorded.
type Outcome struct {
	Work      *Work
	Attempt   Attempt
	State     DeliveryState // Pending, Delivered or Dead
	Due       time.Time     // next attempt, when pending
	Reason    string        // why it is dead
	Disable   string        // why the webhook is to be disabled; empty to leave it
	Recovered bool          // the webhook's run of failures is over
	Failed    bool          // the attempt counts as a failure of the webhook's, see [Health]
	Judge     time.Duration // it is dead: the webhook is disabled if it has failed for so long; 0 when that is not to be judged

	RetryAfter RetryAfter // until when the receiver wants no attempt; zero when it did not say, or said so before
	Lifted     bool       // the receiver no more asks for a pause

	Disabled string // set by the store: why the webhook was disabled together with this outcome; empty when it was not
}

// Check reports an outcome that can't be recorded: its state is none in which an
// attempt can end, or it is pending and has no time for its next attempt. Only a
// bug makes one. The error has [CodeInternal].
func (o *Outcome) Check() error {
	switch {
	case o.State == Delivered || o.State == Dead:
		return nil
	case o.State != Pending:
		return Errorf(CodeInternal, fmt.Sprintf("an attempt of delivery %s can't end in the state %q", o.Work.Key, o.State))
	case o.Due.UnixMilli() <= 0:
		return Errorf(CodeInternal, fmt.Sprintf("delivery %s is pending without a time for its next attempt", o.Work.Key))
	}
	return nil
}

// Shown is the state that people see the delivery in afterwards: what waits for
// a webhook that the attempt has disabled is parked.
func (o *Outcome) Shown() DeliveryState {
	if o.State == Pending && o.Disable != "" {
		return Parked
	}
	return o.State
}

// Committed is what one commit of this process brought for the engine.
type Committed struct {
	First, Last int64   // numbers of the events it added; zero when none
	Work        []*Work // their deliveries, in order
	Due         []int64 // webhooks that have other new work: retried, resent, released
	Lifted      []int64 // webhooks whose Retry-After a person has ended
	Cancelled   int     // deliveries that a person ended, by themselves or with their webhook
	Changed     bool    // webhooks, secrets or single deliveries may have changed
	Foreign     bool    // another process has written as well
	Watched     bool    // an event began to wait for the receipt of a known transaction
}

// Backlog says of one webhook that deliveries are pending for it.
type Backlog struct {
	Webhook int64
	First   bool      // some have not been tried yet
	NextDue time.Time // the nearest retry; zero when none is planned
}
