package store

import (
	"context"
	"database/sql"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/webhook"
)

const memberships = `SELECT m.id, o.id, o.slug, o.name, o.type, o.maker, o.created_at, o.suspended_at, u.id, u.address, u.created_at, m.role, m.joined_at
	FROM member m JOIN organization o ON o.seq = m.organization JOIN user u ON u.seq = m.user `

// scanMemberships reads the rows of a query that begins with memberships.
func scanMemberships(rows *sql.Rows, failed error) (found []access.Membership, err error) {
	if failed != nil {
		return nil, failed
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var m access.Membership
		var address []byte
		var made, created, joined int64
		var suspended sql.NullInt64
		if err := rows.Scan(&m.ID, &m.Organization.ID, &m.Organization.Slug, &m.Organization.Name, &m.Organization.Type, &m.Organization.Maker, &made, &suspended,
			&m.User.ID, &address, &created, &m.Role, &joined); err != nil {
			return nil, err
		}
		copy(m.User.Address[:], address)
		m.Organization.Created, m.Organization.Suspended = fromMillis(made), fromMillis(suspended.Int64)
		m.User.Created, m.Joined = fromMillis(created), fromMillis(joined)
		found = append(found, m)
	}
	return found, nil
}

// members reads all members of an organization inside a transaction.
func (s *session) members(org int64) ([]access.Membership, error) {
	stmt, err := s.statement(memberships + `WHERE m.organization = ? ORDER BY m.seq`)
	if err != nil {
		return nil, err
	}
	return scanMemberships(stmt.QueryContext(background, org))
}

// join makes a user a member and returns the membership as it stands.
func (s *session) join(org int64, m access.Membership) (access.Membership, error) {
	seq, user, err := s.user(m.User)
	if err != nil {
		return m, err
	}
	m.User = user
	if err := s.exec(`INSERT INTO member (id, organization, user, role, joined_at) VALUES (?, ?, ?, ?, ?)`,
		m.ID, org, seq, string(m.Role), millis(m.Joined)); err != nil {
		return m, err
	}
	var created int64
	err = s.row(`SELECT id, slug, name, type, maker, created_at FROM organization WHERE seq = ?`, []any{org},
		&m.Organization.ID, &m.Organization.Slug, &m.Organization.Name, &m.Organization.Type, &m.Organization.Maker, &created)
	m.Organization.Created = fromMillis(created)
	return m, err
}

// AddOrganization keeps an organization with its first member and makes it
// the session's active one.
func (s *Store) AddOrganization(ctx context.Context, o webhook.Organization, owner access.Membership, digest access.Digest) error {
	return s.separate(ctx, func(tx *session) error {
		org, err := tx.insert(`INSERT INTO organization (id, slug, name, type, maker, created_at)
			SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS (SELECT 1 FROM deletion WHERE slug = ?2) ON CONFLICT DO NOTHING`,
			o.ID, o.Slug, o.Name, o.Type, string(webhook.MadeOverAPI), millis(o.Created))
		if err != nil {
			return err
		}
		if org == 0 {
			return access.Fault(access.CodeOrganizationExists, "")
		}
		if _, err := tx.join(org, owner); err != nil {
			return err
		}
		return tx.exec(`UPDATE session SET active = ? WHERE digest = ?`, org, digest[:])
	})
}

// MembershipsOf lists where a user is a member, in order of joining.
func (s *Store) MembershipsOf(ctx context.Context, user string) ([]access.Membership, error) {
	found, err := scanMemberships(s.access.db.QueryContext(ctx, memberships+`WHERE u.id = ? AND o.deleted_at IS NULL ORDER BY m.seq`, user))
	return found, fault(s.path, err)
}

// MembersOf lists an organization's members, in order of joining.
func (s *Store) MembersOf(ctx context.Context, organization string) ([]access.Membership, error) {
	found, err := scanMemberships(s.read.QueryContext(ctx, memberships+`WHERE `+isNamed("?1")+` ORDER BY m.seq`, organization))
	return found, fault(s.path, err)
}

// AddMembers adds those that plan returns on seeing all members.
func (s *Store) AddMembers(ctx context.Context, organization string, plan func([]access.Membership) ([]access.Membership, error)) (added []access.Membership, err error) {
	err = s.separate(ctx, func(tx *session) error {
		added = nil
		org, err := tx.organization(organization, false, time.Time{})
		if err != nil {
			return err
		}
		existing, err := tx.members(org)
		if err != nil {
			return err
		}
		planned, err := plan(existing)
		if err != nil {
			return err
		}
		for _, m := range planned {
			if m, err = tx.join(org, m); err != nil {
				return err
			}
			added = append(added, m)
		}
		return nil
	})
	return added, err
}

// UpdateMember changes a member's role, or removes them (role is empty),
// unless check refuses on seeing all members.
func (s *Store) UpdateMember(ctx context.Context, organization, user string, role access.Role, check func([]access.Membership) error) error {
	return s.separate(ctx, func(tx *session) error {
		org, err := tx.organization(organization, false, time.Time{})
		if err != nil {
			return err
		}
		members, err := tx.members(org)
		if err == nil {
			err = check(members)
		}
		if err != nil {
			return err
		}
		if role == "" {
			return tx.exec(`DELETE FROM member WHERE organization = ? AND user = (SELECT seq FROM user WHERE id = ?)`, org, user)
		}
		return tx.exec(`UPDATE member SET role = ? WHERE organization = ? AND user = (SELECT seq FROM user WHERE id = ?)`, string(role), org, user)
	})
}
