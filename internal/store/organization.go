package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"sealpost/internal/webhook"
)

// organization finds an organization by id or slug. made asks for one to be
// made when there is none, as the command line does on first use.
func (s *session) organization(name string, made bool, now time.Time) (int64, error) {
	var seq int64
	err := s.row(`SELECT seq FROM organization WHERE id = ?1 OR slug = ?1`, []any{name}, &seq)
	switch {
	case err == nil:
		return seq, nil
	case !errors.Is(err, sql.ErrNoRows):
		return 0, err
	case !made:
		return 0, noOrganization(name)
	}
	if err := webhook.CheckUnseen("organization", name); err != nil {
		return 0, err
	}
	return s.insert(`INSERT INTO organization (id, slug, name, created_at) VALUES (?, ?, ?, ?)`,
		"org_"+webhook.NewID(now), name, name, millis(now))
}

func noOrganization(name string) error {
	return webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("no organization %q", name)).
		WithHint("`sealpost org list` shows them")
}

// instead of an organization that is not there names what was asked of it; that
// the file can't be read stays what it is.
func instead(err, missing error) error {
	if webhook.CodeOf(err) == webhook.CodeNotFound {
		return missing
	}
	return err
}

// Organization finds an organization by id or slug.
func (s *Store) Organization(ctx context.Context, name string) (webhook.Organization, error) {
	found, err := s.organizations(ctx, `WHERE id = ?1 OR slug = ?1`, name)
	if err != nil {
		return webhook.Organization{}, err
	}
	if len(found) == 0 {
		return webhook.Organization{}, noOrganization(name)
	}
	return found[0], nil
}

// Organizations lists all organizations, oldest first.
func (s *Store) Organizations(ctx context.Context) ([]webhook.Organization, error) {
	return s.organizations(ctx, `ORDER BY seq`)
}

func (s *Store) organizations(ctx context.Context, where string, args ...any) (found []webhook.Organization, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id, slug, name, type, created_at FROM organization `+where, args...)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var o webhook.Organization
		var created int64
		if err := rows.Scan(&o.ID, &o.Slug, &o.Name, &o.Type, &created); err != nil {
			return nil, fault(s.path, err)
		}
		o.Created = fromMillis(created)
		found = append(found, o)
	}
	return found, nil
}

// closeRows ends a read and keeps the error that ended it early, if any.
func closeRows(rows *sql.Rows, err *error) {
	*err = errors.Join(*err, rows.Err(), rows.Close())
}

// CreateOrganization makes an organization; a taken slug is
// [webhook.CodeConflict].
func (s *Store) CreateOrganization(ctx context.Context, slug, name string, now time.Time) (webhook.Organization, error) {
	o := webhook.Organization{ID: "org_" + webhook.NewID(now), Slug: slug, Name: name, Type: "integrator", Created: now}
	err := s.separate(ctx, func(tx *session) error {
		if !webhook.ValidName(slug) {
			return webhook.Errorf(webhook.CodeInvalidName, fmt.Sprintf("slug %q does not match ^[a-z0-9-]{1,64}$", slug))
		}
		if err := webhook.CheckUnseen("name", name); err != nil {
			return err
		}
		seq, err := tx.insert(`INSERT INTO organization (id, slug, name, type, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			o.ID, o.Slug, o.Name, o.Type, millis(now))
		if err == nil && seq == 0 {
			return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("there is an organization %q already", slug))
		}
		return err
	})
	return o, err
}
