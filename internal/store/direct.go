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

// EndDirect cancels what is left of a claim: a delivery that a process took
// upon itself is never handed to a daemon.
func (s *Store) EndDirect(ctx context.Context, claim, reason string) error {
	return s.separate(ctx, func(tx *session) error {
		return tx.exec(`UPDATE delivery SET state = ?, claim = claim + 1, reason = ? WHERE state = 0 AND direct = ?`, deliveryCancelled, reason, claim)
	})
}

// SweepDirect ends the claims of processes that died.
func (s *Store) SweepDirect(ctx context.Context) error {
	return deadClaims(s.path, func(claim string) error {
		return s.EndDirect(ctx, claim, "the process that published it directly has ended")
	})
}
