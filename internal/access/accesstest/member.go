package accesstest

import (
	"slices"

	"sealpost/internal/access"
	"sealpost/internal/webhook"
)

// join makes a wallet a member and signs it in.
func (s *story) join(into access.Caller, digit string, role access.Role) access.SignedIn {
	s.Helper()
	_, err := s.AddMembers(s.ctx(), access.Local(into.Organization), []access.Addition{{Address: s.wallet(digit).Address, Role: role}})
	s.must(err)
	return s.enter(digit, "")
}

func members(s *story) {
	acme := s.found(s.enter("1", ""), "acme")
	other := s.found(s.enter("9", ""), "other")
	guest := s.join(acme, "2", access.Member)
	caller, err := s.Person(s.ctx(), guest)
	s.must(err)
	_, err = s.Members(s.ctx(), caller)
	s.kind(err, webhook.CodeNoPermission)
	s.kind(s.UpdateMember(s.ctx(), caller, guest.User.ID, access.Admin), webhook.CodeNoPermission)

	s.must(s.UpdateMember(s.ctx(), acme, guest.User.ID, access.Admin))
	caller, err = s.Person(s.ctx(), guest) // counts from the next request
	s.must(err)
	if caller.Role != access.Admin {
		s.Errorf("still %s", caller.Role)
	}
	found, err := s.Members(s.ctx(), caller)
	s.must(err)
	if len(found) != 2 || found[0].Role != access.Owner || found[1].User != guest.User || found[1].Organization.Slug != "acme" {
		s.Errorf("members %+v", found)
	}
	s.refused(s.UpdateMember(s.ctx(), caller, found[0].User.ID, ""), access.CodeMayNotUpdateMember)
	s.refused(s.UpdateMember(s.ctx(), other, guest.User.ID, access.Owner), access.CodeMemberNotFound)
	s.must(s.UpdateMember(s.ctx(), acme, guest.User.ID, ""))
	_, err = s.Person(s.ctx(), guest)
	s.kind(err, webhook.CodeNoOrganization)
	_, err = s.In(s.ctx(), guest, acme.Organization)
	s.refused(err, access.CodeNotMember)
}

func lastOwners(s *story) {
	acme := s.found(s.enter("1", ""), "acme")
	second := s.join(acme, "2", access.Owner)
	users := []string{acme.User, second.User.ID}
	errs := together(2, func(i int) error { return s.UpdateMember(s.ctx(), acme, users[i], "") })
	if n := s.winners(errs, access.CodeLastOwner); n != 1 {
		s.Errorf("%d of two owners could go", n)
	}
	if roles := s.roles(acme.Organization); !slices.Equal(roles, []access.Role{access.Owner}) {
		s.Errorf("left are %v", roles)
	}
}

func addMembers(s *story) {
	acme := s.found(s.enter("1", ""), "acme")
	known := s.enter("2", "")
	list := []access.Addition{{Address: s.wallet("1").Address, Role: access.Owner}, {Address: known.User.Address, Role: access.Admin}, {Address: s.wallet("3").Address, Role: access.Member}}
	added, err := s.AddMembers(s.ctx(), acme, list)
	s.must(err)
	if len(added) != 2 || added[0].User != known.User || added[1].User.Address != s.wallet("3").Address || added[1].Organization.Slug != "acme" {
		s.Errorf("added %+v", added)
	}
	if later := s.enter("3", ""); later.User != added[1].User {
		s.Errorf("the wallet is %+v when it signs in", later.User)
	}
	again, err := s.AddMembers(s.ctx(), acme, list)
	s.must(err)
	if len(again) != 0 {
		s.Errorf("added again: %+v", again)
	}
	if roles := s.roles(acme.Organization); !slices.Equal(roles, []access.Role{access.Owner, access.Admin, access.Member}) {
		s.Errorf("the organization has %v", roles)
	}
}

func addMembersAllOrNone(s *story) {
	acme := s.found(s.enter("1", ""), "acme")
	_, err := s.AddMembers(s.ctx(), acme, []access.Addition{{Address: s.wallet("2").Address, Role: access.Member}, {Address: s.wallet("1").Address, Role: access.Member}})
	s.refused(err, access.CodeAlreadyMember)
	if roles := s.roles(acme.Organization); len(roles) != 1 {
		s.Errorf("the organization has %v", roles)
	}
}
