package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"sealpost/internal/webhook"
)

// Deleting an organization has two parts. One transaction takes it out of sight: from
// then on no name finds it, its tokens are revoked, its webhooks deleted with their
// secrets, its members gone. Its content may be large, so it goes in small steps, each a
// transaction of its own with a pause for others. After a crash, the daemon or another
// `org delete` goes on where the last step ended.
//
// Tombstones stay: the slug, which sign-up gives nobody again, and the ids of events with
// the hashes of their contents.

// DeleteOrganization takes an organization, by id or slug, out of sight. While deliveries are
// pending or parked, or events held, it is [webhook.CodeConflict], unless cancel is
// given. [Store.Purge] removes the content then.
func (s *Store) DeleteOrganization(ctx context.Context, organization string, cancel bool, now time.Time) error {
	return s.always(ctx, func(tx *session) error {
		org, err := tx.organization(organization, false, time.Time{})
		if err != nil {
			return err
		}
		var slug string
		var deliveries, held bool
		if err := tx.row(`SELECT slug, EXISTS (SELECT 1 FROM webhook w JOIN delivery d ON d.webhook = w.seq AND d.state = 0 WHERE w.organization = o.seq AND w.deleted_at IS NULL),
			EXISTS (SELECT 1 FROM event INDEXED BY event_waiting WHERE organization = o.seq AND state = 1) FROM organization o WHERE o.seq = ?`, []any{org}, &slug, &deliveries, &held); err != nil {
			return err
		}
		if (deliveries || held) && !cancel {
			what := "deliveries that are pending or parked"
			if held {
				what = "events that are held"
			}
			return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the organization %q has %s", slug, what)).
				WithHint("wait until they have ended, or cancel them all with --cancel")
		}
		for _, step := range []struct {
			query string
			args  []any
		}{
			{`INSERT INTO deletion (organization, slug) VALUES (?, ?)`, []any{org, slug}},
			{`UPDATE organization SET deleted_at = ?, slug = id, name = id WHERE seq = ?`, []any{millis(now), org}},
			{`UPDATE token SET revoked_at = ? WHERE organization = ? AND revoked_at IS NULL`, []any{millis(now), org}},
			{`DELETE FROM signing_secret WHERE webhook IN (SELECT seq FROM webhook WHERE organization = ?)`, []any{org}},
			{`UPDATE webhook SET deleted_at = ?1, updated_at = ?1 WHERE organization = ?2 AND deleted_at IS NULL`, []any{millis(now), org}},
			{`UPDATE session SET active = NULL WHERE active = ?`, []any{org}},
			{`DELETE FROM invitation WHERE organization = ?`, []any{org}},
			{`DELETE FROM member WHERE organization = ?`, []any{org}},
			{`DELETE FROM bound WHERE organization = ?`, []any{org}},
		} {
			if err := tx.exec(step.query, step.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Deleted reports whether an organization, by id or by the slug that it had, is deleted
// and has content left that [Store.Purge] removes.
func (s *Store) Deleted(ctx context.Context, organization string) (unfinished bool, err error) {
	err = s.row(ctx, `SELECT EXISTS (SELECT 1 FROM deletion d JOIN organization o ON o.seq = d.organization WHERE (d.slug = ?1 OR o.id = ?1) AND d.ended_at IS NULL)`, []any{organization}, &unfinished)
	return unfinished, fault(s.path, err)
}

// Purge removes the content of deleted organizations, in small steps. gentle leaves the
// file to others most of the time. It may run beside anything, another Purge included.
func (s *Store) Purge(ctx context.Context, gentle bool, now time.Time) error {
	for {
		var org int64
		err := s.row(ctx, `SELECT organization FROM deletion WHERE ended_at IS NULL ORDER BY organization LIMIT 1`, nil, &org)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fault(s.path, err)
		}
		for more := true; more; {
			began := time.Now()
			err := s.shared(ctx, true, func(tx *session) (err error) {
				more, err = tx.purge(ctx, org, now)
				return err
			}, nil)
			if err != nil {
				return err
			}
			pause := time.Duration(0)
			if gentle {
				pause = pruneRest * time.Since(began)
			}
			if err := rest(ctx, pause); err != nil {
				return err
			}
		}
	}
}

// purge takes one step of the removal of an organization's content and reports whether
// more is left.
func (s *session) purge(ctx context.Context, org int64, now time.Time) (more bool, err error) {
	var upto string
	var ended bool
	if err := s.row(`SELECT upto, ended_at IS NOT NULL FROM deletion WHERE organization = ?`, []any{org}, &upto, &ended); err != nil || ended {
		return false, err
	}
	events, last, err := s.doomed(ctx, org, upto)
	if err != nil {
		return false, err
	}
	if len(events) > 0 {
		for target, seqs := range byTarget(events) {
			for _, table := range []string{"response", "attempt", "delivery"} {
				if err := s.exec(`DELETE FROM `+table+` WHERE webhook = ?1 AND event IN (SELECT value FROM json_each(?2))`, target, list(seqs)); err != nil {
					return false, err
				}
			}
		}
		all := list(numbers(events))
		if err := s.exec(`DELETE FROM hold WHERE event IN (SELECT value FROM json_each(?))`, all); err != nil {
			return false, err
		}
		if err := s.exec(`UPDATE event SET state = ? WHERE seq IN (SELECT value FROM json_each(?)) AND state != ?`, eventReverted, all, eventAccepted); err != nil {
			return false, err
		}
		if err := s.shrink(ctx, numbers(events), true); err != nil {
			return false, err
		}
		return true, s.exec(`UPDATE deletion SET upto = ? WHERE organization = ?`, last, org)
	}
	for _, query := range []string{
		// Events of its users that came before they were linked; what came after the
		// organization was deleted is of users whom nobody has linked.
		`DELETE FROM unlinked_event WHERE seq IN (SELECT u.seq FROM credential c CROSS JOIN unlinked_event u ON u.provider = c.provider AND u.user = c.user
			WHERE c.organization = ?1 AND u.at <= (SELECT deleted_at FROM organization WHERE seq = ?1) LIMIT ?2)`,
		`DELETE FROM credential WHERE organization = ?1 AND (provider, user) IN (SELECT provider, user FROM credential WHERE organization = ?1 LIMIT ?2)`,
		`DELETE FROM decline WHERE organization = ?1 AND transaction_id IN (SELECT transaction_id FROM decline WHERE organization = ?1 LIMIT ?2)`,
		`UPDATE webhook SET url = '', routes = '{}', config = '{}' WHERE seq IN (SELECT seq FROM webhook WHERE organization = ?1 AND url != '' LIMIT ?2)`,
	} {
		n, err := s.changed(query, org, pruneLeast)
		if n > 0 || err != nil {
			return true, err
		}
	}
	for _, query := range []string{
		`DELETE FROM decline_count WHERE organization = ?`,
		`DELETE FROM missing WHERE webhook IN (SELECT seq FROM webhook WHERE organization = ?)`,
		`DELETE FROM stored WHERE organization = ?`,
	} {
		if err := s.exec(query, org); err != nil {
			return false, err
		}
	}
	return false, s.exec(`UPDATE deletion SET ended_at = ? WHERE organization = ?`, millis(now), org)
}

// doomed reads the next events of a deleted organization, in order of their ids: so many
// that a step stays small in rows and bytes, and at least one.
func (s *session) doomed(ctx context.Context, org int64, after string) (events []grown, last string, err error) {
	rows, err := s.conn.QueryContext(ctx, `SELECT seq, id, coalesce(length(bytes), 0), fanout FROM event WHERE organization = ? AND id > ? ORDER BY id LIMIT ?`, org, after, pruneMost)
	if err != nil {
		return nil, "", err
	}
	defer closeRows(rows, &err)
	size, taken := int64(0), 0
	for rows.Next() {
		var e grown
		var id string
		var packed []byte
		if err := rows.Scan(&e.seq, &id, &e.size, &packed); err != nil {
			return nil, "", err
		}
		e.fanout = decodeFanout(packed)
		size += e.size
		taken += 1 + len(e.fanout)
		if len(events) > 0 && (size > pruneBytes || taken > pruneMost) {
			break
		}
		events, last = append(events, e), id
	}
	return events, last, nil
}
