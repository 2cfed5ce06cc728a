package store

import (
	"time"

	"sealpost/internal/bounds"
	"sealpost/internal/webhook"
)

// How much work an organization may have waiting is bounded: past that,
// publishing is refused and nothing is dropped. To count a million rows for each
// event is too much, so the writer keeps counts in memory:
//
//   - Every change of this process that adds or ends deliveries notes it
//     (tallies.note), and a change that is rolled back takes its notes back.
//   - When another process has changed the file, the counts are doubted. They are
//     taken anew when the organization publishes next, but not often.
//   - Counts are kept for each webhook, and summed up by whether the webhook is
//     enabled. So what is parked stops counting as pending with the commit that
//     disables the webhook, and counts again with the one that enables it.

// tallies are the counts of all organizations. They belong to the writer.
type tallies struct {
	known  map[int64]*tally
	owners map[int64]int64 // organizations by webhook
	noted  []note          // of the transaction under way
	bytes  map[int64]int64 // of the transaction under way, by organization
	missed map[int64]gap   // of the transaction under way, by webhook
}

// gap are events that a webhook missed.
type gap struct{ events, since int64 }

// tally is what one organization uses.
type tally struct {
	lines   map[int64]*line // by webhook
	pending int64           // deliveries of enabled webhooks
	parked  int64           // deliveries of disabled webhooks

	revision int64         // of the webhooks by which the sums were made
	values   bounds.Values // up to which was counted
	taken    time.Time
	stale    bool
	cut      bool // the count ended at a bound, and there may be more
}

// line is the work of one webhook.
type line struct {
	n       int64
	waits   bool // the webhook is there: its work counts
	parking bool // it is disabled
}

// note is one change of an organization's use. A webhook stands for its
// organization.
type note struct {
	organization, webhook int64
	deliveries            int64
	bytes                 int64 // stored
	missed, at            int64 // events that the webhook missed, and when
}

const (
	recount     = 10 * time.Second // least time between two counts
	recountFull = time.Second      // and when a bound is near
)

func newTallies() *tallies {
	t := &tallies{}
	t.forget()
	return t
}

// forget drops everything, when what is in the file is not known.
func (t *tallies) forget() {
	t.known, t.owners, t.noted = make(map[int64]*tally), make(map[int64]int64), nil
	t.bytes, t.missed = make(map[int64]int64), make(map[int64]gap)
}

// doubt notes that another process has changed the file.
func (t *tallies) doubt() {
	for _, one := range t.known {
		one.stale = true
	}
}

// distrust has all counts taken anew at the next use.
func (t *tallies) distrust() {
	for _, one := range t.known {
		one.stale, one.taken = true, time.Time{}
	}
}

// note keeps the counts up with a change.
func (t *tallies) note(n note) {
	t.noted = append(t.noted, n)
	t.apply(n, 1)
}

// settle lets what was noted stand, after the commit.
func (t *tallies) settle() {
	t.noted = t.noted[:0]
	clear(t.bytes)
	clear(t.missed)
}

// back takes back what was noted after a mark, because it was rolled back.
func (t *tallies) back(mark int) {
	for i := len(t.noted) - 1; i >= mark; i-- {
		t.apply(t.noted[i], -1)
	}
	t.noted = t.noted[:mark]
}

func (t *tallies) apply(n note, sign int64) {
	if n.organization == 0 {
		n.organization = t.owners[n.webhook]
	}
	if n.bytes != 0 {
		t.bytes[n.organization] += sign * n.bytes
	}
	if n.missed != 0 {
		g := t.missed[n.webhook]
		if g.events += sign * n.missed; g.since == 0 {
			g.since = n.at
		}
		t.missed[n.webhook] = g
	}
	one := t.known[n.organization]
	if one == nil || n.deliveries == 0 {
		return
	}
	one.line(n.webhook).n += sign * n.deliveries
	one.sum(n.webhook, sign*n.deliveries)
}

func (t *tally) line(webhook int64) *line {
	l := t.lines[webhook]
	if l == nil {
		l = &line{}
		t.lines[webhook] = l
	}
	return l
}

