package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

func (s *Store) insertSecret(tx *session, webhookSeq int64, value secret.Text, now time.Time) error {
	var row int64 // known before, for the secret is sealed to it
	if err := tx.row(`SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'signing_secret'), 0) + 1`, nil, &row); err != nil {
		return err
	}
	stored, isSealed, err := tx.sealed(s.key, value, row, millis(now), webhookSeq)
	if err != nil {
		return err
	}
	return tx.exec(`INSERT INTO signing_secret (seq, webhook, value, sealed, created_at) VALUES (?, ?, ?, ?, ?)`, row, webhookSeq, stored, isSealed, millis(now))
}

// Secrets lists a webhook's secrets, the current one first, with those that
// are kept after a rotation.
func (s *Store) Secrets(ctx context.Context, organization, name string) ([]webhook.SigningSecret, error) {
	w, err := s.Webhook(ctx, organization, name)
	if err != nil {
		return nil, err
	}
	return s.secretsBy(ctx, &s.lists, w.Organization, w.Name, w.Seq)
}

func (s *Store) secretsBy(ctx context.Context, by *reader, organization, name string, webhookSeq int64) (found []webhook.SigningSecret, err error) {
	rows, err := by.rows(ctx, `SELECT seq, value, sealed, created_at, ends_at FROM signing_secret WHERE webhook = ? ORDER BY ends_at IS NOT NULL, ends_at DESC, seq DESC`, webhookSeq)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var stored []byte
		var isSealed bool
		at := secretPlace{organization: organization, name: name, webhook: webhookSeq}
		var ends sql.NullInt64
		if err := rows.Scan(&at.row, &stored, &isSealed, &at.created, &ends); err != nil {
			return nil, fault(s.path, err)
		}
		value, err := s.unsealed(stored, isSealed, at)
		if err != nil {
			return nil, err
		}
		found = append(found, webhook.SigningSecret{Value: value, Created: fromMillis(at.created), Ends: fromMillis(ends.Int64)})
	}
	return found, nil
}

// Rotate replaces a webhook's secret. While an earlier rotation overlaps it
// answers [webhook.CodeRotationInProgress], unless forced. Secrets whose end
// is longer ago than [webhook.KeepRotated] go.
func (s *Store) Rotate(ctx context.Context, organization, name string, rotation webhook.Rotation, now time.Time) (until time.Time, err error) {
	until = now.Add(rotation.Overlap)
	err = s.separate(ctx, func(tx *session) error {
		org, err := tx.organization(organization, false, now)
		if err != nil {
			return instead(err, noWebhook(name))
		}
		found, err := tx.webhook(org, name)
		if err != nil {
			return err
		}
		if found == nil {
			return noWebhook(name)
		}
		if found.PreviousUntil.After(now) && !rotation.Force {
			return webhook.Errorf(webhook.CodeRotationInProgress,
				fmt.Sprintf("the secret of %q is being rotated: the old one signs until %s", name, webhook.Timestamp(found.PreviousUntil))).Advise()
		}
		if err := tx.exec(`UPDATE signing_secret SET ends_at = CASE WHEN ends_at IS NULL THEN ?3 ELSE ?2 END WHERE webhook = ?1 AND (ends_at IS NULL OR ends_at > ?2)`,
			found.Seq, millis(now), millis(until)); err != nil {
			return err
		}
		if err := tx.exec(`DELETE FROM signing_secret WHERE webhook = ? AND ends_at < ?`, found.Seq, millis(now.Add(-webhook.KeepRotated))); err != nil {
			return err
		}
		return s.insertSecret(tx, found.Seq, rotation.Secret, now)
	})
	return until, err
}
