package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sealpost/internal/webhook"
)

// maxLooked bounds how many events one page looks at, so that a rare state in
// a large file costs many short reads instead of one long one.
const maxLooked = 20000

// Deliveries lists an organization's deliveries without their earlier
// attempts, those of the newest events first, and where the next page begins;
// next is empty when there is nothing after it. A page can be short, even
// empty, with more to come.
func (s *Store) Deliveries(ctx context.Context, q webhook.DeliveryQuery) (found []webhook.Delivery, next string, err error) {
	after, err := webhook.DecodeCursor(q.Cursor)
	if err != nil {
		return nil, "", err
	}
	size, looked := webhook.Page(q.Limit), 0
	from := after.Event
	for {
		events, err := s.fannedOut(ctx, q, from, size+1)
		if err != nil {
			return nil, "", err
		}
		for _, e := range events {
			some, err := s.deliveriesOf(ctx, q, e)
			if err != nil {
				return nil, "", err
			}
			for _, d := range some {
				if e.seq == after.Event && !follows(d.Key, after) {
					continue
				}
				if len(found) == size {
					return found, webhook.EncodeCursor(found[size-1].Key), nil
				}
				found = append(found, d)
			}
			from = e.seq - 1
		}
		looked += len(events)
		switch {
		case len(events) <= size || from <= 0:
			return found, "", nil
		case looked >= maxLooked:
			return found, webhook.EncodeCursor(webhook.DeliveryKey{Event: from + 1, Webhook: 1 << 40}), nil
		}
	}
}

// follows orders the deliveries of one event: by webhook, then by run.
func follows(key, after webhook.DeliveryKey) bool {
	return key.Webhook > after.Webhook || key.Webhook == after.Webhook && key.Run > after.Run
}

// fanned is an event with where it went.
type fanned struct {
	seq    int64
	fanout []int64
}

// Lists walk events by number, newest first; the plus keeps SQLite from
// gathering and sorting all of an organization's. One event is found by its id.
const (
	inOrganization     = `+e.organization = (SELECT seq FROM organization o WHERE (o.id = ? OR o.slug = ? AND o.maker = 'machine') AND o.deleted_at IS NULL)`
	inOrganizationByID = `e.organization = (SELECT seq FROM organization o WHERE (o.id = ? OR o.slug = ? AND o.maker = 'machine') AND o.deleted_at IS NULL)`
)

