package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/bounds"
	"sealpost/internal/webhook"
)

const tokenColumns = `t.id, o.id, t.name, t.role, t.digest, t.created_at, t.expires_at, t.revoked_at, o.suspended_at IS NOT NULL`

func scanToken(row scanner) (t access.Token, err error) {
	var digest []byte
	var created int64
	var expires, revoked sql.NullInt64
	if err := row.Scan(&t.ID, &t.Organization, &t.Name, &t.Role, &digest, &created, &expires, &revoked, &t.Suspended); err != nil {
		return t, err
	}
	copy(t.Digest[:], digest)
	t.Created, t.Expires, t.Revoked = fromMillis(created), fromMillis(expires.Int64), fromMillis(revoked.Int64)
	return t, nil
}

// AddToken stores a token. Its name must be free among those not revoked. Past
// the bound on open tokens it is [webhook.CodeLimitReached].
func (s *Store) AddToken(ctx context.Context, organization string, t access.Token) error {
	return s.separate(ctx, func(tx *session) error {
		org, err := tx.organization(organization, true, t.Created)
		if err != nil {
			return err
		}
		var expires any
		if !t.Expires.IsZero() {
			expires = millis(t.Expires)
		}
		added, err := tx.changed(`INSERT INTO token (id, organization, name, role, digest, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			t.ID, org, t.Name, string(t.Role), t.Digest[:], millis(t.Created), expires)
		if err == nil && added == 0 {
			return webhook.Errorf(webhook.CodeNameConflict, fmt.Sprintf("there is a token %q already", t.Name)).WithHint("choose another name, or revoke that one first")
		}
		if err != nil {
			return err
		}
		return s.within(tx, org, bounds.Tokens, 1, `SELECT count(*) FROM token WHERE organization = ? AND `+openToken, org, millis(t.Created))
	})
}

// Token finds a token by id; a token that is not there is the zero Token,
// which no presented one fits. What it returns was read after it was called,
// so a revoked token counts from the next request, also when another process
// has revoked it; callers that ask for the same one meanwhile share a look.
func (s *Store) Token(ctx context.Context, id string) (access.Token, error) {
	return s.tokens.get(ctx, id)
}

// Remembered finds a token that was looked up before, without a look at the
// file. It may have been revoked since: what is published as of then is
// refused with [webhook.ErrOutdated] if anything that may be somebody's access
// has changed.
func (s *Store) Remembered(id string) (access.Token, bool) { return s.remembered.find(id) }

func (s *Store) readToken(ctx context.Context, id string) (access.Token, error) {
	asOf := s.remembered.now()
	stmt, err := s.access.statement(`SELECT ` + tokenColumns + ` FROM token t JOIN organization o ON o.seq = t.organization WHERE t.id = ?`)
	if err != nil {
		return access.Token{}, fault(s.path, err)
	}
	t, err := scanToken(stmt.QueryRowContext(ctx, id))
	if errors.Is(err, sql.ErrNoRows) {
		return access.Token{}, nil
	}
	if err == nil {
		s.remembered.keep(t, asOf)
	}
	return t, fault(s.path, err)
}

// Tokens lists an organization's tokens, oldest first.
func (s *Store) Tokens(ctx context.Context, organization string) (found []access.Token, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+tokenColumns+` FROM token t JOIN organization o ON o.seq = t.organization
		WHERE `+isNamed("?1")+` ORDER BY t.created_at, t.id`, organization)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		t, err := scanToken(rows)
		if err != nil {
			return nil, fault(s.path, err)
		}
		found = append(found, t)
	}
	return found, nil
}

// RevokeToken revokes a token by id or name.
func (s *Store) RevokeToken(ctx context.Context, organization, name string, now time.Time) error {
	return s.always(ctx, func(tx *session) error {
		org, err := tx.organization(organization, false, now)
		if err != nil {
			return err
		}
		n, err := tx.changed(`UPDATE token SET revoked_at = ? WHERE organization = ? AND (id = ?3 OR name = ?3) AND revoked_at IS NULL`, millis(now), org, name)
		if err == nil && n == 0 {
			return webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("no token %q", name)).WithHint("`sealpost token list` shows them")
		}
		return err
	})
}

// AnyToken reports whether there is a token at all, so that a fresh daemon can
// say how to make one.
func (s *Store) AnyToken(ctx context.Context) (found bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM token WHERE revoked_at IS NULL)`).Scan(&found)
	return found, fault(s.path, err)
}
