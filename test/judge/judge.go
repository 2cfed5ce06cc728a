// Package judge decides whether a sender of webhooks kept its promises, from
// what three witnesses say: the client that published, the receiver that was
// called, and the database file afterwards. It knows nothing of how the sender
// works and trusts none of its code but for the layout of the file, so it can
// judge a sender that was killed, starved, lied to or built wrong on purpose.
//
// A judge that can't fail proves nothing: its tests doctor the witnesses'
// words, one promise at a time, and test/chaos lets it judge programs with
// seeded bugs.
package judge

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rule names a promise.
type Rule string

// The promises.
const (
	Lost      Rule = "lost"      // an acknowledged event was received with 2xx, is pending, or is dead with its full count of attempts
	Body      Rule = "body"      // one id has one body, and the bytes are those on file
	Invented  Rule = "invented"  // nothing is received that was never sent
	Excess    Rule = "excess"    // no more attempts than the policy has, but for one a crash
	Repeated  Rule = "repeated"  // after a success nothing more, but for one repeat a crash
	Early     Rule = "early"     // no attempt before its time
	Signature Rule = "signature" // every signature is valid
	Integrity Rule = "integrity" // the database is whole
	Leaked    Rule = "leaked"    // no secret in any log
)

// Sent is one event as its client knows it.
type Sent struct {
	ID           string
	Acknowledged bool // the client was told that it is stored
}

