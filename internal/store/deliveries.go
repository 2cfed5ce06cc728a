package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"sealpost/internal/webhook"
)

// RetryDelivery makes a delivery due at once: a dead or cancelled one with all
// its retries before it again, a pending one earlier than planned. A delivered
// one is [webhook.CodeConflict]. Doing it twice is doing it once.
func (s *Store) RetryDelivery(ctx context.Context, organization string, key webhook.DeliveryKey, now time.Time) error {
	if err := s.spare(); err != nil {
		return err
	}
	return s.changeDelivery(ctx, organization, key, func(tx *session, d webhook.Delivery, committed *webhook.Committed) error {
		if d.State == webhook.Delivered {
			return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the delivery %s has been delivered", d.ID)).
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
			return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the delivery %s is made by a process of its own (publish --direct), which lives", d.ID)).
				WithHint("wait for it to end, or cancel the delivery first")
		case deleted:
			return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the webhook of delivery %s was deleted", d.ID))
		case pruned:
			return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the delivery %s can't be tried again: the body of its event was pruned", d.ID)).WithHint("retention.bodies says how long bodies are kept")
		}
		early, err := tx.early(`SELECT retried FROM delivery WHERE webhook = ? AND event = ? AND run = ?`, now, key.Webhook, key.Event, key.Run)
		if err != nil || early {
			return err
		}
		if err := s.revive(tx, d, now); err != nil {
			return err
		}
		committed.Due = append(committed.Due, key.Webhook)
		if err := tx.lift(key.Webhook, now, committed); err != nil {
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
			return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the delivery %s is %s already", d.ID, d.State))
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
	if err := s.ids.load(ctx, s); err != nil {
		return err
	}
	return s.alwaysReleasing(ctx, func(tx *session, committed *webhook.Committed) error {
		stmt, err := tx.statement(`SELECT ` + deliveryColumns + ` FROM ` + deliveryTables + ` WHERE d.webhook = ? AND d.event = ? AND d.run = ? AND ` + isNamed("?4"))
		if err != nil {
			return err
		}
		d, err := scanDelivery(stmt.QueryRowContext(background, key.Webhook, key.Event, key.Run, organization), &s.ids)
		if errors.Is(err, sql.ErrNoRows) {
			return webhook.NoDelivery(s.ids.delivery(key))
		}
		if err != nil {
			return err
		}
		return change(tx, d, committed)
	})
}
