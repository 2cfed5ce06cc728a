package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"slices"

	"sealpost/internal/webhook"
)

// Lists of deliveries have one order: the newest event first, of one event by
// webhook, and of one webhook the newest run first. There are two ways to walk it.
//
// By event: an organization's events, each with the deliveries that its fan-out
// names. Filters of the event (type, publisher, time) are judged in the index of
// events, so this way is for lists in which most deliveries of an event fit.
//
// By webhook: the deliveries of each webhook in order, merged. States have indexes
// that begin with the webhook, so this way finds a few dead deliveries among
// millions of delivered ones; it costs one look at an index for each webhook.

// maxMerged bounds the webhooks, deleted ones among them, of a walk by webhook. An
// organization that had more is walked by event.
const maxMerged = 1000

// deliveryWalk is one page of a list of deliveries under way.
type deliveryWalk struct {
	store *Store
	query webhook.DeliveryQuery
	org   int64
	after webhook.DeliveryKey // the last delivery that was looked at
	size  int
	cost  walked
	found []webhook.Delivery
	ended bool // nothing is left to look at

	webhooks int // that a walk by webhook merges
}

// Deliveries lists an organization's deliveries without their earlier
// attempts, those of the newest events first, and where the next page begins;
// next is empty when there is nothing after it. A page can be short, even
// empty, with more to come.
func (s *Store) Deliveries(ctx context.Context, q webhook.DeliveryQuery) (found []webhook.Delivery, next string, err error) {
	org, err := s.organizationOf(ctx, q.Organization)
	if err != nil || org == 0 {
		return nil, "", err
	}
	w := &deliveryWalk{store: s, query: q, org: org, after: webhook.DeliveryKey{Event: beginning, Webhook: -1}, size: webhook.Page(q.Limit), cost: began()}
	if err := s.ids.load(ctx, s); err != nil {
		return nil, "", err
	}
	if q.Cursor != "" {
		if w.after, err = s.ids.deliveryCursor(ctx, s, org, q.Cursor); err != nil {
			return nil, "", err
		}
	}
	some, err := w.way(ctx)
	// One step at least, however late it is: a page that looks at nothing would come
	// with the cursor that it was asked for, and the list would never end.
	for step := 0; err == nil && len(w.found) <= w.size && !w.ended && (step == 0 || !w.cost.over()); step++ {
		err = some(ctx)
	}
	switch {
	case err != nil:
		return nil, "", err
	case len(w.found) > w.size:
		w.found = w.found[:w.size]
		next, err = s.ids.sealDelivery(ctx, s, org, w.found[w.size-1].Key)
	case !w.ended:
		next, err = s.ids.sealDelivery(ctx, s, org, w.after)
	}
	return w.found, next, err
}

// way chooses how to walk.
func (w *deliveryWalk) way(ctx context.Context) (func(context.Context) error, error) {
	q := &w.query
	if q.Event != "" {
		return w.ofEvent, nil
	}
	streams := streamsOf(q.State)
	if streams == nil && (q.Webhook == "" || q.Type != "" || q.Publisher != "") {
		return w.byEvent, nil
	}
	var webhooks int
	err := w.store.row(ctx, `SELECT count(*) FROM (SELECT 1 FROM webhook WHERE organization = ?1 AND (?2 = '' OR name = ?2) LIMIT ?3)`,
		[]any{w.org, q.Webhook, maxMerged + 1}, &webhooks)
	if w.cost.rows += webhooks; err != nil {
		return nil, fault(w.store.path, err)
	}
	if webhooks > maxMerged {
		return w.byEvent, nil
	}
	w.webhooks = webhooks
	return w.byWebhook, nil
}

// conditions are those of the query on a delivery d, its event e and its webhook w.
func (w *deliveryWalk) conditions() (fits filter) {
	q := &w.query
	switch q.State {
	case webhook.Pending:
		fits.add(`d.state = 0 AND w.disabled IS NULL AND w.deleted_at IS NULL`)
	case webhook.Parked:
		fits.add(`d.state = 0 AND w.disabled IS NOT NULL AND w.deleted_at IS NULL`)
	case webhook.Cancelled:
		fits.add(`(d.state = 3 OR d.state = 0 AND w.deleted_at IS NOT NULL)`)
	case webhook.Delivered:
		fits.add(`d.state = 1`)
	case webhook.Dead:
		fits.add(`d.state NOT IN (0, 1, 3)`) // see deliveryState
	}
	if q.Webhook != "" {
		fits.add(`w.name = ?`, q.Webhook)
	}
	if q.Type != "" {
		fits.add(`e.type = ?`, q.Type)
	}
	if q.Publisher != "" {
		fits.add(`e.publisher = ?`, q.Publisher)
	}
	if !q.Since.IsZero() {
		fits.add(`e.accepted_at >= ?`, millis(q.Since))
	}
	return fits
}