// Request is one attempt as its receiver saw it.
type Request struct {
	Webhook   string // name
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

// Case is what the witnesses say.
type Case struct {
	Sent     []Sent
	Received []Request
	File     *File
	Policy   Policy
	Secrets  map[string][]string // all that a webhook had, by its name
	Crashes  []time.Time         // ends of the sender that were not in order
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

// Judge lists the promises that were broken, none when all were kept.
func Judge(c Case) []Violation {
	j := &judgement{Case: c, sent: make(map[string]bool), events: make(map[string]*Event), requests: make(map[key][]Request)}
	for _, s := range c.Sent {
		j.sent[s.ID] = j.sent[s.ID] || s.Acknowledged
	}
	for i := range c.File.Events {
		j.events[c.File.Events[i].ID] = &c.File.Events[i]
	}
	for _, r := range c.Received {
		k := key{r.Webhook, r.ID}
		j.requests[k] = append(j.requests[k], r)
	}
	for k := range j.requests {
		slices.SortStableFunc(j.requests[k], func(a, b Request) int { return a.At.Compare(b.At) })
	}
	j.file()
	j.acknowledged()
	j.deliveries()
	j.bodies()
	for _, r := range c.Received {
		j.signature(r)
	}
	j.leaks()
	return j.found
}

type key struct{ webhook, id string }

type judgement struct {
	Case
	sent     map[string]bool // by id: acknowledged
	events   map[string]*Event
	requests map[key][]Request // of one delivery, in order
	found    []Violation
}

func (j *judgement) violation(rule Rule, format string, args ...any) {
	j.found = append(j.found, Violation{rule, fmt.Sprintf(format, args...)})
}

func (j *judgement) file() {
	if j.File.Integrity != "ok" {
		j.violation(Integrity, "%s", j.File.Integrity)
	}
}

// acknowledged looks for what was promised to the client.
func (j *judgement) acknowledged() {
	for id, acknowledged := range j.sent {
		event := j.events[id]
		switch {
		case !acknowledged:
		case event == nil:
			j.violation(Lost, "%s was acknowledged and is not on file", id)
		case len(event.Deliveries) != event.Count:
			j.violation(Lost, "%s has %d of its %d deliveries", id, len(event.Deliveries), event.Count)
		}
	}
	for id, event := range j.events {
		for _, d := range event.Deliveries {
			j.settled(id, d)
		}
	}
}

// settled compares what is on file of a delivery with what its receiver saw.
func (j *judgement) settled(id string, d Delivery) {
	succeeded := slices.ContainsFunc(j.requests[key{d.Webhook, id}], func(r Request) bool { return r.Status/100 == 2 })
	switch d.State {
	case Delivered:
		if !succeeded {
			j.violation(Lost, "%s to %s is recorded as delivered; no request of it was answered with 2xx", id, d.Webhook)
		}
	case Dead:
		if d.Attempts < j.Policy.Attempts {
			j.violation(Lost, "%s to %s was given up after %d of %d attempts", id, d.Webhook, d.Attempts, j.Policy.Attempts)
		}
	}
}

// deliveries looks at the requests of each delivery in their order.
func (j *judgement) deliveries() {
	for k, requests := range j.requests {
		if _, known := j.sent[k.id]; !known {
			j.violation(Invented, "%s came to %s and was never sent", k.id, k.webhook)
		}
		if most := j.Policy.Attempts + len(j.Crashes); len(requests) > most {
			j.violation(Excess, "%s came to %s %d times; at most %d are allowed with %d crashes", k.id, k.webhook, len(requests), most, len(j.Crashes))
		}
		n := 0 // attempts since the last crash that are known to be counted
		for i := 1; i < len(requests); i++ {
			before, after := requests[i-1], requests[i]
			n++
			if j.crashed(before.At, after.At) {
				n = 0 // what was in flight is due again at once, and how many were recorded is not known
				continue
			}
			if before.Status/100 == 2 {
				j.violation(Repeated, "%s came to %s again after it was answered with %d, with no crash in between (at %s, again %s later, crashes %v)", k.id, k.webhook, before.Status, before.At.Format("05.000"), after.At.Sub(before.At), since(j.Crashes, before.At))
				continue
			}
			// From arrival to arrival: a sender may give an answer up long before
			// the receiver has written all of it.
			if gap, least := after.At.Sub(before.At), j.Policy.wait(n-1); n == i && gap < least-tolerance {
				j.violation(Early, "%s came to %s %s after attempt %d; it had to wait %s", k.id, k.webhook, gap, i, least)
			}
		}
	}
}

// crashed reports whether the sender crashed between two times.
func (j *judgement) crashed(from, to time.Time) bool {
	return slices.ContainsFunc(j.Crashes, func(at time.Time) bool { return at.After(from) && at.Before(to) })
}

// wait is how long retry n (from 0) has to wait at least.
func (p Policy) wait(n int) time.Duration {
	wait := float64(p.Base)
	for range n {
		wait *= p.Factor
	}
	return min(time.Duration(wait), p.MaxDelay)
}

func (j *judgement) bodies() {
	first := make(map[string][]byte)
	for _, r := range j.Received {
		if known, found := first[r.ID]; found && !bytes.Equal(known, r.Body) {
			j.violation(Body, "%s came with two bodies", r.ID)
		}
		first[r.ID] = r.Body
		if event := j.events[r.ID]; event != nil && event.Bytes != nil && !bytes.Equal(event.Bytes, r.Body) {
			j.violation(Body, "%s came with other bytes than are on file", r.ID)
		}
	}
}

// signature checks both schemes with code of its own.
func (j *judgement) signature(r Request) {
	var plain, standard bool
	for _, secret := range j.Secrets[r.Webhook] {
		sum := func(parts ...string) []byte {
			mac := hmac.New(sha256.New, []byte(secret))
			for _, part := range parts {
				mac.Write([]byte(part))
			}
			return mac.Sum(nil)
		}
		plain = plain || r.Signature == hex.EncodeToString(sum(string(r.Body)))
		for candidate := range strings.FieldsSeq(r.Standard) {
			standard = standard || candidate == "v1,"+base64.StdEncoding.EncodeToString(sum(r.ID, ".", r.Timestamp, ".", string(r.Body)))
		}
	}
	if !plain || !standard {
		j.violation(Signature, "%s came to %s with a signature that no secret of the webhook makes (Signature %t, webhook-signature %t)", r.ID, r.Webhook, plain, standard)
	}
}

func (j *judgement) leaks() {
	for webhook, secrets := range j.Secrets {
		for _, secret := range secrets {
			for i, log := range j.Logs {
				if bytes.Contains(log, []byte(secret)) {
					j.violation(Leaked, "log %d shows a secret of %s", i, webhook)
				}
			}
		}
	}
}

// since tells where crashes lie from a time on.
func since(crashes []time.Time, from time.Time) (gaps []time.Duration) {
	for _, at := range crashes {
		gaps = append(gaps, at.Sub(from))
	}
	return gaps
}
