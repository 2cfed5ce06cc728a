package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"sealpost/internal/webhook"
)

// What people see of deliveries. A pending one is shown as parked while its
// webhook is disabled, and as cancelled once it is deleted: that follows from
// the webhook's own row, so it is true from the commit that changes it.

const deliveryColumns = `d.webhook, d.event, d.run, d.state, d.attempts, d.due, coalesce(d.created, e.accepted_at), d.reason,
	d.at, d.duration, d.status, d.error, d.url, e.id, e.type, w.name, w.url, w.routes, w.disabled, w.deleted_at, w.retry_after`

const deliveryTables = `delivery d JOIN event e ON e.seq = d.event JOIN webhook w ON w.seq = d.webhook JOIN organization o ON o.seq = e.organization`

// scanDelivery reads a delivery; the key of its id has been loaded.
func scanDelivery(row scanner, ids *ids, more ...any) (d webhook.Delivery, err error) {
	var state int
	var due, created int64
	var reason, text, url, disabled sql.NullString
	var at, duration, status, deleted, floor sql.NullInt64
	var routes string
	var config webhook.Config
	err = row.Scan(append([]any{&d.Key.Webhook, &d.Key.Event, &d.Key.Run, &state, &d.Count, &due, &created, &reason,
		&at, &duration, &status, &text, &url, &d.EventID, &d.Type, &d.Webhook, &config.URL, &routes, &disabled, &deleted, &floor}, more...)...)
	if err != nil {
		return d, err
	}
	d.ID = ids.delivery(d.Key)
	if err := decodeRoutes(routes, &config); err != nil {
		return d, err
	}
	if d.State, d.Reason = deliveryState(state), reason.String; !knownState(state) {
		d.Reason = fmt.Sprintf("the database has the state %d for it, which this version of sealpost does not know", state)
	}
	if d.State == webhook.Pending {
		d.Due, d.Floor = fromMillis(due), webhook.RetryAfter{Time: fromMillis(floor.Int64)}
		switch {
		case deleted.Valid:
			d.State, d.Reason = webhook.Cancelled, deletedReason
		case disabled.Valid:
			d.State, d.Reason = webhook.Parked, disabled.String
		}
	}
	d.Created = fromMillis(created)
	if d.URL = config.URLFor(d.Type); d.State.Final() && url.Valid {
		d.URL = url.String
	}
	if at.Valid {
		d.Attempts = []webhook.Attempt{scanAttempt(d.Count, at, duration, status, text, url)}
	}
	return d, nil
}

var deliveryStates = [...]webhook.DeliveryState{webhook.Pending, webhook.Delivered, webhook.Dead, webhook.Cancelled}

// knownState reports whether a stored state is one of this program's.
func knownState(n int) bool { return n >= 0 && n < len(deliveryStates) }

// deliveryState names a stored state. A number that this program never wrote is
// nothing to deliver, so it is shown as dead; nothing changes it ([Store.RetryDelivery]).
func deliveryState(n int) webhook.DeliveryState {
	if !knownState(n) {
		return webhook.Dead
	}
	return deliveryStates[n]
}

func scanAttempt(n int, at, duration, status sql.NullInt64, text, url sql.NullString) webhook.Attempt {
	return webhook.Attempt{N: n, At: fromMillis(at.Int64), Duration: micros(duration.Int64), Status: int(status.Int64), Error: text.String, URL: url.String}
}

// EventDeliveries lists an event's deliveries with their attempts.
func (s *Store) EventDeliveries(ctx context.Context, event int64) (found []webhook.Delivery, err error) {
	if err := s.ids.load(ctx, s); err != nil {
		return nil, err
	}
	var fanout []byte
	if err := s.row(ctx, `SELECT fanout FROM event WHERE seq = ?`, []any{event}, &fanout); err != nil {
		return nil, fault(s.path, err)
	}
	rows, err := s.rows(ctx, `SELECT `+deliveryColumns+` FROM json_each(?) f CROSS JOIN `+deliveryTables+` WHERE d.webhook = f.value AND d.event = ? ORDER BY d.webhook, d.run`,
		list(decodeFanout(fanout)), event)
	if err != nil {
		return nil, fault(s.path, err)
	}
	if found, err = s.scanDeliveries(rows); err != nil {
		return nil, fault(s.path, err)
	}
	for i := range found {
		if err := s.addAttempts(ctx, &found[i]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Delivery finds one delivery of an organization with its attempts.
func (s *Store) Delivery(ctx context.Context, organization string, key webhook.DeliveryKey) (webhook.Delivery, error) {
	if err := s.ids.load(ctx, s); err != nil {
		return webhook.Delivery{}, err
	}
	d, err := scanDelivery(s.read.QueryRowContext(ctx, `SELECT `+deliveryColumns+` FROM `+deliveryTables+`
		WHERE d.webhook = ? AND d.event = ? AND d.run = ? AND `+isNamed("?4"), key.Webhook, key.Event, key.Run, organization), &s.ids)
	if errors.Is(err, sql.ErrNoRows) {
		return d, webhook.NoDelivery(s.ids.delivery(key))
	}
	if err != nil {
		return d, fault(s.path, err)
	}
	return d, s.addAttempts(ctx, &d)
}

// deletedReason stands with the deliveries of a webhook that is gone.
const deletedReason = "the webhook was deleted"

func (s *Store) scanDeliveries(rows *sql.Rows) (found []webhook.Delivery, err error) {
	defer closeRows(rows, &err)
	for rows.Next() {
		d, err := scanDelivery(rows, &s.ids)
		if err != nil {
			return nil, err
		}
		found = append(found, d)
	}
	return found, nil
}

// addAttempts completes a delivery's attempts: those before the last one, and
// what receivers answered.
func (s *Store) addAttempts(ctx context.Context, d *webhook.Delivery) (err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT n, at, duration, status, error, url FROM attempt WHERE webhook = ? AND event = ? AND run = ? ORDER BY n`,
		d.Key.Webhook, d.Key.Event, d.Key.Run)
	if err != nil {
		return fault(s.path, err)
	}
	var earlier []webhook.Attempt
	for rows.Next() {
		var n int
		var at, duration, status sql.NullInt64
		var text, url sql.NullString
		if err := rows.Scan(&n, &at, &duration, &status, &text, &url); err != nil {
			return errors.Join(fault(s.path, err), rows.Close())
		}
		earlier = append(earlier, scanAttempt(n, at, duration, status, text, url))
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fault(s.path, err)
	}
	d.Attempts = append(earlier, d.Attempts...)
	return s.addResponses(ctx, d)
}

func (s *Store) addResponses(ctx context.Context, d *webhook.Delivery) (err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT n, cut, body FROM response WHERE webhook = ? AND event = ? AND run = ?`, d.Key.Webhook, d.Key.Event, d.Key.Run)
	if err != nil {
		return fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var n int
		var cut bool
		var body []byte
		if err := rows.Scan(&n, &cut, &body); err != nil {
			return fault(s.path, err)
		}
		for i := range d.Attempts {
			if d.Attempts[i].N == n {
				d.Attempts[i].Response, d.Attempts[i].Cut = body, cut
			}
		}
	}
	return nil
}
