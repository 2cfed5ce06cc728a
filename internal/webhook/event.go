package webhook

import (
	"sealpost/internal/ecmajson"

	"time"
)

// EventState is where an event stands.
//
//	accepted              its deliveries exist
//	held ──receipt──────▶ accepted
//	  ├──reverted───────▶ reverted     never sent
//	  └──no receipt─────▶ expired ──receipt by hand──▶ accepted or reverted
//	quarantined           its bytes can't be sent; kept for a person to see
type EventState string

// The states of an event.
const (
	Accepted    EventState = "accepted"
	Held        EventState = "held"
	Reverted    EventState = "reverted"
	Expired     EventState = "expired"
	Quarantined EventState = "quarantined"
)

// EventStates lists all states.
var EventStates = []EventState{Accepted, Held, Reverted, Expired, Quarantined}

// Event is something that happened, as it is stored.
type Event struct {
	Seq        int64 // number in order of acceptance, from 1
	ID         string
	Type       string // resource.action
	Subject    string // transaction id; empty when the event belongs to none
	State      EventState
	Accepted   time.Time
	Bytes      []byte // exactly what is signed and sent; nil while held and after pruning
	Deliveries int    // how many it was fanned out to
	Missed     int    // disabled webhooks that missed it past limits.parked, and have not got it since
	Publisher  string // token that published it, when that one sees its own alone
	Pruned     bool
	Hold       *Hold // what a held event waits for; nil for others
}

// Hold is what a held event waits for, and what came of it.
type Hold struct {
	TransactionHash string    // to watch for; empty when only a request can release it
	Until           time.Time // when it expires
	Receipt         *Receipt  // once there is one
	Behind          bool      // waits for an earlier event of the same transaction alone
}

// Publication is one event handed in for one organization.
type Publication struct {
	Organization string
	Draft        *Draft
	To           []string  // names of the only webhooks to send to; nil for all that want it
	At           time.Time // when it was accepted
	HoldUntil    time.Time // for an awaited event: when to give up
	Publisher    string    // token that published it, when that one sees its own alone
	Direct       string    // claim of the process that delivers it itself; empty for the daemon
	AsOf         uint64    // state of access it was admitted under; 0: that was looked up for it. See [ErrOutdated]
	Named        bool      // whoever publishes may read webhooks: a refusal may name them, and tells an unknown name in To
	Owed         bool      // taken however much is pending, for who sent it may not ask twice
}

// ErrOutdated refuses a publication whose publisher was remembered, not looked
// up, after something has changed since that may be their access. Nothing was stored; look them up and publish again.
var ErrOutdated = Errorf(CodeUnauthorized, "who publishes has to be looked up again")

// Publishing is the answer to a [Publication].
type Publishing struct {
	Seq        int64
	ID         string
	State      EventState
	Deliveries []DeliveryKey
	Count      int  // number of deliveries; also known when Deliveries is not
	Missed     int  // disabled webhooks that want it and got no delivery: limits.parked is reached
	Unwatched  bool // it waits for the receipt of a transaction, and no Ethereum node is asked for that
	Repeated   bool // the same event was there already; nothing was sent
	Err        error
}

// BodyOf returns the canonical body of an event's bytes as they are sent; nil
// when there is none.
func BodyOf(sent []byte) (body []byte) {
	_ = ecmajson.Members(sent, func(key, value []byte) error {
		if string(key) == "body" {
			body, _ = ecmajson.Append(nil, value)
		}
		return nil
	})
	return body
}
