package store

import (
	"context"
	"errors"
	"time"

	"sealpost/internal/webhook"
)

// KeepDeclines is how long the reason of a declined transaction is kept.
const KeepDeclines = 30 * 24 * time.Hour

// MaxDeclines bounds the reasons that are kept of one organization; the oldest
// go first.
const MaxDeclines = 100_000

// Decline keeps why an organization's platform declined a transaction. The newest
// reason of a transaction counts.
func (s *Store) Decline(ctx context.Context, organization, transaction, reason string, now time.Time) error {
	if err := s.spare(); err != nil {
		return err
	}
	var refused error
	err := s.shared(ctx, false, func(tx *session) error {
		refused = nil
		org, err := tx.organization(organization, false, now)
		var fault *webhook.Error
		if errors.As(err, &fault) {
			refused = err
			return nil
		}
		if err != nil {
			return err
		}
		if err := tx.exec(`INSERT INTO decline (organization, transaction_id, reason, at) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET reason = excluded.reason, at = excluded.at`, org, transaction, reason, millis(now)); err != nil {
			return err
		}
		var n int64
		if err := tx.row(`SELECT n FROM decline_count WHERE organization = ?`, []any{org}, &n); err != nil || n <= s.declines {
			return err
		}
		return tx.exec(`DELETE FROM decline WHERE organization = ?1 AND transaction_id IN
			(SELECT transaction_id FROM decline WHERE organization = ?1 ORDER BY at LIMIT ?2)`, org, n-s.declines)
	}, nil)
	return errors.Join(err, refused)
}

// declineReason finds the reason that an organization left for the transaction of
// a provider's event; empty when it left none, and when it is not asked for.
func (s *session) declineReason(organization string, in *webhook.Incoming) (reason string, err error) {
	if in.Declined == "" {
		return "", nil
	}
	err = s.row(`SELECT coalesce(max(reason), '') FROM decline WHERE organization = (SELECT seq FROM organization WHERE id = ?) AND transaction_id = ? AND at > ?`,
		[]any{organization, in.Declined, millis(in.At.Add(-KeepDeclines))}, &reason)
	return reason, err
}
