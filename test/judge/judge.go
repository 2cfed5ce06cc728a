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

// Judge lists the promises that were broken, none when all were kept.
func Judge(c Case) []Violation {
	j := &judgement{Case: c, sent: make(map[string]Sent), events: make(map[string]*Event), requests: make(map[Key][]Request)}
	for _, s := range c.Sent {
		s.Acknowledged = s.Acknowledged || j.sent[s.ID].Acknowledged
		j.sent[s.ID] = s
	}
	for i := range c.File.Events {
		j.events[c.File.Events[i].ID] = &c.File.Events[i]
	}
	for _, r := range c.Received {
		k := Key{r.Webhook, r.ID}
		j.requests[k] = append(j.requests[k], r)
	}
	for k := range j.requests {
		slices.SortStableFunc(j.requests[k], func(a, b Request) int { return a.At.Compare(b.At) })
	}
	j.file()
	j.acknowledged()
	j.deliveries()
	j.planned()
	j.bodies()
	for _, r := range c.Received {
		j.signature(r)
		for _, span := range c.Closed[r.URL] {
			if span.meets(r.At, r.At) {
				j.violation(Misplaced, "%s came to %s %s after that was not to be called any more", r.ID, r.URL, r.At.Sub(span.From))
			}
		}
	}
	j.leaks()
	return j.found
}

type judgement struct {
	Case
	sent     map[string]Sent
	events   map[string]*Event
	requests map[Key][]Request // of one delivery, in order
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
	for id, s := range j.sent {
		event := j.events[id]
		switch {
		case !s.Acknowledged:
			continue
		case event == nil:
			j.violation(Lost, "%s was acknowledged and is not on file", id)
			continue
		case event.pruned():
			j.pruned(s)
			continue
		case len(event.Deliveries) != event.Count:
			j.violation(Lost, "%s has %d of its %d deliveries", id, len(event.Deliveries), event.Count)
		}
		for _, webhook := range s.To {
			if !slices.ContainsFunc(event.Deliveries, func(d Delivery) bool { return d.Webhook == webhook }) {
				j.violation(Lost, "%s was acknowledged and has no delivery to %s", id, webhook)
			}
		}
	}
	for id, event := range j.events {
		for _, d := range event.Deliveries {
			if !j.Others[d.Webhook] {
				j.settled(id, d)
			}
		}
	}
}

// pruned looks whether all of an event had ended when it was taken away, by what
// its receivers saw: of the file's own word nothing is left.
func (j *judgement) pruned(s Sent) {
	for _, webhook := range s.To {
		k := Key{webhook, s.ID}
		if requests := j.requests[k]; len(requests) < j.Policy.Attempts && !slices.ContainsFunc(requests, func(r Request) bool { return r.Status/100 == 2 }) {
			j.violation(Lost, "%s was pruned after %d requests, none of which was answered with 2xx", k, len(requests))
		}
	}
}

// settled compares what is on file of a delivery with what its receiver saw.
func (j *judgement) settled(id string, d Delivery) {
	k := Key{d.Webhook, id}
	requests := j.requests[k]
	switch d.State {
	case Delivered:
		if !slices.ContainsFunc(requests, func(r Request) bool { return r.Status/100 == 2 }) {
			j.violation(Lost, "%s is recorded as delivered; no request of it was answered with 2xx", k)
		}
	case Dead:
		if d.Attempts < j.Policy.Attempts {
			j.violation(Lost, "%s was given up after %d of %d attempts", k, d.Attempts, j.Policy.Attempts)
		}
	case Cancelled, Parked:
		if !j.PutAway[d.Webhook] {
			j.violation(Lost, "%s is %s, and nobody has put it away", k, d.State)
		}
	}
	if unrecorded := len(requests) - d.Attempts; d.State != Cancelled && unrecorded > len(j.Crashes) {
		j.violation(Excess, "%s came %d times and %d attempts are on file, with %d crashes", k, len(requests), d.Attempts, len(j.Crashes))
	}
}