// ofEvent reads the deliveries of the one event that is asked for.
func (w *deliveryWalk) ofEvent(ctx context.Context) error {
	var seq int64
	var packed []byte
	err := w.store.row(ctx, `SELECT seq, fanout FROM event WHERE organization = ? AND id = ?`, []any{w.org, w.query.Event}, &seq, &packed)
	if w.ended = true; errors.Is(err, sql.ErrNoRows) || err == nil && seq > w.after.Event {
		return nil
	}
	if err != nil {
		return fault(w.store.path, err)
	}
	return w.read(ctx, []fanned{{seq, decodeFanout(packed)}})
}

// fanned is an event with where it went.
type fanned struct {
	seq    int64
	fanout []int64
}

// byEvent looks at the next events.
func (w *deliveryWalk) byEvent(ctx context.Context) error {
	events := events(w.org, "", w.after.Event)
	var fits filter
	if w.query.Type != "" {
		fits.add(`e.type = ?`, w.query.Type)
	}
	if w.query.Publisher != "" {
		fits.add(`e.publisher = ?`, w.query.Publisher)
	}
	if !w.query.Since.IsZero() {
		fits.add(`e.accepted_at >= ?`, millis(w.query.Since))
	}
	lowest, err := events.strip(ctx, w.store, &w.cost, w.query.Since)
	if err != nil {
		return err
	}
	// Few at first: as a rule a page is full after as many events as it has rows.
	for limit := min(w.size+1, fetched()); ; limit = min(2*limit, fetched()) {
		some, targets, err := w.fannedOut(ctx, lowest, fits, limit)
		if err != nil {
			return err
		}
		w.cost.rows += targets
		if err := w.read(ctx, some); err != nil || len(w.found) > w.size {
			return err
		}
		if len(some) < limit && targets < 2*fetched() { // nothing is left of the strip
			w.ended = events.ended
			w.after = webhook.DeliveryKey{Event: lowest, Webhook: math.MaxInt64}
			return nil
		}
		w.after = webhook.DeliveryKey{Event: some[len(some)-1].seq, Webhook: math.MaxInt64}
		if w.cost.over() {
			return nil
		}
	}
}

// fannedOut reads the next events that fit and have deliveries, not below lowest,
// until they have as many deliveries as one query looks at.
func (w *deliveryWalk) fannedOut(ctx context.Context, lowest int64, fits filter, limit int) (found []fanned, targets int, err error) {
	from := w.after.Event
	if w.after.Webhook == math.MaxInt64 { // all of that one were looked at
		from--
	}
	rows, err := w.store.rows(ctx, `SELECT e.seq, e.fanout FROM event e INDEXED BY event_listed
		WHERE e.organization = ? AND e.seq BETWEEN ? AND ?`+fits.clause()+` AND e.fanout IS NOT NULL ORDER BY e.seq DESC LIMIT ?`,
		slices.Concat([]any{w.org, lowest, from}, fits.args, []any{limit})...)
	if err != nil {
		return nil, 0, fault(w.store.path, err)
	}
	defer closeRows(rows, &err)
	for targets < 2*fetched() && rows.Next() {
		var e fanned
		var packed []byte
		if err := rows.Scan(&e.seq, &packed); err != nil {
			return nil, 0, fault(w.store.path, err)
		}
		e.fanout = decodeFanout(packed)
		targets += len(e.fanout)
		found = append(found, e)
	}
	return found, targets, nil
}

// read reads the deliveries of events that fit, in order, up to one more than the
// page has room for.
func (w *deliveryWalk) read(ctx context.Context, events []fanned) error {
	var pairs [][2]int64
	for _, e := range events {
		slices.Sort(e.fanout)
		for _, target := range e.fanout {
			if e.seq == w.after.Event && target < w.after.Webhook {
				continue
			}
			pairs = append(pairs, [2]int64{e.seq, target})
		}
	}
	if pairs == nil {
		return nil
	}
	text, err := json.Marshal(pairs)
	if err != nil {
		return err
	}
	fits := w.conditions()
	fits.add(`NOT (d.event = ? AND d.webhook = ? AND d.run >= ?)`, w.after.Event, w.after.Webhook, w.after.Run)
	return w.scan(ctx, `WITH p(n, event, webhook) AS MATERIALIZED (SELECT key, value ->> 0, value ->> 1 FROM json_each(?))
		SELECT `+deliveryColumns+` FROM p CROSS JOIN `+deliveryTables+`
		WHERE d.webhook = p.webhook AND d.event = p.event`+fits.clause()+` ORDER BY p.n, d.run DESC LIMIT ?`,
		slices.Concat([]any{string(text)}, fits.args, []any{w.size + 1 - len(w.found)})...)
}

// scan adds the deliveries that a query finds.
func (w *deliveryWalk) scan(ctx context.Context, query string, args ...any) (err error) {
	rows, err := w.store.rows(ctx, query, args...)
	if err != nil {
		return fault(w.store.path, err)
	}
	some, err := w.store.scanDeliveries(rows)
	w.found = append(w.found, some...)
	return fault(w.store.path, err)
}
