package access

import (
	"context"
	"time"

	"sealpost/internal/webhook"
)

// Store is what the use cases need of the database. Each method is one
// transaction. The conformance suite in package accesstest says in tests what
// is said here in words, and every store passes it.
type Store interface {
	SignIns
	Organizations
}

// SignIns keeps used nonces, users and sessions.
type SignIns interface {
	// Key returns the database's key for a purpose: 32 random bytes, made on
	// first use, the same for all processes.
	Key(ctx context.Context, purpose string) ([]byte, error)
	// UseNonce keeps a used nonce until it is of no use any more, forgets those
	// that are, and reports whether it was not kept before. Of many callers at once one gets true.
	UseNonce(ctx context.Context, id NonceID, until, now time.Time) (bool, error)
	// AddSession keeps a session of the user with the candidate's address,
	// who is made of the candidate when there is none yet, and returns the
	// user. The session's own User member is the store's to fill. Sessions
	// that have ended are forgotten, as is the user's oldest when there would be
	// more than [MaxSessions].
	AddSession(ctx context.Context, candidate User, session Session) (User, error)
	// Session finds a live session and its user by the token's digest.
	Session(ctx context.Context, digest Digest, now time.Time) (session Session, user User, found bool, err error)
	// RenewSession prolongs a live session.
	RenewSession(ctx context.Context, digest Digest, expires, now time.Time) error
	// EndSession forgets a session; one that is not there is fine.
	EndSession(ctx context.Context, digest Digest) error
}

// Organizations keeps organizations, their members and invitations.
type Organizations interface {
	// AddOrganization keeps an organization with its first member and makes
	// it the session's active one. A taken slug, and that of a deleted
	// organization, is refused by [CodeOrganizationExists], nothing being kept
	// then.
	AddOrganization(ctx context.Context, organization webhook.Organization, owner Membership, session Digest) error
	// MembershipsOf lists where a user is a member, in order of joining.
	MembershipsOf(ctx context.Context, user string) ([]Membership, error)
	// MembersOf lists an organization's members, in order of joining.
	MembersOf(ctx context.Context, organization string) ([]Membership, error)
	// AddMembers gives plan all members of the organization and keeps those
	// that it returns, with the user that has the address, or a new one.
	AddMembers(ctx context.Context, organization string, plan func(existing []Membership) ([]Membership, error)) ([]Membership, error)
	// UpdateMember changes a member's role, or removes them (role is empty),
	// unless check refuses on seeing all members of the organization.
	UpdateMember(ctx context.Context, organization, user string, role Role, check func(members []Membership) error) error
	// PlaceInvitation gives place all invitations of the organization and
	// keeps what it returns: a new one, or, when stored, the new expiry of one
	// that is there. So many may be open; 0 is no bound.
	PlaceInvitation(ctx context.Context, organization string,
		place func(existing []Invitation, most int64) (placed Invitation, stored bool, err error)) (Invitation, error)
	// AcceptInvitation gives accept the invitation with the id and the
	// members of its organization, keeps the invitation as it returns it, makes
	// the user a member with the invitation's role and the organization the
	// session's active one. No such invitation is refused by [CodeInvitationNotFound].
	AcceptInvitation(ctx context.Context, id string, user User, session Digest, now time.Time,
		accept func(Invitation, []Membership) (Invitation, error)) (Invitation, Membership, error)
}
