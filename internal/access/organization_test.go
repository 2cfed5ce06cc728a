package access

import (
	"strings"
	"testing"
	"time"

	"sealpost/internal/webhook"
)

func TestNewOrganization(t *testing.T) {
	for _, slug := range []string{"a", "acme", "acme-2", strings.Repeat("a", MaxSlug), "0"} {
		if o, err := NewOrganization("Acme Inc", slug, noon); err != nil || o.Slug != slug || o.Name != "Acme Inc" || !strings.HasPrefix(o.ID, "org_") || o.Created != noon {
			t.Errorf("%q: %+v, %v", slug, o, err)
		}
	}
	for _, slug := range []string{"", "-a", "a-", "A", "a_b", "a b", "ä", "a/b", "a.b", strings.Repeat("a", MaxSlug+1)} {
		_, err := NewOrganization("Acme Inc", slug, noon)
		wantCode(t, err, CodeValidation)
	}
	for _, name := range []string{"", "  ", "a\nb", "a\xff", strings.Repeat("a", MaxOrganizationName+1)} {
		_, err := NewOrganization(name, "", noon)
		wantCode(t, err, CodeValidation)
		if !strings.Contains(err.Error(), "[body.name]") || !strings.Contains(err.Error(), "[body.slug]") {
			t.Errorf("not both faults are said: %v", err)
		}
	}
}

