package store

import (
	"context"

	"sealpost/internal/webhook"
)

// Direct lists the deliveries that a process has claimed for itself.
func (s *Store) Direct(ctx context.Context, keys []webhook.DeliveryKey, claim string) (found []*webhook.Work, err error) {
	for _, key := range keys {
		work, err := s.work(ctx, `d.webhook = ? AND d.event = ? AND d.run = ? AND d.state = 0 AND d.direct = ?`, key.Webhook, key.Event, key.Run, claim)
		if err != nil {
			return nil, err
		}
		for _, w := range work {
			if w.Bytes == nil {
				if w.Bytes, err = s.Payload(ctx, w.Key.Event); err != nil {
					return nil, err
				}
			}
		}
		found = append(found, work...)
	}
	return found, nil
}

// DirectReceiver reads where the next attempt of a delivery goes that a process
// has claimed. It is nil when that one is not to be made: the delivery is no more
// the process's, or its webhook is disabled or deleted.
func (s *Store) DirectReceiver(ctx context.Context, work *webhook.Work, claim string) (*webhook.Receiver, error) {
	var claimed bool
	err := s.row(ctx, `SELECT EXISTS (SELECT 1 FROM delivery WHERE webhook = ? AND event = ? AND run = ? AND state = 0 AND claim = ? AND direct = ?)`,
		[]any{work.Key.Webhook, work.Key.Event, work.Key.Run, work.Claim, claim}, &claimed)
	if err != nil || !claimed {
		return nil, fault(s.path, err)
	}
	r, err := s.Receiver(ctx, work.Key.Webhook)
	if err != nil || r.Disabled || r.Deleted {
		return nil, err
	}
	return r, nil
}

// Unclaimed reports whether any of some events' deliveries waits for a daemon.
func (s *Store) Unclaimed(ctx context.Context, keys []webhook.DeliveryKey) (waits bool, err error) {
	for _, key := range keys {
		err = s.row(ctx, `SELECT EXISTS (SELECT 1 FROM delivery d JOIN webhook w ON w.seq = d.webhook
			WHERE d.webhook = ? AND d.event = ? AND d.state = 0 AND d.direct IS NULL AND w.disabled IS NULL AND w.deleted_at IS NULL)`, []any{key.Webhook, key.Event}, &waits)
		if err != nil || waits {
			return waits, fault(s.path, err)
		}
	}
	return false, nil
}

// EndDirect cancels what is left of a claim: a delivery that a process took
// upon itself is never handed to a daemon.
func (s *Store) EndDirect(ctx context.Context, claim, reason string) error {
	return s.always(ctx, func(tx *session) error {
		s.tallies.distrust()
		return tx.exec(`UPDATE delivery SET state = ?, claim = claim + 1, reason = coalesce(
				(SELECT CASE WHEN w.deleted_at IS NOT NULL THEN ? WHEN w.disabled IS NOT NULL THEN 'the webhook is disabled' END FROM webhook w WHERE w.seq = delivery.webhook), ?)
			WHERE state = 0 AND direct = ?`, deliveryCancelled, deletedReason, reason, claim)
	})
}

// HasDirect reports whether anything is left of a claim.
func (s *Store) HasDirect(ctx context.Context, claim string) (left bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM delivery WHERE state = 0 AND direct = ?)`, claim).Scan(&left)
	return left, fault(s.path, err)
}

// SweepDirect ends the claims of processes that died.
func (s *Store) SweepDirect(ctx context.Context) error {
	return deadClaims(s.path, func(claim string) error {
		return s.EndDirect(ctx, claim, "the process that published it directly has ended")
	})
}
