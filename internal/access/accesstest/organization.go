package accesstest

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/webhook"
)

func organization(s *story) {
	owner := s.enter("1", "")
	_, err := s.Person(s.ctx(), owner)
	s.kind(err, webhook.CodeNoOrganization)
	_, err = s.In(s.ctx(), owner, "")
	s.refused(err, access.CodeNoActive)

	first := s.found(owner, "first")
	if first.Role != access.Owner || first.User != owner.User.ID {
		s.Errorf("made by %+v", first)
	}
	s.now = s.now.Add(time.Second)
	second := s.found(owner, "second")
	owner, err = s.who(owner)
	s.must(err)
	if owner.Session.Active != second.Organization {
		s.Errorf("active is %s, not the one made last", owner.Session.Active)
	}
	memberships, err := s.Organizations(s.ctx(), owner)
	s.must(err)
	if len(memberships) != 2 || memberships[0].Organization.Slug != "first" || memberships[1].Organization.Slug != "second" {
		s.Fatalf("a member of %+v", memberships)
	}
	got := memberships[0]
	if got.Organization.Name != "Acme Inc" || got.Organization.Created != start || got.Joined != start || got.User != owner.User {
		s.Errorf("kept as %+v", got)
	}
	for named, want := range map[string]string{"": second.Organization, first.Organization: first.Organization} {
		caller, err := s.In(s.ctx(), owner, named)
		s.must(err)
		if caller.Organization != want || caller.Role != access.Owner {
			s.Errorf("%q is %+v", named, caller)
		}
	}
	person, err := s.Person(s.ctx(), owner)
	s.must(err)
	if person != first {
		s.Errorf("the webhook API is called as %+v, not as a member of the first organization", person)
	}
	stranger := s.enter("2", "")
	for _, id := range []string{first.Organization, "org_none"} {
		_, err := s.In(s.ctx(), stranger, id)
		s.refused(err, access.CodeNotMember)
	}
}

func slugTaken(s *story) {
	signedIn := []access.SignedIn{s.enter("1", ""), s.enter("2", "")}
	errs := together(8, func(i int) error {
		_, err := s.CreateOrganization(s.ctx(), signedIn[i%2], "Acme Inc", "acme")
		return err
	})
	if n := s.winners(errs, access.CodeOrganizationExists); n != 1 {
		s.Errorf("%d organizations have one slug", n)
	}
	total := 0
	for _, one := range signedIn {
		memberships, err := s.Organizations(s.ctx(), one)
		s.must(err)
		total += len(memberships)
	}
	if total != 1 {
		s.Errorf("%d memberships are left of one organization", total)
	}
}

func signupByInvitation(s *story) {
	owner := s.enter("1", "")
	caller := s.found(owner, "acme")
	s.Policy.Signup = access.SignupInvite
	guest := s.enter("2", "")
	_, err := s.CreateOrganization(s.ctx(), guest, "Other", "other")
	s.refused(err, access.CodeMayNotCreate)
	invited, err := s.Invite(s.ctx(), caller, s.Policy.Email(guest.User.Address), []string{"member"}, false)
	s.must(err)
	_, _, err = s.Accept(s.ctx(), guest, invited.ID)
	s.must(err)
}

func invitation(s *story) {
	owner := s.enter("1", "")
	acme := s.found(owner, "acme")
	guest, stranger := s.enter("2", ""), s.enter("3", "")
	email := s.Policy.Email(guest.User.Address)

	invited, err := s.Invite(s.ctx(), acme, strings.ToUpper(email), []string{"admin"}, false)
	s.must(err)
	_, err = s.Invite(s.ctx(), acme, email, []string{"member"}, false)
	s.refused(err, access.CodeAlreadyInvited)
	s.now = s.now.Add(time.Hour)
	again, err := s.Invite(s.ctx(), acme, email, []string{"member"}, true)
	s.must(err)
	if want := invited; again.ID != want.ID || again.Role != access.Admin || again.Expires != s.now.Add(access.InvitationLife) {
		s.Errorf("prolonged as %+v", again)
	}

	_, _, err = s.Accept(s.ctx(), stranger, invited.ID)
	s.refused(err, access.CodeNotRecipient)
	_, _, err = s.Accept(s.ctx(), guest, "inv_none")
	s.refused(err, access.CodeInvitationNotFound)
	s.now = again.Expires.Add(-time.Millisecond) // only the prolonged one is still open
	accepted, membership, err := s.Accept(s.ctx(), guest, invited.ID)
	s.must(err)
	if accepted.Status != access.Accepted || accepted.Inviter != owner.User.ID || membership.Role != access.Admin ||
		membership.User != guest.User || membership.Organization.ID != acme.Organization || membership.Joined != s.now || membership.ID == "" {
		s.Errorf("accepted as %+v, %+v", accepted, membership)
	}
	guest, err = s.who(guest)
	s.must(err)
	if guest.Session.Active != acme.Organization {
		s.Errorf("active is %q", guest.Session.Active)
	}
	_, _, err = s.Accept(s.ctx(), guest, invited.ID)
	s.refused(err, access.CodeInvitationNotFound)
	_, err = s.Invite(s.ctx(), acme, email, []string{"member"}, false)
	s.refused(err, access.CodeAlreadyMember)

	late, err := s.Invite(s.ctx(), acme, s.Policy.Email(stranger.User.Address), []string{"member"}, false)
	s.must(err)
	s.now = late.Expires
	_, _, err = s.Accept(s.ctx(), stranger, late.ID)
	s.refused(err, access.CodeInvitationNotFound)
	_, err = s.Invite(s.ctx(), acme, s.Policy.Email(stranger.User.Address), []string{"member"}, false)
	s.must(err) // the old one is in nobody's way
}

func invitationClaimed(s *story) {
	acme := s.found(s.enter("1", ""), "acme")
	invited, err := s.Invite(s.ctx(), acme, "someone@example.org", []string{"member"}, false)
	s.must(err)
	silent, claiming := s.enter("2", ""), s.enter("2", "Someone@Example.org")
	_, _, err = s.Accept(s.ctx(), silent, invited.ID)
	s.refused(err, access.CodeNotRecipient) // a claim counts in its own session
	_, _, err = s.Accept(s.ctx(), claiming, invited.ID)
	s.must(err)
	second, err := s.Invite(s.ctx(), acme, "someone@example.org", []string{"admin"}, false)
	s.must(err) // an address is no identity: who is in by it may be anybody
	_, _, err = s.Accept(s.ctx(), claiming, second.ID)
	s.refused(err, access.CodeAlreadyMember)
	_, _, err = s.Accept(s.ctx(), s.enter("3", "someone@example.org"), second.ID)
	s.must(err) // the refusal has left it open
}

func twoAcceptors(s *story) {
	acme := s.found(s.enter("1", ""), "acme")
	invited, err := s.Invite(s.ctx(), acme, "someone@example.org", []string{"member"}, false)
	s.must(err)
	var signedIn []access.SignedIn
	for i := range 8 {
		signedIn = append(signedIn, s.enter(strconv.Itoa(2+i), "someone@example.org"))
	}
	errs := together(len(signedIn), func(i int) error { _, _, err := s.Accept(s.ctx(), signedIn[i], invited.ID); return err })
	if n := s.winners(errs, access.CodeInvitationNotFound); n != 1 {
		s.Errorf("%d have won", n)
	}
	if roles := s.roles(acme.Organization); !slices.Equal(roles, []access.Role{access.Owner, access.Member}) {
		s.Errorf("the organization has %v", roles)
	}
}
