package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"sealpost/internal/webhook"
)

// Finish records what came of attempts: the attempt and the transition
// together, and only while the claim under which the attempt was made is
// still the delivery's own. stale lists the outcomes that came too late: a
// person cancelled or retried the delivery meanwhile. When one of the outcomes
// can't be recorded ([webhook.Outcome.Check]), none is.
func (s *Store) Finish(ctx context.Context, outcomes []*webhook.Outcome) (stale []*webhook.Outcome, err error) {
	for _, o := range outcomes {
		if err := o.Check(); err != nil {
			return nil, err
		}
	}
	disabled := false
	err = s.shared(ctx, true, func(tx *session) error {
		stale, disabled = nil, false
		for _, o := range outcomes {
			recorded, err := tx.finish(o)
			if err != nil {
				return err
			}
			switch {
			case !recorded:
				stale = append(stale, o)
			case o.State != webhook.Pending:
				s.tallies.note(note{webhook: o.Work.Key.Webhook, deliveries: -1})
			}
			disabled = disabled || o.Disabled != ""
		}
		return nil
	}, func() {
		if disabled {
			s.notify(webhook.Committed{Changed: true})
		}
	})
	return stale, err
}

func (s *session) finish(o *webhook.Outcome) (recorded bool, err error) {
	w, a := o.Work, o.Attempt
	o.Disabled = ""
	if err := s.pace(o); err != nil { // it holds also when the delivery was changed meanwhile
		return false, err
	}
	if w.Attempts > 0 {
		// The last attempt makes room for this one.
		err := s.exec(`INSERT INTO attempt (webhook, event, run, n, at, duration, status, error, url)
			SELECT webhook, event, run, attempts, at, duration, status, error, url FROM delivery
			WHERE webhook = ? AND event = ? AND run = ? AND state = 0 AND claim = ? AND at IS NOT NULL`,
			w.Key.Webhook, w.Key.Event, w.Key.Run, w.Claim)
		if err != nil {
			return false, err
		}
	}
	state, err := stateNumber(o.State)
	if err != nil {
		return false, err
	}
	due := int64(0)
	if state == deliveryPending {
		due = millis(o.Due)
	}
	n, err := s.changed(`UPDATE delivery SET state = ?, claim = claim + 1, attempts = attempts + 1, due = ?, reason = ?, at = ?, duration = ?, status = ?, error = ?, url = ?
		WHERE webhook = ? AND event = ? AND run = ? AND state = 0 AND claim = ?`,
		state, due, orNull(o.Reason), millis(a.At), a.Duration.Microseconds(), a.Status, orNull(a.Error), orNull(a.URL),
		w.Key.Webhook, w.Key.Event, w.Key.Run, w.Claim)
	if err != nil || n == 0 {
		return false, err
	}
	if len(a.Response) > 0 {
		err = s.exec(`INSERT OR REPLACE INTO response (webhook, event, run, n, cut, body) VALUES (?, ?, ?, ?, ?, ?)`,
			w.Key.Webhook, w.Key.Event, w.Key.Run, w.Attempts+1, a.Cut, a.Response)
		if err == nil {
			err = s.answered(w.Key.Webhook, len(a.Response))
		}
	}
	if err != nil {
		return false, err
	}
	return true, s.health(o)
}

// answered counts an answer's bytes.
func (s *session) answered(webhookSeq int64, bytes int) error {
	org, err := s.owner(webhookSeq)
	if errors.Is(err, sql.ErrNoRows) { // of a damaged file
		return nil
	}
	s.tallies.note(note{organization: org, bytes: int64(bytes)})
	return err
}

// pace notes what the receiver asked for by Retry-After. It writes only what is
// later than what the file has: an outcome has it only when the engine did not
// know of such a pause already.
func (s *session) pace(o *webhook.Outcome) error {
	switch seq := o.Work.Key.Webhook; {
	case !o.RetryAfter.IsZero():
		return s.exec(`UPDATE webhook SET retry_after = ?2 WHERE seq = ?1 AND coalesce(retry_after, 0) < ?2`, seq, millis(o.RetryAfter.Time))
	case o.Lifted:
		return s.exec(`UPDATE webhook SET retry_after = NULL WHERE seq = ? AND retry_after <= ?`, seq, millis(o.Attempt.At))
	}
	return nil
}

// health notes how the webhook itself fares, and disables it when that is due. What
// the file has of it decides, since a person may have enabled it meanwhile.
func (s *session) health(o *webhook.Outcome) error {
	seq := o.Work.Key.Webhook
	if o.Recovered {
		err := s.exec(`UPDATE webhook SET failing_since = NULL, failures = 0, failure_hours = 0, failure_hour = 0 WHERE seq = ? AND failing_since IS NOT NULL`, seq)
		if err != nil {
			return err
		}
	}
	reason := o.Disable
	if o.Failed || o.Judge > 0 {
		var h webhook.Health
		var since sql.NullInt64
		if err := s.row(`SELECT failing_since, failures, failure_hours, failure_hour FROM webhook WHERE seq = ?`, []any{seq}, &since, &h.Failures, &h.Hours, &h.Hour); err != nil {
			if errors.Is(err, sql.ErrNoRows) {
				return nil // nobody's health
			}
			return err
		}
		h.Since = fromMillis(since.Int64)
		if o.Failed {
			h = h.Failed(o.Attempt.At)
			if err := s.exec(`UPDATE webhook SET failing_since = ?, failures = ?, failure_hours = ?, failure_hour = ? WHERE seq = ?`, millis(h.Since), h.Failures, h.Hours, h.Hour, seq); err != nil {
				return err
			}
		}
		if reason == "" && o.Judge > 0 && h.Hopeless(o.Attempt.At, o.Judge) {
			reason = fmt.Sprintf("every attempt has failed since %s", webhook.Timestamp(h.Since))
		}
	}
	if reason == "" {
		return nil
	}
	n, err := s.changed(`UPDATE webhook SET disabled = ?, updated_at = ? WHERE seq = ? AND disabled IS NULL`, reason, millis(o.Attempt.At), seq)
	if n > 0 {
		o.Disabled, s.fresh = reason, true
	}
	return err
}

var stateNumbers = map[webhook.DeliveryState]int{
	webhook.Pending: deliveryPending, webhook.Delivered: deliveryDelivered,
	webhook.Dead: deliveryDead, webhook.Cancelled: deliveryCancelled,
}

// stateNumber is the number under which a state is stored. A state that has none
// is an error: to write any number for it would make up what became of a delivery.
func stateNumber(state webhook.DeliveryState) (int, error) {
	n, known := stateNumbers[state]
	if !known {
		return 0, webhook.Errorf(webhook.CodeInternal, fmt.Sprintf("the delivery state %q can't be stored", state))
	}
	return n, nil
}
