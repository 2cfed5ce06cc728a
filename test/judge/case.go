package judge

import (
	"fmt"
	"time"
)

// Rule names a promise.
type Rule string

// The promises.
const (
	Lost      Rule = "lost"      // an acknowledged event was received with 2xx, is pending, or is dead with its full count of attempts; nobody but people puts it away
	Body      Rule = "body"      // one id has one body: what was sent, what is on file and what is received
	Invented  Rule = "invented"  // nothing is received that was never sent, or by a webhook that it was not for
	Excess    Rule = "excess"    // no more attempts than the policy has, but for one a crash, and each of them on record, but for those
	Repeated  Rule = "repeated"  // nothing after a success that was recorded; after one that was not, one repeat a crash
	Early     Rule = "early"     // no attempt before its time, be it the schedule's or the one on file when the sender ended
	Signature Rule = "signature" // every signature is valid, and none is made with a secret that was dropped
	Integrity Rule = "integrity" // the database is whole
	Leaked    Rule = "leaked"    // no secret in any log
	Misplaced Rule = "misplaced" // nothing comes to a URL while it is not to be called: left, deleted, disabled
)

// Sent is one event as its client knows it.
type Sent struct {
	ID           string
	Acknowledged bool     // the client was told that it is stored
	Body         []byte   // the event's own; nil when nobody compares it
	To           []string // webhooks that want it for certain
}

// Request is one attempt as its receiver saw it.
type Request struct {
	Webhook   string // name
	URL       string
	At        time.Time
	Status    int // what was answered; 0 when nothing was
	ID        string
	Signature string // the three headers that prove who sent it
	Timestamp string
	Standard  string
	Body      []byte
}

// Policy is what the sender was told about retries.
type Policy struct {
	Attempts int // of one delivery, the first one included
	Base     time.Duration
	Factor   float64
	MaxDelay time.Duration
}

// wait is how long retry n (from 0) has to wait at least.
func (p Policy) wait(n int) time.Duration {
	wait := float64(p.Base)
	for range n {
		wait *= p.Factor
	}
	return min(time.Duration(wait), p.MaxDelay)
}

// Key names a delivery.
type Key struct{ Webhook, ID string }

// Span is a time from one moment to another, for good when the latter is zero.
type Span struct{ From, To time.Time }

func (s Span) meets(from, to time.Time) bool {
	return s.From.Before(to) && (s.To.IsZero() || s.To.After(from))
}

// Secret is one of a webhook's, with the end of its time; zero when it is
// still the webhook's own.
type Secret struct {
	Value string
	Ends  time.Time
}

// Plan is a retry that was on file while no sender ran.
type Plan struct {
	Key
	At  time.Time // when that was seen
	Due time.Time // when the retry was to be made
}

// Case is what the witnesses say.
type Case struct {
	Sent     []Sent
	Received []Request
	File     *File
	Policy   Policy
	Secrets  map[string][]Secret // all that a webhook had, by its name
	Closed   map[string][]Span   // URLs, and when none of them may be called
	Crashes  []time.Time         // ends of the sender that were not in order
	Frozen   []Span              // times in which the sender stood still: what was answered then may have come too late for it
	Ended    map[Key]time.Time   // deliveries that were on file as ended by then
	Planned  []Plan
	PutAway  map[string]bool // webhooks that somebody disabled or deleted for good: what is left of theirs may be parked or cancelled
	Others   map[string]bool // webhooks that nobody witnesses: deliveries to them are not judged
	Tokens   []string        // that let in whoever has them
	Logs     [][]byte
}

// Violation is a promise that was broken.
type Violation struct {
	Rule   Rule
	Detail string
}

func (v Violation) String() string { return string(v.Rule) + ": " + v.Detail }

// tolerance is what clocks and schedulers may blur.
const tolerance = 5 * time.Millisecond

// crashed reports whether the sender crashed between two times.
func (c Case) crashed(from, to time.Time) bool {
	for _, at := range c.Crashes {
		if at.After(from) && at.Before(to) {
			return true
		}
	}
	return false
}

// froze reports whether the sender stood still at some time between two.
func (c Case) froze(from, to time.Time) bool {
	for _, s := range c.Frozen {
		if s.meets(from, to) {
			return true
		}
	}
	return false
}

func (k Key) String() string { return fmt.Sprintf("%s to %s", k.ID, k.Webhook) }
