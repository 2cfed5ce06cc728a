package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"sealpost/internal/webhook"
)

// isNamed is the condition that an organization o is the one that a caller names, by
// id or by slug. The slug counts only for organizations that were made on the
// machine: strangers choose the slugs of those that sign-up makes. A deleted
// organization is not there.
func isNamed(parameter string) string {
	return `((o.id = ` + parameter + ` OR o.slug = ` + parameter + ` AND o.maker = 'machine') AND o.deleted_at IS NULL)`
}

// organization finds an organization by id or slug. made asks for one to be
// made when there is none, as the command line does on first use. The slug of an
// organization that sign-up made is [webhook.CodeConflict].
func (s *session) organization(name string, made bool, now time.Time) (int64, error) {
	var seq int64
	err := s.row(`SELECT seq FROM organization o WHERE `+isNamed("?1"), []any{name}, &seq)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return seq, err
	}
	var id, owner string
	err = s.row(strangers+isStrangers, []any{name}, &id, &owner)
	switch {
	case err == nil:
		return 0, notOurs(name, id, owner)
	case !errors.Is(err, sql.ErrNoRows):
		return 0, err
	case !made || name == "" || strings.HasPrefix(name, idPrefix):
		return 0, noOrganization(name)
	}
	if err := webhook.CheckUnseen("organization", name); err != nil {
		return 0, err
	}
	return s.insert(`INSERT INTO organization (id, slug, name, created_at) VALUES (?, ?, ?, ?)`,
		idPrefix+webhook.NewID(now), name, name, millis(now))
}

// idPrefix begins the id of every organization. Nothing that begins so is taken
// for a slug: a mistyped id would make an organization.
const idPrefix = "org_"

// strangers reads the id of an organization and the wallet of its oldest owner, empty
// without an owner.
const strangers = `SELECT o.id, coalesce((SELECT '0x' || lower(hex(u.address)) FROM member m JOIN user u ON u.seq = m.user
	WHERE m.organization = o.seq AND m.role = 'owner' ORDER BY m.seq LIMIT 1), '') FROM organization o `

// isStrangers finds the organization that has a slug and was not made on the machine.
const isStrangers = `WHERE o.slug = ?1 AND o.maker != 'machine' AND o.deleted_at IS NULL`

func noOrganization(name string) error {
	return webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("no organization %q", name)).
		WithHint("`sealpost org list` shows them")
}

// notOurs refuses the slug of an organization that sign-up made.
func notOurs(slug, id, owner string) error {
	if owner == "" {
		owner = "nobody"
	}
	return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the organization %q (%s) was made over the API and is owned by %s; commands find it by its id only", slug, id, owner)).
		WithHint("to work on it: --org " + id + "; to trust its slug from now on: `sealpost org adopt " + id + "`")
}

// instead of an organization that is not there names what was asked of it; that
// the file can't be read stays what it is.
func instead(err, missing error) error {
	if webhook.CodeOf(err) == webhook.CodeNotFound {
		return missing
	}
	return err
}

// Organization finds an organization by id or slug. The slug of an organization that
// sign-up made is [webhook.CodeConflict], an organization that is not there
// [webhook.CodeNotFound].
func (s *Store) Organization(ctx context.Context, name string) (webhook.Organization, error) {
	found, err := s.organizations(ctx, `WHERE `+isNamed("?1"), name)
	if err != nil {
		return webhook.Organization{}, err
	}
	if len(found) > 0 {
		return found[0], nil
	}
	id, owner, stranger, err := s.Stranger(ctx, name)
	switch {
	case err != nil:
		return webhook.Organization{}, err
	case stranger:
		return webhook.Organization{}, notOurs(name, id, owner)
	}
	return webhook.Organization{}, noOrganization(name)
}

// Stranger finds the organization that sign-up made with a slug: its id, and the wallet
// of its oldest owner, empty without one.
func (s *Store) Stranger(ctx context.Context, slug string) (id, owner string, found bool, err error) {
	err = s.row(ctx, strangers+isStrangers, []any{slug}, &id, &owner)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", false, nil
	}
	return id, owner, err == nil, fault(s.path, err)
}

// Organizations lists all organizations, oldest first, without the deleted ones.
func (s *Store) Organizations(ctx context.Context) ([]webhook.Organization, error) {
	return s.organizations(ctx, `WHERE o.deleted_at IS NULL ORDER BY o.seq`)
}

func (s *Store) organizations(ctx context.Context, where string, args ...any) (found []webhook.Organization, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT o.id, o.slug, o.name, o.type, o.maker, o.created_at, o.suspended_at FROM organization o `+where, args...)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var o webhook.Organization
		var created int64
		var suspended sql.NullInt64
		if err := rows.Scan(&o.ID, &o.Slug, &o.Name, &o.Type, &o.Maker, &created, &suspended); err != nil {
			return nil, fault(s.path, err)
		}
		o.Created, o.Suspended = fromMillis(created), fromMillis(suspended.Int64)
		found = append(found, o)
	}
	return found, nil
}

// OwnOrganization finds the organization of the setting, and makes it when it is not
// there. Errors are those of [Store.Organization].
func (s *Store) OwnOrganization(ctx context.Context, name string, now time.Time) (webhook.Organization, error) {
	found, err := s.Organization(ctx, name)
	if webhook.CodeOf(err) != webhook.CodeNotFound {
		return found, err
	}
	err = s.separate(ctx, func(tx *session) error {
		_, err := tx.organization(name, true, now)
		return err
	})
	if err != nil {
		return webhook.Organization{}, err
	}
	return s.Organization(ctx, name)
}

// Adopt has commands trust the slug of an organization that sign-up made. The
// organization is named by its id.
func (s *Store) Adopt(ctx context.Context, id string) error {
	return s.separate(ctx, func(tx *session) error {
		n, err := tx.changed(`UPDATE organization SET maker = 'machine' WHERE id = ? AND deleted_at IS NULL`, id)
		if err == nil && n == 0 {
			return noOrganization(id)
		}
		return err
	})
}

// closeRows ends a read and keeps the error that ended it early, if any.
func closeRows(rows *sql.Rows, err *error) {
	*err = errors.Join(*err, rows.Err(), rows.Close())
}

// CreateOrganization makes an organization; a taken slug is
// [webhook.CodeConflict].
func (s *Store) CreateOrganization(ctx context.Context, slug, name string, now time.Time) (webhook.Organization, error) {
	o := webhook.Organization{ID: idPrefix + webhook.NewID(now), Slug: slug, Name: name, Type: "integrator", Maker: webhook.MadeOnMachine, Created: now}
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
