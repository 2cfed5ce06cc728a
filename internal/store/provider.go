package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"sealpost/internal/webhook"
)

const (
	maxQuarantine  = 1000   // events of providers that are kept in quarantine; the oldest go first
	maxCredentials = 10_000 // that are remembered
	maxUnlinked    = 1000   // users of providers that are counted though nobody has linked them; others come too late
)

// Take stores what one event of a provider causes, in one transaction: that it
// is known, and our event with its deliveries; or that it is ignored; or its
// bytes in quarantine. An event that is known already changes nothing.
func (s *Store) Take(ctx context.Context, in webhook.Incoming) (taken webhook.Taking, err error) {
	var committed webhook.Committed
	var refused error
	err = s.shared(ctx, false, func(tx *session) error {
		taken, committed, refused = webhook.Taking{}, webhook.Committed{}, nil
		err := s.take(tx, &in, &taken, &committed)
		var fault *webhook.Error
		if errors.As(err, &fault) {
			refused = err
			return nil
		}
		if err != nil {
			s.fanouts.forget()
		}
		return err
	}, func() {
		if committed.First != 0 {
			s.notify(committed)
		}
	})
	return taken, errors.Join(err, refused)
}

func (s *Store) take(tx *session, in *webhook.Incoming, taken *webhook.Taking, committed *webhook.Committed) error {
	if in.Faults != nil {
		if in.ID != "" {
			err := tx.row(`SELECT EXISTS (SELECT 1 FROM provider_event WHERE provider = ? AND id = ?)`, []any{in.Provider, in.ID}, &taken.Repeated)
			if err != nil || taken.Repeated {
				return err
			}
		}
		taken.Kept = true
		return tx.quarantine(in, &taken.Dropped)
	}
	if err := s.begin(tx); err != nil {
		return err
	}
	if in.Ignored != "" {
		return tx.ignore(in, in.Ignored, taken)
	}
	c, known, err := s.credential(tx, in)
	if err != nil {
		return err
	}
	if !known && in.Pushed {
		return tx.stays(in, taken)
	}
	if !known {
		if err := tx.ignore(in, webhook.UnknownUser, taken); err != nil || taken.Repeated {
			return err
		}
		return tx.unlinked(in)
	}
	// The row goes in before our event, whose number is known by then: one
	// statement says that it is new and makes it known.
	expected := tx.next
	fresh, err := tx.know(in, expected, "")
	if err != nil || !fresh {
		taken.Repeated = !fresh
		return err
	}
	p, err := in.Publication(c)
	if err == nil {
		taken.Event, err = s.publish(tx, &p, committed)
	}
	if err != nil { // it may be taken another time
		if failed := tx.exec(`DELETE FROM provider_event WHERE provider = ? AND id = ?`, in.Provider, in.ID); failed != nil {
			return failed
		}
		return err
	}
	if taken.Event.Seq == expected {
		return nil
	}
	return tx.exec(`UPDATE provider_event SET event = ? WHERE provider = ? AND id = ?`, taken.Event.Seq, in.Provider, in.ID)
}

