package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"sealpost/internal/webhook"
)

// Events of a user whom nobody has linked yet are kept apart from the
// quarantine, so that neither can push the other out. The oldest go first.
const (
	maxUnlinked     = 1000   // users that are counted; others come too late
	maxUserUnlinked = 100    // events that are kept of one user
	maxAllUnlinked  = 10_000 // events that are kept in all
)

// unlinked counts an event of a user who has no credential, and keeps it until
// the user is linked. Its id is not marked as known: the provider may send it
// again.
func (s *session) unlinked(in *webhook.Incoming, taken *webhook.Taking) error {
	err := s.known(in, taken) // the user may have been linked before
	switch {
	case err != nil:
		return err
	case taken.Repeated:
		return s.released(in)
	case taken.Conflicting:
		return s.conflicting(in, taken)
	case in.Pushed:
		return webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("the %s user %q is linked to no credential, so nothing would be sent; the event stays where it is", in.Provider, in.User)).
			WithHint("`sealpost credential link` first, then push it again")
	}
	taken.Ignored = webhook.UnknownUser
	if len(in.User) > webhook.MaxCredential {
		return nil // nobody can link them
	}
	if in.KeepUnlinked > 0 {
		taken.Waiting = true
		fresh, err := s.keepUnlinked(in, &taken.Forgotten)
		if err != nil || !fresh {
			return err
		}
	}
	return s.exec(`INSERT INTO unknown_user (provider, user, events, last_at) SELECT ?1, ?2, 1, ?3
		WHERE EXISTS (SELECT 1 FROM unknown_user WHERE provider = ?1 AND user = ?2) OR (SELECT count(*) FROM unknown_user) < ?4
		ON CONFLICT DO UPDATE SET events = events + 1, last_at = excluded.last_at`, in.Provider, in.User, millis(in.At), maxUnlinked)
}

// keepUnlinked keeps an event, once however often it comes, and counts what had
// to go for it. fresh is false when it is kept already.
func (s *session) keepUnlinked(in *webhook.Incoming, gone *int64) (fresh bool, err error) {
	added, err := s.changed(`INSERT INTO unlinked_event (provider, user, id, content, bytes, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		in.Provider, in.User, in.ID, in.Content[:], in.Raw, millis(in.At))
	if err != nil || added == 0 {
		return false, err
	}
	*gone, err = s.changed(`DELETE FROM unlinked_event WHERE provider = ?1 AND user = ?2 AND seq <=
		(SELECT seq FROM unlinked_event WHERE provider = ?1 AND user = ?2 ORDER BY seq DESC LIMIT 1 OFFSET ?3)`, in.Provider, in.User, maxUserUnlinked)
	if err != nil {
		return false, err
	}
	if s.kept <= 0 { // none, or nobody has counted them yet
		err = s.row(`SELECT count(*) FROM unlinked_event`, nil, &s.kept)
	} else {
		s.kept += added - *gone
	}
	if err != nil || s.kept <= maxAllUnlinked {
		return true, err
	}
	more, err := s.changed(`DELETE FROM unlinked_event WHERE seq IN (SELECT seq FROM unlinked_event ORDER BY seq LIMIT ?)`, s.kept-maxAllUnlinked)
	s.kept -= more
	*gone += more
	return true, err
}

// released drops the copy of an event that was kept for its user.
func (s *session) released(in *webhook.Incoming) error {
	if s.kept == 0 {
		return nil
	}
	gone, err := s.changed(`DELETE FROM unlinked_event WHERE provider = ? AND id = ? AND content = ?`, in.Provider, in.ID, in.Content[:])
	if s.kept > 0 {
		s.kept -= gone
	}
	return err
}

// Unlinked lists users of providers who had events and have no credential,
// the latest first.
func (s *Store) Unlinked(ctx context.Context) (found []webhook.UnlinkedUser, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT u.provider, u.user, u.events, u.last_at,
			(SELECT count(*) FROM unlinked_event e WHERE e.provider = u.provider AND e.user = u.user)
		FROM unknown_user u ORDER BY u.last_at DESC, u.provider, u.user`)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var u webhook.UnlinkedUser
		var last int64
		if err := rows.Scan(&u.Provider, &u.User, &u.Events, &last, &u.Kept); err != nil {
			return nil, fault(s.path, err)
		}
		u.Last = fromMillis(last)
		found = append(found, u)
	}
	return found, nil
}

// KeptUnlinked counts the events that are kept of a provider's user and came
// after a time.
func (s *Store) KeptUnlinked(ctx context.Context, provider, user string, after time.Time) (n int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT count(*) FROM unlinked_event WHERE provider = ? AND user = ? AND at > ?`, provider, user, millis(after)).Scan(&n)
	return n, fault(s.path, err)
}

// NextUnlinked finds the first event that is kept of a provider's user, came
// after a time, and stands behind another one by its number. found is false when
// there is none.
func (s *Store) NextUnlinked(ctx context.Context, provider, user string, behind int64, after time.Time) (seq int64, raw []byte, found bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT seq, bytes FROM unlinked_event WHERE provider = ? AND user = ? AND seq > ? AND at > ? ORDER BY seq LIMIT 1`,
		provider, user, behind, millis(after)).Scan(&seq, &raw)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil, false, nil
	}
	return seq, raw, err == nil, fault(s.path, err)
}

// ForgetUnlinked drops the events of unlinked users that came up to a time.
func (s *Store) ForgetUnlinked(ctx context.Context, upto time.Time) (gone int64, err error) {
	var any bool
	if err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM unlinked_event WHERE at <= ?)`, millis(upto)).Scan(&any); err != nil || !any {
		return 0, fault(s.path, err)
	}
	err = s.always(ctx, func(tx *session) error {
		gone, err = tx.changed(`DELETE FROM unlinked_event WHERE at <= ?`, millis(upto))
		return err
	})
	return gone, err
}
