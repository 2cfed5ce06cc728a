package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"sealpost/internal/access"
)

// UseNonce keeps a used nonce, forgets those whose time is over, and reports
// whether it was not kept before.
func (s *Store) UseNonce(ctx context.Context, id access.NonceID, until, now time.Time) (fresh bool, err error) {
	err = s.separate(ctx, func(tx *session) error {
		if err := tx.exec(`DELETE FROM used_nonce WHERE expires_at <= ?`, millis(now)); err != nil {
			return err
		}
		n, err := tx.changed(`INSERT INTO used_nonce (id, expires_at) VALUES (?, ?) ON CONFLICT (id) DO NOTHING`, id[:], millis(until))
		fresh = n == 1
		return err
	})
	return fresh && err == nil, err
}

// user finds a wallet's user, who is made of the candidate on first sight.
func (s *session) user(candidate access.User) (seq int64, user access.User, err error) {
	if _, err := s.insert(`INSERT INTO user (id, address, created_at) VALUES (?, ?, ?) ON CONFLICT (address) DO NOTHING`,
		candidate.ID, candidate.Address[:], millis(candidate.Created)); err != nil {
		return 0, user, err
	}
	var created int64
	err = s.row(`SELECT seq, id, created_at FROM user WHERE address = ?`, []any{candidate.Address[:]}, &seq, &user.ID, &created)
	user.Address, user.Created = candidate.Address, fromMillis(created)
	return seq, user, err
}

// AddSession keeps a session of the user with the candidate's address. It
// forgets sessions that have ended, and the user's oldest beyond
// [access.MaxSessions].
func (s *Store) AddSession(ctx context.Context, candidate access.User, new access.Session) (user access.User, err error) {
	err = s.separate(ctx, func(tx *session) error {
		if err := tx.exec(`DELETE FROM session WHERE expires_at <= ?`, millis(new.Created)); err != nil {
			return err
		}
		var seq int64
		var err error
		if seq, user, err = tx.user(candidate); err != nil {
			return err
		}
		if err := tx.exec(`DELETE FROM session WHERE digest IN (SELECT digest FROM session WHERE user = ? ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET ?)`,
			seq, access.MaxSessions-1); err != nil {
			return err
		}
		return tx.exec(`INSERT INTO session (digest, id, user, claim, created_at, updated_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			new.Digest[:], new.ID, seq, new.Claim, millis(new.Created), millis(new.Updated), millis(new.Expires))
	})
	return user, err
}

// Session finds a live session and its user by the token's digest.
func (s *Store) Session(ctx context.Context, digest access.Digest, now time.Time) (found access.Session, user access.User, ok bool, err error) {
	var address []byte
	var created, updated, expires, userCreated int64
	err = s.access.db.QueryRowContext(ctx, `SELECT s.id, s.claim, coalesce(o.id, ''), s.created_at, s.updated_at, s.expires_at, u.id, u.address, u.created_at
		FROM session s JOIN user u ON u.seq = s.user LEFT JOIN organization o ON o.seq = s.active AND o.deleted_at IS NULL
		WHERE s.digest = ? AND s.expires_at > ?`, digest[:], millis(now)).
		Scan(&found.ID, &found.Claim, &found.Active, &created, &updated, &expires, &user.ID, &address, &userCreated)
	if errors.Is(err, sql.ErrNoRows) {
		return access.Session{}, access.User{}, false, nil
	}
	if err != nil {
		return access.Session{}, access.User{}, false, fault(s.path, err)
	}
	copy(user.Address[:], address)
	user.Created = fromMillis(userCreated)
	found.User, found.Digest = user.ID, digest
	found.Created, found.Updated, found.Expires = fromMillis(created), fromMillis(updated), fromMillis(expires)
	return found, user, true, nil
}

// RenewSession prolongs a live session.
func (s *Store) RenewSession(ctx context.Context, digest access.Digest, expires, now time.Time) error {
	return s.always(ctx, func(tx *session) error {
		return tx.exec(`UPDATE session SET updated_at = ?1, expires_at = ?2 WHERE digest = ?3 AND expires_at > ?1`, millis(now), millis(expires), digest[:])
	})
}

// EndSession forgets a session.
func (s *Store) EndSession(ctx context.Context, digest access.Digest) error {
	return s.always(ctx, func(tx *session) error {
		return tx.exec(`DELETE FROM session WHERE digest = ?`, digest[:])
	})
}
