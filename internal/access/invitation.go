package access

import (
	"slices"
	"strings"
	"time"
)

// InvitationLife is how long an invitation can be accepted.
const InvitationLife = 48 * time.Hour

// InvitationStatus is where an invitation stands.
type InvitationStatus string

// The states of an invitation.
const (
	Pending  InvitationStatus = "pending"
	Accepted InvitationStatus = "accepted"
)

// Invitation offers a role in an organization to whoever holds its id and goes
// by its e-mail address. The id is the capability: 130 random bits, good once.
type Invitation struct {
	ID           string
	Organization string // id
	Email        string // lower case
	Role         Role
	Status       InvitationStatus
	Inviter      string // id of the user; empty: the command line
	Created      time.Time
	Expires      time.Time
}

// NewInvitation makes an invitation to the maker's organization. roles is what
// the client asks for; of several the highest counts, since their permissions would add up to it.
func NewInvitation(maker Caller, email string, roles []string, now time.Time) (Invitation, error) {
	email, err := ParseEmail(email)
	if err != nil {
		return Invitation{}, err
	}
	if !Can(maker.Role, InvitationManage) {
		return Invitation{}, Fault(CodeMayNotInvite, "")
	}
	role, err := highest(roles)
	if err != nil {
		return Invitation{}, err
	}
	if !maker.Role.MayGrant(role) {
		return Invitation{}, Fault(CodeMayNotInviteRole, "")
	}
	return Invitation{
		ID: "inv_" + randomText(shortText), Organization: maker.Organization, Email: email, Role: role, Status: Pending,
		Inviter: maker.User, Created: now, Expires: now.Add(InvitationLife),
	}, nil
}

// Open reports whether the invitation can still be accepted.
func (i Invitation) Open(now time.Time) bool { return i.Status == Pending && now.Before(i.Expires) }

// Place judges a new invitation against those that its organization already
// has, of which so many may be open (0: any number). With again an open one to the same address is prolonged, and comes back
// with its id and role, in the name of the maker, stored being true. The store asks inside its transaction.
func (i Invitation) Place(existing []Invitation, most int64, again bool, maker Role, now time.Time) (placed Invitation, stored bool, err error) {
	open := int64(0)
	for _, other := range existing {
		if !other.Open(now) {
			continue
		}
		open++
		if other.Email != i.Email {
			continue
		}
		switch {
		case !again:
			return Invitation{}, false, Fault(CodeAlreadyInvited, "")
		case !maker.MayGrant(other.Role):
			return Invitation{}, false, Fault(CodeMayNotInviteRole, "")
		}
		other.Expires, other.Inviter = now.Add(InvitationLife), i.Inviter
		return other, true, nil
	}
	if most > 0 && open >= most {
		return Invitation{}, false, Fault(CodeTooManyInvitations, "")
	}
	return i, false, nil
}

// Accept judges whether a user who goes by the given e-mail addresses may
// accept the invitation, given the organization's members, and returns it as
// accepted. It is worth what its inviter may grant today: those who were removed
// can't come back by one that they made before. The store asks inside the
// transaction that stores both the invitation and the membership, so of two
// acceptors one wins.
func (i Invitation) Accept(user User, emails []string, members []Membership, now time.Time) (Invitation, error) {
	switch {
	case !i.Open(now) || !i.backed(members):
		return Invitation{}, Fault(CodeInvitationNotFound, "")
	case !slices.Contains(emails, i.Email):
		return Invitation{}, Fault(CodeNotRecipient, "")
	case slices.ContainsFunc(members, func(m Membership) bool { return m.User.ID == user.ID }):
		return Invitation{}, Fault(CodeAlreadyMember, "")
	case len(members) >= MaxMembers:
		return Invitation{}, Fault(CodeTooManyMembers, "")
	}
	i.Status = Accepted
	return i, nil
}

// backed reports whether the inviter may still grant the role.
func (i Invitation) backed(members []Membership) bool {
	return i.Inviter == "" || slices.ContainsFunc(members, func(m Membership) bool {
		return m.User.ID == i.Inviter && m.Role.MayGrant(i.Role)
	})
}

// highest reads roles, each perhaps a list separated by commas, and returns
// the highest of them.
func highest(roles []string) (Role, error) {
	best := len(Roles)
	for _, name := range strings.Split(strings.Join(roles, ","), ",") {
		rank := slices.Index(Roles, Role(strings.TrimSpace(name)))
		if rank < 0 {
			return "", Fault(CodeRoleNotFound, quote(name)+" is none of owner, admin and member")
		}
		best = min(best, rank)
	}
	return Roles[best], nil
}
