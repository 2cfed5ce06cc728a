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
	case slug == s.Policy.Reserved:
		return Membership{}, Fault(CodeOrganizationExists, "")
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

// Invite makes an invitation to the caller's organization, by e-mail address.
// Its id is for the inviter to hand on: sealpost sends no mail. With again an
// open one to the same address is prolonged.
func (s *Service) Invite(ctx context.Context, caller Caller, email string, roles []string, again bool) (Invitation, error) {
	now := s.Now()
	invitation, err := NewInvitation(caller, email, roles, now)
	if err != nil {
		return Invitation{}, err
	}
	members, err := s.Store.MembersOf(ctx, caller.Organization)
	if err != nil {
		return Invitation{}, err
	}
	if slices.ContainsFunc(members, func(m Membership) bool { return s.Policy.Email(m.User.Address) == invitation.Email }) {
		return Invitation{}, Fault(CodeAlreadyMember, "")
	}
	return s.Store.PlaceInvitation(ctx, caller.Organization, func(existing []Invitation, most int64) (Invitation, bool, error) {
		return invitation.Place(existing, most, again, caller.Role, now)
	})
}

// Accept makes the signed-in user a member by an invitation.
func (s *Service) Accept(ctx context.Context, signedIn SignedIn, id string) (Invitation, Membership, error) {
	now, emails := s.Now(), signedIn.Session.Emails(s.Policy, signedIn.User)
	return s.Store.AcceptInvitation(ctx, id, signedIn.User, signedIn.Session.Digest, now,
		func(invitation Invitation, members []Membership) (Invitation, error) {
			if len(members) > 0 && !members[0].Organization.Suspended.IsZero() {
				return invitation, Fault(CodeNoOrganization, "it is suspended")
			}
			return invitation.Accept(signedIn.User, emails, members, now)
		})
}

// In turns a session into a caller in one organization (an id): the one named,
// or else the one made or joined last in this session, or else the first one
// joined. Without any, and in a suspended one, it is refused by [CodeNoActive]. An organization
// of others and one that there is not are the same: both are refused by [CodeNotMember].
func (s *Service) In(ctx context.Context, signedIn SignedIn, organization string) (Caller, error) {
	memberships, err := s.Store.MembershipsOf(ctx, signedIn.User.ID)
	if err != nil {
		return Caller{}, err
	}
	if organization == "" {
		organization = signedIn.Session.Active
	}
	if organization == "" {
		if len(memberships) == 0 {
			return Caller{}, Fault(CodeNoActive, "")
		}
		return active(memberships[0])
	}
	for _, membership := range memberships {
		if membership.Organization.ID == organization {
			return active(membership)
		}
	}
	return Caller{}, Fault(CodeNotMember, "")
}

// active turns a member into a caller, unless the organization is suspended.
func active(m Membership) (Caller, error) {
	c := m.Caller()
	if c.Suspended {
		return c, Fault(CodeNoActive, "the organization is suspended")
	}
	return c, nil
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

// Addition is a wallet that becomes a member without an invitation.
type Addition struct {
	Address Address
	Role    Role
}

// AddMembers makes wallets members of the caller's organization, all or none;
// those that are it already, with the same role, stay as they are. It returns the
// new ones.
func (s *Service) AddMembers(ctx context.Context, caller Caller, additions []Addition) ([]Membership, error) {
	if err := caller.Check(MemberManage); err != nil {
		return nil, err
	}
	now := s.Now()
	return s.Store.AddMembers(ctx, caller.Organization, func(existing []Membership) ([]Membership, error) {
		return PlanMembers(caller.Role, existing, additions, now)
	})
}
