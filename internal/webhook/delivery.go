package webhook

import (
	"strconv"
	"strings"
	"time"
)

// DeliveryState is where a delivery stands.
//
//	pending ──2xx──────────────▶ delivered
//	   │  └──attempts used up──▶ dead ──retry──▶ pending
//	   ├──webhook disabled─────▶ parked ──enabled──▶ pending
//	   └──cancelled, webhook deleted──▶ cancelled ──retry──▶ pending
type DeliveryState string

// The states of a delivery.
const (
	Pending   DeliveryState = "pending"
	Delivered DeliveryState = "delivered"
	Dead      DeliveryState = "dead"
	Parked    DeliveryState = "parked"
	Cancelled DeliveryState = "cancelled"
)

// DeliveryStates lists all states, in the order in which people meet them.
var DeliveryStates = []DeliveryState{Pending, Delivered, Dead, Parked, Cancelled}

// Final reports whether the state changes no more by itself.
func (s DeliveryState) Final() bool { return s == Delivered || s == Dead || s == Cancelled }

// DeliveryKey identifies one delivery: an event (by its number in order of
// acceptance), the webhook's own number, and the run: 0 for the delivery made
// when the event was accepted, and one more for each time it is sent again.
type DeliveryKey struct {
	Webhook int64
	Event   int64
	Run     int64
}

const deliveryPrefix = "dlv_"

// String returns the id that older versions gave out: dlv_EVENT_WEBHOOK, or
// dlv_EVENT_WEBHOOK_RUN for a resend, the numbers in base 36. It tells how many
// events the whole file has, so it stays on the machine: public ids are encrypted.
func (k DeliveryKey) String() string {
	id := deliveryPrefix + strconv.FormatInt(k.Event, 36) + "_" + strconv.FormatInt(k.Webhook, 36)
	if k.Run > 0 {
		id += "_" + strconv.FormatInt(k.Run, 36)
	}
	return id
}

// ParseDeliveryKey reads a delivery id that an older version gave out. The error is an [Error] with
// [CodeNotFound]: an id that no delivery can have names none.
func ParseDeliveryKey(id string) (DeliveryKey, error) {
	fault := NoDelivery(id)
	rest, found := strings.CutPrefix(id, deliveryPrefix)
	if !found {
		return DeliveryKey{}, fault
	}
	parts := strings.Split(rest, "_")
	if len(parts) < 2 || len(parts) > 3 {
		return DeliveryKey{}, fault
	}
	var numbers [3]int64
	for i, part := range parts {
		n, err := strconv.ParseInt(part, 36, 64)
		if err != nil || n < 0 {
			return DeliveryKey{}, fault
		}
		numbers[i] = n
	}
	key := DeliveryKey{Event: numbers[0], Webhook: numbers[1], Run: numbers[2]}
	if key.String() != id {
		return DeliveryKey{}, fault
	}
	return key, nil
}

// NoDelivery is the error of an id that no delivery of the organization has.
func NoDelivery(id string) *Error {
	return Errorf(CodeNotFound, "no delivery "+quote(id)).Advise()
}

// Delivery is one event on its way to one webhook, as people see it.
type Delivery struct {
	ID       string      // public and opaque
	Key      DeliveryKey // zero when a server told of the delivery
	EventID  string
	Type     string
	Webhook  string // the webhook's name
	URL      string // where the next attempt goes, or the last one went
	State    DeliveryState
	Reason   string     // why it is dead, parked or cancelled
	Created  time.Time  // when the delivery came to be
	Due      time.Time  // next attempt; zero when none is planned or it is due now
	Floor    RetryAfter // of a pending one: until when its webhook's receiver wants no attempt
	Attempts []Attempt  // oldest first; empty in lists unless asked for
	Count    int        // attempts made so far
}

// Attempt is one HTTP request of a delivery and what came of it.
type Attempt struct {
	N        int           // from 1
	At       time.Time     // when it began
	Duration time.Duration // until its outcome was known
	Status   int           // HTTP status; 0 when there was no answer
	Error    string        // code and text when there was no usable answer
	Response []byte        // the answer's body, at most 64 KiB
	Cut      bool          // the body went on beyond what was kept
	URL      string        // where it went
}

// OK reports whether the receiver took the event: any 2xx.
func (a Attempt) OK() bool { return a.Status >= 200 && a.Status <= 299 }
