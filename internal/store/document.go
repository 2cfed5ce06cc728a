package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// ImportWebhooks stores webhooks with their secrets, all or none, and the
// organization's type when one is given. One that is there already with the
// same configuration and secret is left as it is; any other difference is
// [webhook.CodeConflict]. Fields that an import does not name make no difference.
func (s *Store) ImportWebhooks(ctx context.Context, organization, kind string, webhooks []webhook.Imported, now time.Time) (created int, err error) {
	err = s.separate(ctx, func(tx *session) error {
		created = 0
		org, err := tx.organization(organization, true, now)
		if err != nil {
			return err
		}
		if kind != "" {
			if err := tx.exec(`UPDATE organization SET type = ? WHERE seq = ?`, kind, org); err != nil {
				return err
			}
		}
		var conflicts []string
		var crowded error
		for _, one := range webhooks {
			found, err := tx.webhook(org, one.Name)
			if err != nil {
				return err
			}
			have := webhook.Config{Name: one.Name}
			if found != nil {
				have = found.Config
			}
			config, err := one.Patch.Replace(have)
			if err != nil {
				return err
			}
			if found == nil {
				if err := s.insertWebhook(tx, org, config, orGenerated(one.Secret), now); err != nil {
					return err
				}
				created++
				crowded = errors.Join(crowded, s.urlsWithin(tx, org, webhook.Config{}, config))
				continue
			}
			same, err := s.sameAs(tx, found, config, one.Secret)
			if err != nil {
				return err
			}
			if !same {
				conflicts = append(conflicts, fmt.Sprintf("there is a webhook %q already, and it differs", config.Name))
			}
		}
		if conflicts != nil {
			return &webhook.Error{Code: webhook.CodeConflict, Messages: conflicts, Hint: "delete it first, or change it with `sealpost webhook apply`; nothing was imported"}
		}
		return errors.Join(s.webhooksWithin(tx, org, created), crowded)
	})
	return created, err
}

func orGenerated(value secret.Text) secret.Text {
	if value.IsZero() {
		return secret.Generate()
	}
	return value
}

// sameAs reports whether a stored webhook is what a document says.
func (s *Store) sameAs(tx *session, found *webhook.Webhook, config webhook.Config, value secret.Text) (bool, error) {
	if !found.Equal(&config) {
		return false, nil
	}
	if value.IsZero() {
		return true, nil
	}
	stored, err := s.currentSecret(tx, found)
	return stored.Reveal() == value.Reveal(), err
}

func (s *Store) currentSecret(tx *session, w *webhook.Webhook) (secret.Text, error) {
	var value []byte
	var sealed bool
	at := secretPlace{organization: w.Organization, name: w.Name, webhook: w.Seq}
	err := tx.row(`SELECT seq, created_at, value, sealed FROM signing_secret WHERE webhook = ? AND ends_at IS NULL`, []any{w.Seq}, &at.row, &at.created, &value, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return secret.Text{}, nil
	}
	if err != nil {
		return secret.Text{}, err
	}
	return s.unsealed(value, sealed, at)
}
