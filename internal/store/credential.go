package store

import (
	"context"
	"fmt"
	"time"

	"sealpost/internal/webhook"
)

// LinkCredentials ties a provider's users to credentials of an organization,
// all or none. A user who is tied to another organization already is a conflict.
func (s *Store) LinkCredentials(ctx context.Context, organization string, now time.Time, credentials ...webhook.Credential) error {
	return s.separate(ctx, func(tx *session) error {
		org, err := tx.organization(organization, true, now)
		if err != nil {
			return err
		}
		var conflicts []string
		for _, c := range credentials {
			n, err := tx.changed(`INSERT INTO credential (provider, user, credential, organization, created_at) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT DO UPDATE SET credential = excluded.credential, organization = excluded.organization, created_at = CASE WHEN organization = excluded.organization THEN created_at ELSE excluded.created_at END
				WHERE organization = excluded.organization OR (SELECT deleted_at IS NOT NULL FROM organization WHERE seq = credential.organization)`,
				c.Provider, c.User, c.ID, org, millis(now))
			if err != nil {
				return err
			}
			if err := tx.exec(`DELETE FROM unknown_user WHERE provider = ? AND user = ?`, c.Provider, c.User); err != nil {
				return err
			}
			if n == 0 {
				conflicts = append(conflicts, fmt.Sprintf("the %s user %q is linked to another organization", c.Provider, c.User))
			}
		}
		if conflicts != nil {
			return &webhook.Error{Code: webhook.CodeConflict, Messages: conflicts, Hint: "unlink it there first; nothing was linked"}
		}
		return nil
	})
}

// UnlinkCredential unties a provider's user.
func (s *Store) UnlinkCredential(ctx context.Context, organization, provider, user string) error {
	return s.always(ctx, func(tx *session) error {
		org, err := tx.organization(organization, false, time.Time{})
		if err != nil {
			return err
		}
		n, err := tx.changed(`DELETE FROM credential WHERE organization = ? AND provider = ? AND user = ?`, org, provider, user)
		if err == nil && n == 0 {
			return webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("no %s user %q is linked", provider, user)).WithHint("`sealpost credential list` shows them")
		}
		return err
	})
}

// Credentials lists an organization's credentials by provider and user.
func (s *Store) Credentials(ctx context.Context, organization string) (found []webhook.Credential, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT c.provider, c.user, c.credential, o.id, c.created_at FROM credential c
		JOIN organization o ON o.seq = c.organization WHERE `+isNamed("?1")+` ORDER BY c.provider, c.user`, organization)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var c webhook.Credential
		var created int64
		if err := rows.Scan(&c.Provider, &c.User, &c.ID, &c.Organization, &created); err != nil {
			return nil, fault(s.path, err)
		}
		c.Created = fromMillis(created)
		found = append(found, c)
	}
	return found, nil
}
