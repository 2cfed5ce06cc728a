package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/bounds"
	"sealpost/internal/webhook"
)

const invitations = `SELECT i.id, o.id, i.email, i.role, i.status, coalesce(i.inviter, ''), i.created_at, i.expires_at
	FROM invitation i JOIN organization o ON o.seq = i.organization `

func scanInvitation(row scanner) (i access.Invitation, err error) {
	var created, expires int64
	err = row.Scan(&i.ID, &i.Organization, &i.Email, &i.Role, &i.Status, &i.Inviter, &created, &expires)
	i.Created, i.Expires = fromMillis(created), fromMillis(expires)
	return i, err
}

// invitations reads all invitations of an organization inside a transaction.
func (s *session) invitations(org int64) (found []access.Invitation, err error) {
	stmt, err := s.statement(invitations + `WHERE i.organization = ? ORDER BY i.created_at, i.id`)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(background, org)
	if err != nil {
		return nil, err
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		i, err := scanInvitation(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, i)
	}
	return found, nil
}

// PlaceInvitation keeps what place returns on seeing all invitations of the
// organization, and how many of them may be open.
func (s *Store) PlaceInvitation(ctx context.Context, organization string,
	place func(existing []access.Invitation, most int64) (access.Invitation, bool, error)) (placed access.Invitation, err error) {
	err = s.separate(ctx, func(tx *session) error {
		org, err := tx.organization(organization, false, time.Time{})
		if err != nil {
			return err
		}
		existing, err := tx.invitations(org)
		if err != nil {
			return err
		}
		values, err := tx.bounds(org, s.fanouts.settings)
		if err != nil {
			return err
		}
		var stored bool
		if placed, stored, err = place(existing, values[bounds.Invitations]); err != nil {
			return err
		}
		var inviter any
		if placed.Inviter != "" {
			inviter = placed.Inviter
		}
		if stored {
			return tx.exec(`UPDATE invitation SET expires_at = ?, inviter = ? WHERE id = ?`, millis(placed.Expires), inviter, placed.ID)
		}
		return tx.exec(`INSERT INTO invitation (id, organization, email, role, status, inviter, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			placed.ID, org, placed.Email, string(placed.Role), string(placed.Status), inviter, millis(placed.Created), millis(placed.Expires))
	})
	return placed, err
}

// AcceptInvitation makes a user a member by an invitation, if accept says so
// on seeing it and all members of its organization.
func (s *Store) AcceptInvitation(ctx context.Context, id string, user access.User, digest access.Digest, now time.Time,
	accept func(access.Invitation, []access.Membership) (access.Invitation, error)) (accepted access.Invitation, membership access.Membership, err error) {
	err = s.separate(ctx, func(tx *session) error {
		var org int64
		if err := tx.row(`SELECT i.organization FROM invitation i JOIN organization o ON o.seq = i.organization WHERE i.id = ? AND o.deleted_at IS NULL`, []any{id}, &org); errors.Is(err, sql.ErrNoRows) {
			return access.Fault(access.CodeInvitationNotFound, "")
		} else if err != nil {
			return err
		}
		stmt, err := tx.statement(invitations + `WHERE i.id = ?`)
		if err != nil {
			return err
		}
		found, err := scanInvitation(stmt.QueryRowContext(background, id))
		if err != nil {
			return err
		}
		members, err := tx.members(org)
		if err != nil {
			return err
		}
		if accepted, err = accept(found, members); err != nil {
			return err
		}
		if membership, err = tx.join(org, access.NewMembership(webhook.Organization{}, user, accepted.Role, now)); err != nil {
			return err
		}
		if err := tx.exec(`UPDATE invitation SET status = ? WHERE id = ?`, string(accepted.Status), id); err != nil {
			return err
		}
		return tx.exec(`UPDATE session SET active = ? WHERE digest = ?`, org, digest[:])
	})
	return accepted, membership, err
}
