package store

import (
	"context"
	"time"

	"sealpost/internal/webhook"
)

// A suspended organization takes no calls of its tokens and members, and its deliveries
// are parked: each of its webhooks is disabled for that reason until it is resumed. So
// lists, bounds and the engine need no rule of their own, and a running daemon notices
// as it notices a webhook that was disabled. Events are stored all the same.

// Suspend suspends an organization, by id or slug, and returns it. Doing it twice is doing
// it once.
func (s *Store) Suspend(ctx context.Context, organization string, now time.Time) (webhook.Organization, error) {
	return s.changeOrganization(ctx, organization, func(tx *session, org int64) error {
		if n, err := tx.changed(`UPDATE organization SET suspended_at = ? WHERE seq = ? AND suspended_at IS NULL`, millis(now), org); n == 0 || err != nil {
			return err
		}
		return tx.exec(`UPDATE webhook SET disabled_before = disabled, disabled = ?, updated_at = ? WHERE organization = ? AND deleted_at IS NULL`,
			webhook.DisabledBySuspension, millis(now), org)
	})
}

// Resume ends the suspension of an organization and releases its deliveries. Webhooks
// that were disabled for another reason stay so.
func (s *Store) Resume(ctx context.Context, organization string, now time.Time) (webhook.Organization, error) {
	if err := s.spare(); err != nil {
		return webhook.Organization{}, err
	}
	return s.changeOrganization(ctx, organization, func(tx *session, org int64) error {
		if err := tx.exec(`UPDATE organization SET suspended_at = NULL WHERE seq = ? AND suspended_at IS NOT NULL`, org); err != nil {
			return err
		}
		return tx.exec(`UPDATE webhook SET disabled = disabled_before, disabled_before = NULL, updated_at = ? WHERE organization = ? AND deleted_at IS NULL AND disabled = ?`,
			millis(now), org, webhook.DisabledBySuspension)
	})
}

// changeOrganization changes an organization and returns it as it is then.
func (s *Store) changeOrganization(ctx context.Context, organization string, change func(tx *session, org int64) error) (webhook.Organization, error) {
	var id string
	err := s.always(ctx, func(tx *session) error {
		org, err := tx.organization(organization, false, time.Time{})
		if err != nil {
			return err
		}
		if err := tx.row(`SELECT id FROM organization WHERE seq = ?`, []any{org}, &id); err != nil {
			return err
		}
		return change(tx, org)
	})
	if err != nil {
		return webhook.Organization{}, err
	}
	return s.Organization(ctx, id)
}