// TestNamesShowWhatTheyHold: a name with a character that can't be seen looks like
// another one. Letters of any script are fine.
func TestNamesShowWhatTheyHold(t *testing.T) {
	for char, want := range map[rune]string{
		'\u202e': "U+202E", '\u2066': "U+2066", '\u200b': "U+200B", '\u200d': "U+200D", '\ufeff': "U+FEFF", '\u00ad': "U+00AD", '\u0085': "U+0085",
		'\u2028': "U+2028", '\u3164': "U+3164", '\u034f': "U+034F", '\U000e0041': "U+E0041", '\n': "U+000A",
	} {
		if _, err := NewOrganization("Ac"+string(char)+"me", "acme", noon); err == nil || !strings.Contains(err.Error(), "has the character "+want) || strings.ContainsRune(err.Error(), char) {
			t.Errorf("%U is told as %v", char, err)
		}
	}
	for _, name := range []string{"Größe & Söhne", "株式会社", "شركة", "Ácme 🙂", "Ο’Neill\u00a0Ltd"} {
		if o, err := NewOrganization(name, "acme", noon); err != nil || o.Name != name {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// people makes members of roles; the first has the wallet 1, and so on.
func people(t testing.TB, roles ...Role) []Membership {
	var members []Membership
	for i, role := range roles {
		user := NewUser(wallet(t, string(rune('1'+i))).Address, noon)
		members = append(members, NewMembership(webhook.Organization{ID: "org_1"}, user, role, noon))
	}
	return members
}

func TestChangeMember(t *testing.T) {
	for _, test := range []struct {
		name    string
		actor   Role
		members []Role
		to      Role // of the first member
		want    Code
	}{
		{"promote", Admin, []Role{Member, Owner}, Admin, ""},
		{"make an owner", Owner, []Role{Member, Owner}, Owner, ""},
		{"remove", Admin, []Role{Member, Owner}, "", ""},
		{"an owner goes, one stays", Owner, []Role{Owner, Owner}, "", ""},
		{"the last owner goes", Owner, []Role{Owner, Admin}, "", CodeLastOwner},
		{"the last owner steps down", Owner, []Role{Owner, Admin}, Admin, CodeLastOwner},
		{"the last owner stays owner", Owner, []Role{Owner}, Owner, ""},
		{"an admin makes an owner", Admin, []Role{Member, Owner}, Owner, CodeMayNotUpdateMember},
		{"an admin removes an owner", Admin, []Role{Owner, Owner}, "", CodeMayNotUpdateMember},
		{"a member promotes", Member, []Role{Member, Owner}, Admin, CodeMayNotUpdateMember},
		{"to a role for tokens", Owner, []Role{Member, Owner}, Publisher, CodeRoleNotFound},
	} {
		members := people(t, test.members...)
		t.Run(test.name, func(t *testing.T) {
			wantCode(t, ChangeMember(test.actor, members, members[0].User.ID, test.to), test.want)
		})
	}
	wantCode(t, ChangeMember(Owner, people(t, Owner), "usr_none", Admin), CodeMemberNotFound)
}

func TestPlanMembers(t *testing.T) {
	members := people(t, Owner, Member)
	first, second, third := members[0].User.Address, members[1].User.Address, wallet(t, "3").Address
	planned, err := PlanMembers(Owner, members, []Addition{{second, Member}, {third, Admin}, {first, Owner}, {third, Admin}}, noon)
	if err != nil || len(planned) != 1 || planned[0].User.Address != third || planned[0].Role != Admin {
		t.Fatalf("%+v, %v", planned, err)
	}
	full := make([]Membership, MaxMembers)
	for i := range full {
		full[i] = Membership{User: User{Address: Address{1: byte(i >> 8), 2: byte(i), 3: 1}}, Role: Member}
	}
	for _, test := range []struct {
		name     string
		actor    Role
		members  []Membership
		addition Addition
		want     Code
	}{
		{"a role for tokens", Owner, members, Addition{third, Publisher}, CodeRoleNotFound},
		{"an admin adds an owner", Admin, members, Addition{third, Owner}, CodeMayNotInviteRole},
		{"another role than now", Owner, members, Addition{second, Admin}, CodeAlreadyMember},
		{"one too many", Owner, full, Addition{third, Member}, CodeTooManyMembers},
	} {
		t.Run(test.name, func(t *testing.T) {
			planned, err := PlanMembers(test.actor, test.members, []Addition{{wallet(t, "4").Address, Member}, test.addition}, noon)
			wantCode(t, err, test.want)
			if planned != nil {
				t.Errorf("%d are added all the same", len(planned))
			}
		})
	}
}

func invite(t testing.TB, email string, role Role) Invitation {
	t.Helper()
	invitation, err := NewInvitation(Local("org_1"), email, []string{string(role)}, noon)
	if err != nil {
		t.Fatal(err)
	}
	return invitation
}

func TestNewInvitation(t *testing.T) {
	admin := Caller{Organization: "org_1", Role: Admin, User: "usr_1"}
	invitation, err := NewInvitation(admin, "Some@Example.org", []string{"member", "admin"}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(invitation.ID, "inv_") || len(invitation.ID) != 4+shortText {
		t.Errorf("the id is %s", invitation.ID)
	}
	want := Invitation{ID: invitation.ID, Organization: "org_1", Email: "some@example.org", Role: Admin, Status: Pending,
		Inviter: "usr_1", Created: noon, Expires: noon.Add(48 * time.Hour)}
	if invitation != want {
		t.Errorf("got %+v", invitation)
	}
	for _, test := range []struct {
		name  string
		maker Role
		email string
		roles []string
		want  Code
	}{
		{"a list in one text", Admin, "a@b", []string{"member, admin"}, ""},
		{"an admin invites an owner", Admin, "a@b", []string{"owner"}, CodeMayNotInviteRole},
		{"hidden in a list", Admin, "a@b", []string{"member,owner"}, CodeMayNotInviteRole},
		{"a member invites", Member, "a@b", []string{"member"}, CodeMayNotInvite},
		{"a publisher invites", Publisher, "a@b", []string{"member"}, CodeMayNotInvite},
		{"a role for tokens", Owner, "a@b", []string{"publisher"}, CodeRoleNotFound},
		{"an unknown role", Owner, "a@b", []string{"member", "king"}, CodeRoleNotFound},
		{"no role", Owner, "a@b", nil, CodeRoleNotFound},
		{"no address", Owner, "a", []string{"member"}, CodeInvalidEmail},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := NewInvitation(Caller{Organization: "org_1", Role: test.maker}, test.email, test.roles, noon)
			wantCode(t, err, test.want)
		})
	}
}

func TestPlaceInvitation(t *testing.T) {
	fresh := invite(t, "a@b.example", Member)
	later := noon.Add(time.Hour)
	open := invite(t, "a@b.example", Admin)
	gone, used, owners := open, open, open
	gone.Expires, used.Status, owners.Role = later, Accepted, Owner
	const maxInvitations = 7
	var many []Invitation
	for range maxInvitations {
		many = append(many, invite(t, "someone@else.example", Member))
	}
	for _, test := range []struct {
		name     string
		existing []Invitation
		again    bool
		want     Code
		id       string
	}{
		{"the first", nil, false, "", fresh.ID},
		{"again, without a first", nil, true, "", fresh.ID},
		{"others are gone and used", []Invitation{gone, used}, true, "", fresh.ID},
		{"one is open", []Invitation{gone, open}, false, CodeAlreadyInvited, ""},
		{"one is prolonged", []Invitation{gone, open}, true, "", open.ID},
		{"an admin prolongs an owner's", []Invitation{owners}, true, CodeMayNotInviteRole, ""},
		{"too many", many, false, CodeTooManyInvitations, ""},
		{"one too few to be too many", many[1:], false, "", fresh.ID},
	} {
		t.Run(test.name, func(t *testing.T) {
			placed, stored, err := fresh.Place(test.existing, maxInvitations, test.again, Admin, later)
			wantCode(t, err, test.want)
			if placed.ID != test.id || stored != (test.id == open.ID) {
				t.Errorf("placed %+v, stored %t", placed, stored)
			}
			if stored && (placed.Expires != later.Add(InvitationLife) || placed.Role != Admin) {
				t.Errorf("prolonged as %+v", placed)
			}
		})
	}
}

func TestAcceptInvitation(t *testing.T) {
	members := people(t, Owner)
	user := NewUser(wallet(t, "2").Address, noon)
	emails := Session{Claim: "a@b.example"}.Emails(example, user)
	invitation := invite(t, "A@B.example", Member)
	used, full := invitation, make([]Membership, MaxMembers)
	used.Status = Accepted
	other := example.Email(wallet(t, "3").Address)
	by := func(inviter string, role Role) Invitation {
		i := invite(t, "a@b.example", role)
		i.Inviter = inviter
		return i
	}
	staff := people(t, Owner, Admin, Member)
	for _, test := range []struct {
		name       string
		invitation Invitation
		user       User
		members    []Membership
		after      time.Duration
		want       Code
	}{
		{"as invited", invitation, user, members, 0, ""},
		{"by the derived address", invite(t, example.Email(user.Address), Member), user, members, 0, ""},
		{"in the last moment", invitation, user, members, InvitationLife - 1, ""},
		{"too late", invitation, user, members, InvitationLife, CodeInvitationNotFound},
		{"a second time", used, user, members, 0, CodeInvitationNotFound},
		{"for somebody else", invite(t, other, Member), user, members, 0, CodeNotRecipient},
		{"by an owner", by(staff[0].User.ID, Owner), user, staff[:1], 0, ""},
		{"by an admin", by(staff[1].User.ID, Admin), NewUser(wallet(t, "4").Address, noon), staff, 0, ""},
		{"by one who was an owner", by(staff[1].User.ID, Owner), NewUser(wallet(t, "4").Address, noon), staff, 0, CodeInvitationNotFound},
		{"by one who was an admin", by(staff[2].User.ID, Member), NewUser(wallet(t, "4").Address, noon), staff, 0, CodeInvitationNotFound},
		{"by one who was removed", by(staff[1].User.ID, Member), NewUser(wallet(t, "4").Address, noon), staff[:1], 0, CodeInvitationNotFound},
		{"already in", invitation, members[0].User, members, 0, CodeAlreadyMember},
		{"full", invitation, user, full, 0, CodeTooManyMembers},
	} {
		t.Run(test.name, func(t *testing.T) {
			accepted, err := test.invitation.Accept(test.user, emails, test.members, noon.Add(test.after))
			wantCode(t, err, test.want)
			if err == nil && accepted.Status != Accepted {
				t.Errorf("it is %s", accepted.Status)
			}
		})
	}
}
