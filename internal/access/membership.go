package access

import (
	"context"
	"slices"
)

// CreateOrganization makes an organization with the signed-in user as its
// owner.
func (s *Service) CreateOrganization(ctx context.Context, signedIn SignedIn, name, slug string) (Membership, error) {
	if s.Policy.Signup != SignupOpen {
		return Membership{}, Fault(CodeMayNotCreate, "")
	}
	now := s.Now()
	organization, err := NewOrganization(name, slug, now)
	if err != nil {
		return Membership{}, err
	}
	memberships, err := s.Store.MembershipsOf(ctx, signedIn.User.ID)
	switch {
	case err != nil:
		return Membership{}, err
	case len(memberships) >= MaxOrganizations:
		return Membership{}, Fault(CodeTooManyOrgs, "")
	}
	owner := NewMembership(organization, signedIn.User, Owner, now)
	return owner, s.Store.AddOrganization(ctx, organization, owner, signedIn.Session.Digest)
}

// Organizations lists where the signed-in user is a member, in order of
// joining.
func (s *Service) Organizations(ctx context.Context, signedIn SignedIn) ([]Membership, error) {
	return s.Store.MembershipsOf(ctx, signedIn.User.ID)
}

// Invitee says whom to invite.
type Invitee struct {
	Organization string // id; empty: the session's active one
	Email        string
	Roles        []string
	Again        bool // prolong the open invitation to the same address
}

// Invite makes an invitation. Its id is for the inviter to hand on: sealpost
// sends no mail.
func (s *Service) Invite(ctx context.Context, signedIn SignedIn, invitee Invitee) (Invitation, error) {
	active, err := signedIn.active(invitee.Organization, CodeNoOrganization)
	if err != nil {
		return Invitation{}, err
	}
	member, err := s.membership(ctx, signedIn, active, CodeMemberNotFound)
	if err != nil {
		return Invitation{}, err
	}
	now := s.Now()
	invitation, err := NewInvitation(active, invitee.Email, invitee.Roles, signedIn.User.ID, member.Role, now)
	if err != nil {
		return Invitation{}, err
	}
	members, err := s.Store.MembersOf(ctx, active)
	if err != nil {
		return Invitation{}, err
	}
	if slices.ContainsFunc(members, func(m Membership) bool { return s.Policy.Email(m.User.Address) == invitation.Email }) {
		return Invitation{}, Fault(CodeAlreadyMember, "")
	}
	return s.Store.PlaceInvitation(ctx, active, func(existing []Invitation) (Invitation, bool, error) {
		return invitation.Place(existing, invitee.Again, member.Role, now)
	})
}

// Accept makes the signed-in user a member by an invitation.
func (s *Service) Accept(ctx context.Context, signedIn SignedIn, id string) (Invitation, Membership, error) {
	now, emails := s.Now(), signedIn.Session.Emails(s.Policy, signedIn.User)
	return s.Store.AcceptInvitation(ctx, id, signedIn.User, signedIn.Session.Digest, now,
		func(invitation Invitation, members []Membership) (Invitation, error) {
			return invitation.Accept(signedIn.User, emails, members, now)
		})
}

// HasPermission answers a better-auth client's question; organization is an
// id, or empty for the session's active one.
func (s *Service) HasPermission(ctx context.Context, signedIn SignedIn, organization string, asked map[string][]string) (bool, error) {
	active, err := signedIn.active(organization, CodeNoActive)
	if err != nil {
		return false, err
	}
	member, err := s.membership(ctx, signedIn, active, CodeNotMember)
	if err != nil {
		return false, err
	}
	return Grants(member.Role, asked), nil
}

// Members lists the members of the caller's organization, in order of joining.
func (s *Service) Members(ctx context.Context, caller Caller) ([]Membership, error) {
	if err := caller.Check(MemberManage); err != nil {
		return nil, err
	}
	return s.Store.MembersOf(ctx, caller.Organization)
}

// UpdateMember changes the role of a member of the caller's organization, or
// removes them (role is empty), from their next request on.
func (s *Service) UpdateMember(ctx context.Context, caller Caller, user string, role Role) error {
	if err := caller.Check(MemberManage); err != nil {
		return err
	}
	return s.Store.UpdateMember(ctx, caller.Organization, user, role, func(members []Membership) error {
		return ChangeMember(caller.Role, members, user, role)
	})
}

// active returns the organization that is meant: the one named, or the
// session's active one; missing is the code for none.
func (s SignedIn) active(named string, missing Code) (string, error) {
	switch {
	case named != "":
		return named, nil
	case s.Session.Active != "":
		return s.Session.Active, nil
	}
	return "", Fault(missing, "")
}

// membership finds the signed-in user's membership in an organization. An
// organization of others and one that there is not are the same: missing.
func (s *Service) membership(ctx context.Context, signedIn SignedIn, organization string, missing Code) (Membership, error) {
	memberships, err := s.Store.MembershipsOf(ctx, signedIn.User.ID)
	if err != nil {
		return Membership{}, err
	}
	for _, membership := range memberships {
		if membership.Organization.ID == organization {
			return membership, nil
		}
	}
	return Membership{}, Fault(missing, "")
}
