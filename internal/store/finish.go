package store

import (
	"context"
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
		stale = nil
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
			disabled = disabled || o.Disable != ""
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
	}
	if err != nil {
		return false, err
	}
	return true, s.health(o)
}

// health notes how the webhook itself fares.
func (s *session) health(o *webhook.Outcome) error {
	seq := o.Work.Key.Webhook
	var err error
	switch {
	case o.Failing:
		err = s.exec(`UPDATE webhook SET failing_since = ? WHERE seq = ? AND failing_since IS NULL`, millis(o.Attempt.At), seq)
	case o.Recovered:
		err = s.exec(`UPDATE webhook SET failing_since = NULL WHERE seq = ? AND failing_since IS NOT NULL`, seq)
	}
	if err != nil || o.Disable == "" {
		return err
	}
	s.fresh = true
	return s.exec(`UPDATE webhook SET disabled = ?, updated_at = ? WHERE seq = ? AND disabled IS NULL`, o.Disable, millis(o.Attempt.At), seq)
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
