package store

import (
	"fmt"
	"time"

	"sealpost/internal/webhook"
)

// How much work an organization may have waiting is bounded: past that,
// publishing is refused and nothing is dropped. Counting a million rows for
// each event would be absurd, so the writer keeps a count of its own: right
// when it is taken, kept up by what this process publishes and finishes, and
// taken anew, though not often, after something else has changed the file.

// pending counts the pending deliveries of organizations. It belongs to the
// writer.
type pending struct {
	most   int // per organization; 0 is no bound
	counts map[int64]*pendingCount
	owners map[int64]int64 // organizations by webhook
}

type pendingCount struct {
	n     int
	taken time.Time
	stale bool
}

const (
	recount     = 10 * time.Second // least time between two counts
	recountFull = time.Second      // and when the bound is near
)

func newPending(most int) *pending {
	p := &pending{most: most}
	p.forget()
	return p
}

// forget drops everything, after a rollback.
func (p *pending) forget() {
	p.counts, p.owners = make(map[int64]*pendingCount), make(map[int64]int64)
}

// doubt notes that something else may have changed the file.
func (p *pending) doubt() {
	for _, c := range p.counts {
		c.stale = true
	}
}

// full reports whether an organization has as much work as it may have.
func (p *pending) full(tx *session, org int64, receivers []webhook.Receiver, now time.Time) (bool, error) {
	if p.most == 0 {
		return false, nil
	}
	c := p.counts[org]
	if c == nil {
		c = &pendingCount{stale: true}
		p.counts[org] = c
	}
	wait := recount
	if c.n*2 >= p.most {
		wait = recountFull
	}
	if since := now.Sub(c.taken); c.stale && (since >= wait || since < 0) { // or the clock was set back
		n := 0
		for i := range receivers {
			p.owners[receivers[i].Seq] = org
			var some int
			err := tx.row(`SELECT count(*) FROM (SELECT 1 FROM delivery WHERE webhook = ? AND state = 0 LIMIT ?)`,
				[]any{receivers[i].Seq, max(p.most-n, 0)}, &some)
			if err != nil {
				return false, err
			}
			n += some
		}
		*c = pendingCount{n: n, taken: now}
	}
	return c.n >= p.most, nil
}

// add counts what an event brought.
func (p *pending) add(org int64, targets []int64) {
	if c := p.counts[org]; c != nil {
		c.n += len(targets)
		for _, target := range targets {
			p.owners[target] = org
		}
	}
}

// done counts one delivery less.
func (p *pending) done(webhookSeq int64) {
	if c := p.counts[p.owners[webhookSeq]]; c != nil && c.n > 0 {
		c.n--
	}
}

func (p *pending) refusal() error {
	return webhook.Errorf(webhook.CodeTooManyRequests, fmt.Sprintf("the organization has %d deliveries pending, as many as it may have", p.most)).
		WithHint("try again later; receivers that fail hold deliveries back, and publish.max_pending is the bound")
}
