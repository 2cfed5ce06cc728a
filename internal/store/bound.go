package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"sealpost/internal/bounds"
)

// ownBounds are the bounds that one organization has of its own, by kind; what
// is missing is as the settings say.
type ownBounds struct {
	onMachine bool // where it was made
	values    map[bounds.Kind]int64
}

// boundsOf reads them.
const boundsOf = `SELECT o.maker = 'machine', b.name, b.value FROM organization o LEFT JOIN bound b ON b.organization = o.seq `

// over puts an organization's own bounds over the settings.
func (o ownBounds) over(settings bounds.Values) bounds.Values {
	values := settings.For(o.onMachine)
	for kind, value := range o.values {
		values[kind] = value
	}
	return values
}

// scanBounds reads the rows of boundsOf. A name that this program does not know is
// left out.
func scanBounds(rows *sql.Rows) (own ownBounds, err error) {
	defer closeRows(rows, &err)
	own.values = make(map[bounds.Kind]int64)
	for rows.Next() {
		var name sql.NullString
		var value sql.NullInt64
		if err := rows.Scan(&own.onMachine, &name, &value); err != nil {
			return own, err
		}
		for _, row := range bounds.Table {
			if name.Valid && row.Key == name.String {
				own.values[row.Kind] = value.Int64
			}
		}
	}
	return own, nil
}

func (s *Store) ownBounds(ctx context.Context, organization string) (ownBounds, error) {
	rows, err := s.rows(ctx, boundsOf+`WHERE `+isNamed("?1"), organization)
	if err != nil {
		return ownBounds{}, fault(s.path, err)
	}
	own, err := scanBounds(rows)
	return own, fault(s.path, err)
}

// Bounds are what an organization may have, by id or slug.
func (s *Store) Bounds(ctx context.Context, organization string) (bounds.Values, error) {
	own, err := s.ownBounds(ctx, organization)
	return own.over(s.fanouts.settings), err
}

// SetBounds changes what one organization may have. nil takes a bound of its own
// away, and the settings count again. Running daemons obey at once.
func (s *Store) SetBounds(ctx context.Context, organization string, changes map[bounds.Kind]*int64) error {
	return s.separate(ctx, func(tx *session) error {
		org, err := tx.organization(organization, false, time.Time{})
		if err != nil {
			return err
		}
		for kind, value := range changes {
			key := bounds.Table[kind].Key
			if value == nil {
				err = tx.exec(`DELETE FROM bound WHERE organization = ? AND name = ?`, org, key)
			} else {
				err = tx.exec(`INSERT INTO bound (organization, name, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`, org, key, *value)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Use is what an organization has, and what it may have.
type Use struct {
	Organization string        // slug
	Used         bounds.Values // what it has; of webhooks' URLs, the most that one has
	Values       bounds.Values // what it may have
	Own          [bounds.Kinds]bool
}

// Use reads what an organization has, and what it may have.
func (s *Store) Use(ctx context.Context, organization string, now time.Time) (u Use, err error) {
	o, err := s.Organization(ctx, organization)
	if err != nil {
		return u, err
	}
	own, err := s.ownBounds(ctx, o.ID)
	if err != nil {
		return u, err
	}
	u.Organization, u.Values = o.Slug, own.over(s.fanouts.settings)
	for kind := range own.values {
		u.Own[kind] = true
	}
	const org = `(SELECT seq FROM organization WHERE id = ?)`
	for _, one := range []struct {
		kind  bounds.Kind
		query string
		args  []any
	}{
		{bounds.Webhooks, `SELECT count(*) FROM webhook WHERE organization = ` + org + ` AND deleted_at IS NULL`, []any{o.ID}},
		{bounds.Invitations, `SELECT count(*) FROM invitation WHERE organization = ` + org + ` AND status = 'pending' AND expires_at > ?`, []any{o.ID, millis(now)}},
		{bounds.Tokens, `SELECT count(*) FROM token WHERE organization = ` + org + ` AND ` + openToken, []any{o.ID, millis(now)}},
		{bounds.Held, `SELECT count(*) FROM event INDEXED BY event_waiting WHERE organization = ` + org + ` AND state = 1`, []any{o.ID}},
		{bounds.StoredBytes, `SELECT coalesce((SELECT bytes FROM stored WHERE organization = ` + org + `), 0)`, []any{o.ID}},
		{bounds.Pending, `SELECT coalesce(sum((SELECT count(*) FROM delivery d WHERE d.webhook = w.seq AND d.state = 0)), 0) FROM webhook w
			WHERE w.organization = ` + org + ` AND w.deleted_at IS NULL AND w.disabled IS NULL`, []any{o.ID}},
		{bounds.Parked, `SELECT coalesce(sum((SELECT count(*) FROM delivery d WHERE d.webhook = w.seq AND d.state = 0)), 0) FROM webhook w
			WHERE w.organization = ` + org + ` AND w.deleted_at IS NULL AND w.disabled IS NOT NULL`, []any{o.ID}},
	} {
		if err := s.row(ctx, one.query, one.args, &u.Used[one.kind]); err != nil {
			return u, fault(s.path, err)
		}
	}
	found, err := s.Webhooks(ctx, o.ID)
	for i := range found {
		u.Used[bounds.URLs] = max(u.Used[bounds.URLs], int64(len(found[i].Targets())))
	}
	return u, err
}

// openToken says which tokens count; its parameter is the time.
const openToken = `revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)`

// Readers is how many lists are read at a time.
func (s *Store) Readers() int { return listReaders }

// Reads is how many reads an organization, named by id, may have under way; 0 is
// no bound.
func (s *Store) Reads(ctx context.Context, organization string) (most int64, err error) {
	err = s.access.row(ctx, `SELECT b.value FROM bound b WHERE b.organization = (SELECT seq FROM organization WHERE id = ?) AND b.name = ?`,
		[]any{organization, bounds.Table[bounds.Reads].Key}, &most)
	if errors.Is(err, sql.ErrNoRows) {
		return s.fanouts.settings[bounds.Reads], nil
	}
	return most, fault(s.path, err)
}