// deliveries looks at the requests of each delivery in their order.
func (j *judgement) deliveries() {
	for k, requests := range j.requests {
		j.addressed(k)
		if most := j.Policy.Attempts + len(j.Crashes); len(requests) > most {
			j.violation(Excess, "%s came %d times; at most %d are allowed with %d crashes", k, len(requests), most, len(j.Crashes))
		}
		if ended, known := j.Ended[k]; known {
			if last := requests[len(requests)-1].At; last.After(ended) {
				j.violation(Repeated, "%s came again %s after its end was on file", k, last.Sub(ended))
			}
		}
		n := 0 // attempts since the last crash that are known to be counted
		for i := 1; i < len(requests); i++ {
			before, after := requests[i-1], requests[i]
			n++
			if j.crashed(before.At, after.At) {
				n = 0 // what was in flight is due again at once, and how many were recorded is not known
				continue
			}
			if before.Status/100 == 2 && !j.froze(before.At, after.At) {
				j.violation(Repeated, "%s came again after it was answered with %d, with no crash in between (at %s, again %s later, crashes %v)", k, before.Status, before.At.Format("05.000"), after.At.Sub(before.At), since(j.Crashes, before.At))
				continue
			}
			// From arrival to arrival: a sender may give an answer up long before
			// the receiver has written all of it.
			if gap, least := after.At.Sub(before.At), j.Policy.wait(n-1); n == i && gap < least-tolerance {
				j.violation(Early, "%s came %s after attempt %d; it had to wait %s", k, gap, i, least)
			}
		}
	}
}

// planned looks whether what waited for its time when the sender ended came any
// sooner under the next one.
func (j *judgement) planned() {
	for _, p := range j.Planned {
		for _, r := range j.requests[p.Key] {
			if !r.At.After(p.At) {
				continue
			}
			if early := p.Due.Sub(r.At); early > tolerance {
				j.violation(Early, "%s came %s before the time that was on file when the sender ended", p.Key, early)
			}
			break
		}
	}
}

// addressed looks whether a delivery that was received had any business there.
func (j *judgement) addressed(k Key) {
	event := j.events[k.ID]
	switch _, known := j.sent[k.ID]; {
	case !known:
		j.violation(Invented, "%s was never sent", k)
	case event == nil:
		j.violation(Invented, "%s was received and is not on file", k)
	case len(event.Deliveries) == event.Count && !slices.ContainsFunc(event.Deliveries, func(d Delivery) bool { return d.Webhook == k.Webhook }):
		j.violation(Invented, "%s was received, and the event was not for that webhook", k)
	}
}

func (j *judgement) bodies() {
	first := make(map[string][]byte)
	for _, r := range j.Received {
		if known, found := first[r.ID]; found && !bytes.Equal(known, r.Body) {
			j.violation(Body, "%s came with two bodies", r.ID)
		}
		first[r.ID] = r.Body
		if sent := j.sent[r.ID]; sent.Body != nil && !bytes.HasSuffix(r.Body, append([]byte(`"body":`), append(sent.Body, '}')...)) {
			j.violation(Body, "%s came with another body than was sent", r.ID)
		}
		if event := j.events[r.ID]; event != nil && event.Bytes != nil && !bytes.Equal(event.Bytes, r.Body) {
			j.violation(Body, "%s came with other bytes than are on file", r.ID)
		}
	}
}

// signature checks both schemes with code of its own. Beside a signature that
// is valid there may be none of a secret that was dropped: whoever it leaked to
// could make that one.
func (j *judgement) signature(r Request) {
	var plain, standard bool
	for _, secret := range j.Secrets[r.Webhook] {
		sum := func(parts ...string) []byte {
			mac := hmac.New(sha256.New, []byte(secret.Value))
			for _, part := range parts {
				mac.Write([]byte(part))
			}
			return mac.Sum(nil)
		}
		hexed := r.Signature == hex.EncodeToString(sum(string(r.Body)))
		tripled := slices.Contains(strings.Fields(r.Standard), "v1,"+base64.StdEncoding.EncodeToString(sum(r.ID, ".", r.Timestamp, ".", string(r.Body))))
		if !secret.Ends.IsZero() && r.At.After(secret.Ends) {
			if hexed || tripled {
				j.violation(Signature, "%s came to %s with a signature by a secret that was dropped %s before", r.ID, r.Webhook, r.At.Sub(secret.Ends))
			}
			continue
		}
		plain, standard = plain || hexed, standard || tripled
	}
	if !plain || !standard {
		j.violation(Signature, "%s came to %s with a signature that no secret of the webhook makes (Signature %t, webhook-signature %t)", r.ID, r.Webhook, plain, standard)
	}
}

func (j *judgement) leaks() {
	for _, token := range j.Tokens {
		for i, log := range j.Logs {
			if bytes.Contains(log, []byte(token)) {
				j.violation(Leaked, "log %d shows a token", i)
			}
		}
	}
	for webhook, secrets := range j.Secrets {
		for _, secret := range secrets {
			for i, log := range j.Logs {
				if bytes.Contains(log, []byte(secret.Value)) {
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