func (t *tally) sum(webhook, n int64) {
	switch l := t.lines[webhook]; {
	case !l.waits:
	case l.parking:
		t.parked += n
	default:
		t.pending += n
	}
}

// of is what an organization uses, as far as its bounds need it to be known.
func (t *tallies) of(tx *session, org int64, f *fanouts, now time.Time) (*tally, error) {
	receivers, err := f.of(tx, org)
	if err != nil {
		return nil, err
	}
	values, err := f.bounds(tx, org)
	if err != nil {
		return nil, err
	}
	one := t.known[org]
	switch {
	case one == nil:
		one = &tally{lines: make(map[int64]*line), stale: true, revision: -1}
		t.known[org] = one
	case one.values != values:
		one.stale, one.taken = true, time.Time{}
	}
	if one.due(now) {
		one.taken, one.stale, one.values = now, false, values
		if err := t.count(tx, org, one); err != nil {
			return nil, err
		}
		one.revision = -1
	}
	if one.revision != f.revision {
		one.resum(receivers)
		one.revision = f.revision
		for i := range receivers {
			t.owners[receivers[i].Seq] = org
		}
	}
	return one, nil
}

// due reports whether the counts have to be taken anew.
func (t *tally) due(now time.Time) bool {
	wait := recount
	if t.cut || t.values.Past(bounds.Pending, 2*t.pending) || t.values.Past(bounds.Parked, 2*t.parked) {
		wait = recountFull
	}
	since := now.Sub(t.taken)
	return (t.stale || t.cut) && (since >= wait || since < 0) // or the clock was set back
}

// count reads how much work each webhook has, in one query over the index of an
// organization's webhooks. It reads no further than the bounds: what is past one
// is past it however much more there is.
func (t *tallies) count(tx *session, org int64, one *tally) (err error) {
	one.lines, one.cut = make(map[int64]*line), false
	pending, parked := one.values[bounds.Pending], one.values[bounds.Parked]
	stmt, err := tx.statement(`SELECT w.seq, w.disabled IS NOT NULL, CASE WHEN w.disabled IS NULL
			THEN (SELECT count(*) FROM (SELECT 1 FROM delivery d WHERE d.webhook = w.seq AND d.state = 0 LIMIT ?2))
			ELSE (SELECT count(*) FROM (SELECT 1 FROM delivery d WHERE d.webhook = w.seq AND d.state = 0 LIMIT ?3)) END
		FROM webhook w WHERE w.organization = ?1 AND w.deleted_at IS NULL`)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(background, org, upTo(pending), upTo(parked))
	if err != nil {
		return err
	}
	defer closeRows(rows, &err)
	var sums [2]int64
	for rows.Next() {
		var seq, n int64
		var parking bool
		if err := rows.Scan(&seq, &parking, &n); err != nil {
			return err
		}
		one.line(seq).n = n
		sum, most := &sums[0], pending
		if parking {
			sum, most = &sums[1], parked
		}
		if *sum += n; most > 0 && *sum > most {
			one.cut = true
			if sums[0] > pending && sums[1] > parked {
				return nil
			}
		}
	}
	return nil
}

// upTo is how far is counted for a bound.
func upTo(bound int64) int64 {
	if bound == 0 {
		return 0
	}
	return bound + 1
}

// resum makes the sums anew, by which webhooks are there and enabled.
func (t *tally) resum(receivers []webhook.Receiver) {
	t.pending, t.parked = 0, 0
	for _, l := range t.lines {
		l.waits = false
	}
	for i := range receivers {
		l := t.line(receivers[i].Seq)
		l.waits, l.parking = true, receivers[i].Disabled
		t.sum(receivers[i].Seq, l.n)
	}
}

// heaviest is the enabled webhook that has most work.
func (t *tally) heaviest(receivers []webhook.Receiver) (name string, n int64) {
	for i := range receivers {
		if l := t.lines[receivers[i].Seq]; l != nil && l.waits && !l.parking && l.n > n {
			name, n = receivers[i].Name, l.n
		}
	}
	return name, n
}
