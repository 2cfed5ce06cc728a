package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"sealpost/internal/webhook"
)

// What the engine reads: which webhooks have work, the work itself in bounded
// helpings, and where it goes. Deliveries that another process claimed for
// itself (publish --direct) are never among it.

const workColumns = `d.webhook, d.event, d.run, d.claim, d.attempts, d.spent, d.due, e.id, e.type, e.subject, e.accepted_at,
	CASE WHEN length(e.bytes) <= 8192 THEN e.bytes END`

func (s *Store) work(ctx context.Context, where string, args ...any) (found []*webhook.Work, err error) {
	rows, err := s.engine.rows(ctx, `SELECT `+workColumns+` FROM delivery d JOIN event e ON e.seq = d.event WHERE `+where, args...)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		w := &webhook.Work{}
		var subject sql.NullString
		var due, accepted int64
		err := rows.Scan(&w.Key.Webhook, &w.Key.Event, &w.Key.Run, &w.Claim, &w.Attempts, &w.Spent, &due, &w.EventID, &w.Type, &subject, &accepted, &w.Bytes)
		if err != nil {
			return nil, fault(s.path, err)
		}
		w.Subject, w.Accepted, w.Due = subject.String, fromMillis(accepted), fromMillis(due)
		found = append(found, w)
	}
	return found, nil
}

// First lists a webhook's deliveries that have not been tried yet, in order of
// acceptance, from after the given event on.
func (s *Store) First(ctx context.Context, webhookSeq, after int64, limit int) ([]*webhook.Work, error) {
	return s.work(ctx, `d.webhook = ? AND d.state = 0 AND d.due = 0 AND d.event > ? AND d.direct IS NULL ORDER BY d.event, d.run LIMIT ?`, webhookSeq, after, limit)
}

// Due lists a webhook's deliveries whose next attempt is due, the longest due
// first, from after the given place on.
func (s *Store) Due(ctx context.Context, webhookSeq int64, now time.Time, limit int) ([]*webhook.Work, error) {
	return s.work(ctx, `d.webhook = ? AND d.state = 0 AND d.due BETWEEN 1 AND ? AND d.direct IS NULL ORDER BY d.due, d.event LIMIT ?`, webhookSeq, millis(now), limit)
}

// NextDue returns when a webhook's first retry after a time is due; the zero
// time when none is planned.
func (s *Store) NextDue(ctx context.Context, webhookSeq int64, after time.Time) (time.Time, error) {
	var due sql.NullInt64
	err := s.engine.row(ctx, `SELECT min(due) FROM delivery WHERE webhook = ? AND state = 0 AND due > ? AND direct IS NULL`, []any{webhookSeq, millis(after)}, &due)
	return fromMillis(due.Int64), fault(s.path, err)
}

// Since lists the first attempts that events after the given one brought, in
// order of acceptance, and the number of the last event it looked at. It finds
// what other processes have published.
func (s *Store) Since(ctx context.Context, after int64, limit int) (found []*webhook.Work, last int64, err error) {
	rows, err := s.engine.db.QueryContext(ctx, `SELECT seq, fanout FROM event WHERE seq > ? ORDER BY seq LIMIT ?`, after, limit)
	if err != nil {
		return nil, after, fault(s.path, err)
	}
	type place struct{ webhook, event int64 }
	var places []place
	last = after
	for rows.Next() {
		var fanout []byte
		if err := rows.Scan(&last, &fanout); err != nil {
			return nil, after, errors.Join(fault(s.path, err), rows.Close())
		}
		for _, target := range decodeFanout(fanout) {
			places = append(places, place{target, last})
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, after, fault(s.path, err)
	}
	for _, p := range places {
		work, err := s.work(ctx, `d.webhook = ? AND d.event = ? AND d.state = 0 AND d.due = 0 AND d.direct IS NULL ORDER BY d.run`, p.webhook, p.event)
		if err != nil {
			return nil, after, err
		}
		found = append(found, work...)
	}
	return found, last, nil
}

// Payload reads the exact bytes of an event. Work that is read in helpings
// leaves out large ones, so that a queue of them does not fill the memory.
func (s *Store) Payload(ctx context.Context, event int64) (payload []byte, err error) {
	err = s.engine.row(ctx, `SELECT bytes FROM event WHERE seq = ?`, []any{event}, &payload)
	return payload, fault(s.path, err)
}

// LastEvent returns the number of the newest event, 0 when there is none.
func (s *Store) LastEvent(ctx context.Context) (int64, error) {
	var last sql.NullInt64
	err := s.engine.db.QueryRowContext(ctx, `SELECT max(seq) FROM event`).Scan(&last)
	return last.Int64, fault(s.path, err)
}

// Backlogs lists the webhooks that have pending deliveries. It jumps through
// the index of pending ones from webhook to webhook, so it costs by the number
// of webhooks, not of deliveries.
func (s *Store) Backlogs(ctx context.Context) (found []webhook.Backlog, err error) {
	rows, err := s.engine.db.QueryContext(ctx, `WITH RECURSIVE w(seq) AS (
			SELECT min(webhook) FROM delivery WHERE state = 0
			UNION ALL
			SELECT (SELECT min(webhook) FROM delivery WHERE state = 0 AND webhook > w.seq) FROM w WHERE w.seq IS NOT NULL)
		SELECT seq,
			EXISTS (SELECT 1 FROM delivery WHERE webhook = w.seq AND state = 0 AND due = 0 AND direct IS NULL),
			(SELECT min(due) FROM delivery WHERE webhook = w.seq AND state = 0 AND due > 0 AND direct IS NULL)
		FROM w WHERE seq IS NOT NULL`)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var b webhook.Backlog
		var due sql.NullInt64
		if err := rows.Scan(&b.Webhook, &b.First, &due); err != nil {
			return nil, fault(s.path, err)
		}
		b.NextDue = fromMillis(due.Int64)
		found = append(found, b)
	}
	return found, nil
}

// Receiver reads what one attempt needs to know of a webhook, deleted or not.
func (s *Store) Receiver(ctx context.Context, webhookSeq int64) (*webhook.Receiver, error) {
	rows, err := s.engine.rows(ctx, `SELECT `+webhookColumns+` FROM `+webhookTables+` WHERE w.seq = ?`, webhookSeq)
	if err != nil {
		return nil, fault(s.path, err)
	}
	found, err := scanReceivers(rows)
	if err != nil {
		return nil, fault(s.path, err)
	}
	if len(found) == 0 {
		return &webhook.Receiver{Seq: webhookSeq, Deleted: true}, nil
	}
	r := found[0]
	r.Secrets, err = s.secretsBy(ctx, &s.engine, r.Organization, r.Name, webhookSeq)
	return &r, err
}

// Claimed reports whether a delivery is pending still, under the given claim,
// at a webhook that is there and enabled.
func (s *Store) Claimed(ctx context.Context, key webhook.DeliveryKey, claim int64) (claimed bool, err error) {
	err = s.engine.row(ctx, `SELECT EXISTS (SELECT 1 FROM delivery WHERE webhook = ? AND event = ? AND run = ? AND state = 0 AND claim = ?)`,
		[]any{key.Webhook, key.Event, key.Run, claim}, &claimed)
	return claimed, fault(s.path, err)
}