// know makes a provider's event known and reports whether it was not.
func (s *session) know(in *webhook.Incoming, event any, ignored string) (fresh bool, err error) {
	n, err := s.changed(`INSERT INTO provider_event (provider, id, event, ignored, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		in.Provider, in.ID, event, orNull(ignored), millis(in.At))
	return n == 1, err
}

// ignore makes an event known for which nothing is sent.
func (s *session) ignore(in *webhook.Incoming, why string, taken *webhook.Taking) error {
	fresh, err := s.know(in, nil, why)
	if taken.Repeated = !fresh; fresh {
		taken.Ignored = why
	}
	return err
}

// stays keeps an event in quarantine for whose user nothing would be sent. The
// provider may be done with it: once it is known, nobody asks for it again.
func (s *session) stays(in *webhook.Incoming, taken *webhook.Taking) error {
	err := s.row(`SELECT EXISTS (SELECT 1 FROM provider_event WHERE provider = ? AND id = ?)`, []any{in.Provider, in.ID}, &taken.Repeated)
	if err != nil || taken.Repeated {
		return err
	}
	return webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("the %s user %q is linked to no credential, so nothing would be sent; the event stays in quarantine", in.Provider, in.User)).
		WithHint("`sealpost credential link` first, then push it again")
}

// credential finds whom an event is for. What was found is remembered until
// something else than publishing has changed the file.
func (s *Store) credential(tx *session, in *webhook.Incoming) (webhook.Credential, bool, error) {
	key := [2]string{in.Provider, in.User}
	c, known := s.credentials[key]
	if known {
		return c, true, nil
	}
	c = webhook.Credential{Provider: in.Provider, User: in.User}
	err := tx.row(`SELECT c.credential, o.id FROM credential c JOIN organization o ON o.seq = c.organization WHERE c.provider = ? AND c.user = ? AND o.deleted_at IS NULL`,
		[]any{in.Provider, in.User}, &c.ID, &c.Organization)
	if errors.Is(err, sql.ErrNoRows) {
		return c, false, nil
	}
	if err != nil {
		return c, false, err
	}
	if len(s.credentials) >= maxCredentials {
		clear(s.credentials)
	}
	s.credentials[key] = c
	return c, true, nil
}

// unlinked counts an event of a user who has no credential.
func (s *session) unlinked(in *webhook.Incoming) error {
	if len(in.User) > webhook.MaxCredential {
		return nil // nobody can link them
	}
	return s.exec(`INSERT INTO unknown_user (provider, user, events, last_at) SELECT ?1, ?2, 1, ?3
		WHERE EXISTS (SELECT 1 FROM unknown_user WHERE provider = ?1 AND user = ?2) OR (SELECT count(*) FROM unknown_user) < ?4
		ON CONFLICT DO UPDATE SET events = events + 1, last_at = excluded.last_at`, in.Provider, in.User, millis(in.At), maxUnlinked)
}

// Unlinked lists users of providers who had events and have no credential,
// the latest first.
func (s *Store) Unlinked(ctx context.Context) (found []webhook.UnlinkedUser, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT provider, user, events, last_at FROM unknown_user ORDER BY last_at DESC, provider, user`)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var u webhook.UnlinkedUser
		var last int64
		if err := rows.Scan(&u.Provider, &u.User, &u.Events, &last); err != nil {
			return nil, fault(s.path, err)
		}
		u.Last = fromMillis(last)
		found = append(found, u)
	}
	return found, nil
}

// quarantine keeps an event that does not fit, once however often it comes, and
// counts what had to go for it.
func (s *session) quarantine(in *webhook.Incoming, dropped *int64) error {
	digest := sha256.Sum256(in.Raw)
	seq, err := s.insert(`INSERT INTO quarantine (provider, digest, bytes, faults, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		in.Provider, digest[:], in.Raw, strings.Join(in.Faults, "\n"), millis(in.At))
	if err != nil || seq == 0 {
		return err
	}
	// Not by the number alone: one that comes again uses a number up.
	*dropped, err = s.changed(`DELETE FROM quarantine WHERE seq <= (SELECT seq FROM quarantine ORDER BY seq DESC LIMIT 1 OFFSET ?)`, maxQuarantine)
	return err
}

// Quarantine lists events of providers that did not fit, the newest first and
// without their bytes.
func (s *Store) Quarantine(ctx context.Context) (found []webhook.QuarantinedIntake, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT seq, provider, faults, at FROM quarantine ORDER BY seq DESC`)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var q webhook.QuarantinedIntake
		var faults string
		var at int64
		if err := rows.Scan(&q.Seq, &q.Provider, &faults, &at); err != nil {
			return nil, fault(s.path, err)
		}
		q.Faults, q.At = strings.Split(faults, "\n"), fromMillis(at)
		found = append(found, q)
	}
	return found, nil
}

// Quarantined is one of them, as it came.
func (s *Store) Quarantined(ctx context.Context, seq int64) (provider string, raw []byte, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT provider, bytes FROM quarantine WHERE seq = ?`, seq).Scan(&provider, &raw)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil, webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("nothing is in quarantine under %d", seq)).
			WithHint("`sealpost quarantine list` shows what is")
	}
	return provider, raw, fault(s.path, err)
}

// DropQuarantined removes an event from quarantine, after it was taken.
func (s *Store) DropQuarantined(ctx context.Context, seq int64) error {
	return s.separate(ctx, func(tx *session) error { return tx.exec(`DELETE FROM quarantine WHERE seq = ?`, seq) })
}

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
	return s.separate(ctx, func(tx *session) error {
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