// fannedOut lists events from a number downwards.
func (s *Store) fannedOut(ctx context.Context, q webhook.DeliveryQuery, from int64, limit int) (found []fanned, err error) {
	where, args := []string{inOrganization, `e.fanout IS NOT NULL`}, []any{q.Organization, q.Organization}
	if q.Event != "" {
		where[0] = inOrganizationByID
	}
	add := func(clause string, arg any) { where, args = append(where, clause), append(args, arg) }
	if from > 0 {
		add(`e.seq <= ?`, from)
	}
	if q.Event != "" {
		add(`e.id = ?`, q.Event)
	}
	if q.Type != "" {
		add(`e.type = ?`, q.Type)
	}
	if q.Publisher != "" {
		add(`e.publisher = ?`, q.Publisher)
	}
	if !q.Since.IsZero() {
		add(`e.accepted_at >= ?`, millis(q.Since))
	}
	rows, err := s.read.QueryContext(ctx, `SELECT e.seq, e.fanout FROM event e
		WHERE `+strings.Join(where, " AND ")+` ORDER BY e.seq DESC LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var e fanned
		var packed []byte
		if err := rows.Scan(&e.seq, &packed); err != nil {
			return nil, fault(s.path, err)
		}
		e.fanout = decodeFanout(packed)
		slices.Sort(e.fanout)
		found = append(found, e)
	}
	return found, nil
}

func (s *Store) deliveriesOf(ctx context.Context, q webhook.DeliveryQuery, e fanned) (found []webhook.Delivery, err error) {
	for _, target := range e.fanout {
		rows, err := s.read.QueryContext(ctx, `SELECT `+deliveryColumns+` FROM `+deliveryTables+` WHERE d.webhook = ? AND d.event = ? ORDER BY d.run`, target, e.seq)
		if err != nil {
			return nil, fault(s.path, err)
		}
		some, err := scanDeliveries(rows)
		if err != nil {
			return nil, fault(s.path, err)
		}
		for _, d := range some {
			if (q.State == "" || d.State == q.State) && (q.Webhook == "" || d.Webhook == q.Webhook) {
				found = append(found, d)
			}
		}
	}
	return found, nil
}

// RetryDelivery makes a delivery due at once: a dead or cancelled one with all
// its retries before it again, a pending one earlier than planned. A delivered
// one is [webhook.CodeConflict]. Doing it twice is doing it once.
func (s *Store) RetryDelivery(ctx context.Context, organization string, key webhook.DeliveryKey, now time.Time) error {
	return s.changeDelivery(ctx, organization, key, func(tx *session, d webhook.Delivery, committed *webhook.Committed) error {
		if d.State == webhook.Delivered {
			return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the delivery %s has been delivered", key)).
				WithHint(fmt.Sprintf("`sealpost event resend %s` sends the event once more", d.EventID))
		}
		var deleted, pruned bool
		var direct sql.NullString
		var state int
		if err := tx.row(`SELECT w.deleted_at IS NOT NULL, e.bytes IS NULL FROM webhook w, event e WHERE w.seq = ? AND e.seq = ?`, []any{key.Webhook, key.Event}, &deleted, &pruned); err != nil {
			return err
		}
		if err := tx.row(`SELECT CASE WHEN state = 0 THEN direct END, state FROM delivery WHERE webhook = ? AND event = ? AND run = ?`, []any{key.Webhook, key.Event, key.Run}, &direct, &state); err != nil {
			return err
		}
		switch {
		case !knownState(state):
			return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the delivery %s can't be tried again: %s", key, d.Reason)).
				WithHint("a newer sealpost may have written it; `sealpost db check` tells more")
		case direct.Valid && liveClaim(s.path, direct.String): // a daemon would deliver beside it
			return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the delivery %s is made by a process of its own (publish --direct), which lives", key)).
				WithHint("wait for it to end, or cancel the delivery first")
		case deleted:
			return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the webhook of delivery %s was deleted", key))
		case pruned:
			return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the delivery %s can't be tried again: the body of its event was pruned", key)).WithHint("retention.bodies says how long bodies are kept")
		}
		early, err := tx.early(`SELECT retried FROM delivery WHERE webhook = ? AND event = ? AND run = ?`, now, key.Webhook, key.Event, key.Run)
		if err != nil || early {
			return err
		}
		if err := s.revive(tx, d, now); err != nil {
			return err
		}
		committed.Due = append(committed.Due, key.Webhook)
		if err := tx.lift(key.Webhook, committed); err != nil {
			return err
		}
		return tx.exec(`UPDATE delivery SET state = 0, claim = claim + 1, spent = CASE WHEN state = 0 THEN spent ELSE attempts END, due = ?1, retried = ?1, reason = NULL, direct = NULL
			WHERE webhook = ?2 AND event = ?3 AND run = ?4 AND NOT (state = 0 AND due BETWEEN 1 AND ?1)`, millis(now), key.Webhook, key.Event, key.Run)
	})
}

// ByHand is how often a person may have one delivery made: a call that comes
// earlier changes nothing. Otherwise whoever repeats a call would have a receiver
// that fails asked as often as they like.
const ByHand = time.Second

// early reports whether a query's time is less than [ByHand] ago. A time that is
// ahead was by a clock that has been set back.
func (s *session) early(query string, now time.Time, args ...any) (bool, error) {
	var last sql.NullInt64
	err := s.row(query, args, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	since := millis(now) - last.Int64
	return last.Valid && since >= 0 && since < ByHand.Milliseconds(), err
}

// revive makes room for a delivery that has ended and is to be made after all.
func (s *Store) revive(tx *session, d webhook.Delivery, now time.Time) error {
	if !d.State.Final() {
		return nil
	}
	if err := s.begin(tx); err != nil {
		return err
	}
	var org int64
	var parking bool
	err := tx.row(`SELECT organization, disabled IS NOT NULL FROM webhook WHERE seq = ?`, []any{d.Key.Webhook}, &org, &parking)
	if err != nil {
		return err
	}
	want := demand{pending: 1, named: true}
	if parking {
		want = demand{parked: 1}
	}
	if err := s.room(tx, org, want, now); err != nil {
		return err
	}
	s.tallies.note(note{organization: org, webhook: d.Key.Webhook, deliveries: 1})
	return nil
}

// CancelDelivery ends a delivery that is pending or parked. One that has ended
// otherwise is [webhook.CodeConflict]; one that is cancelled stays so.
func (s *Store) CancelDelivery(ctx context.Context, organization string, key webhook.DeliveryKey) error {
	return s.changeDelivery(ctx, organization, key, func(tx *session, d webhook.Delivery, committed *webhook.Committed) error {
		switch d.State {
		case webhook.Delivered, webhook.Dead:
			return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the delivery %s is %s already", key, d.State))
		case webhook.Cancelled:
			return nil
		}
		committed.Cancelled = 1
		s.tallies.note(note{webhook: key.Webhook, deliveries: -1})
		return tx.exec(`UPDATE delivery SET state = ?, claim = claim + 1, reason = 'cancelled by hand' WHERE webhook = ? AND event = ? AND run = ?`,
			deliveryCancelled, key.Webhook, key.Event, key.Run)
	})
}

func (s *Store) changeDelivery(ctx context.Context, organization string, key webhook.DeliveryKey, change func(*session, webhook.Delivery, *webhook.Committed) error) error {
	return s.releasing(ctx, func(tx *session, committed *webhook.Committed) error {
		stmt, err := tx.statement(`SELECT ` + deliveryColumns + ` FROM ` + deliveryTables + ` WHERE d.webhook = ? AND d.event = ? AND d.run = ? AND ` + isNamed("?4"))
		if err != nil {
			return err
		}
		d, err := scanDelivery(stmt.QueryRowContext(background, key.Webhook, key.Event, key.Run, organization))
		if errors.Is(err, sql.ErrNoRows) {
			return noDelivery(key)
		}
		if err != nil {
			return err
		}
		return change(tx, d, committed)
	})
}
