package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"sealpost/internal/access"
	"sealpost/internal/server"
)

const organizationPath = "/api/auth/organization/"

type invitationAnswer struct{ ID, Email, Role, Status, OrganizationID, ExpiresAt string }

// invite makes an invitation and returns it.
func (e *edge) invite(cookie, email, role string) invitationAnswer {
	e.Helper()
	return read[invitationAnswer](e, e.ask("POST", organizationPath+"invite-member", fmt.Sprintf(`{"email":%q,"role":%q}`, email, role), "Cookie", cookie))
}

func (e *edge) accept(cookie, id string) answer {
	e.Helper()
	return e.ask("POST", organizationPath+"accept-invitation", fmt.Sprintf(`{"invitationId":%q}`, id), "Cookie", cookie)
}

func (e *edge) email(digit string) string { return wallet(e, digit).Address.Lower() + "@" + domain }

func TestOrganizations(t *testing.T) {
	e := newEdge(t, nil)
	cookie := e.signIn("1", "")
	list := func() string { return e.ask("GET", organizationPath+"list", "", "Cookie", cookie).body }
	if list() != "[]" {
		t.Errorf("at first: %s", list())
	}
	create := func(body string) answer { return e.ask("POST", organizationPath+"create", body, "Cookie", cookie) }
	got := create(`{"name":"Acme","slug":"acme","logo":"x","metadata":{"a":1}}`)
	if got.status != 200 || !strings.Contains(got.body, `"members":[{"organizationId":"org_`) || !strings.Contains(got.body, `"role":"owner"`) {
		t.Errorf("%+v", got)
	}
	e.want("a taken slug", create(`{"name":"Acme","slug":"acme"}`), 400, "ORGANIZATION_ALREADY_EXISTS")
	e.want("no members", create(`{}`), 400, "VALIDATION_ERROR")
	e.want("a slug with a slash", create(`{"name":"A","slug":"a/b"}`), 400, "VALIDATION_ERROR")
	if strings.Count(list(), `"id":"org_`) != 1 {
		t.Errorf("then: %s", list())
	}
	closed := newEdge(t, func(s *server.SignIn) { s.Service.Policy.Signup = access.SignupInvite })
	e.want("sign-up by invitation", closed.ask("POST", organizationPath+"create", `{"name":"A","slug":"a"}`, "Cookie", closed.signIn("1", "")),
		403, "YOU_ARE_NOT_ALLOWED_TO_CREATE_A_NEW_ORGANIZATION")
}

func TestInvitations(t *testing.T) {
	e := newEdge(t, nil)
	owner, id := e.found("1", "acme")
	invite := func(cookie, body string) answer {
		return e.ask("POST", organizationPath+"invite-member", body, "Cookie", cookie)
	}
	e.want("no e-mail", invite(owner, `{"role":"member"}`), 400, "VALIDATION_ERROR")
	e.want("a bad e-mail", invite(owner, `{"email":"x","role":"member"}`), 400, "INVALID_EMAIL")
	e.want("an unknown role", invite(owner, `{"email":"x@example.com","role":"king"}`), 400, "ROLE_NOT_FOUND")
	e.want("publishers are tokens", invite(owner, `{"email":"x@example.com","role":"publisher"}`), 400, "ROLE_NOT_FOUND")
	e.want("an unknown organization", invite(owner, `{"email":"x@example.com","role":"member","organizationId":"org_x"}`), 400, "MEMBER_NOT_FOUND")
	e.want("without any organization", invite(e.signIn("9", ""), `{"email":"x@example.com","role":"member"}`), 400, "ORGANIZATION_NOT_FOUND")
	e.want("a role of two", invite(owner, `{"email":"two@example.com","role":["member","admin"]}`), 200, "")
	e.want("another organization's", invite(e.signIn("9", ""), `{"email":"x@example.com","role":"member","organizationId":"`+id+`"}`), 400, "MEMBER_NOT_FOUND")

	// The address is the wallet's own, unless one was named at sign-in.
	first := e.invite(owner, strings.ToUpper(e.email("2")), "admin")
	if first.Email != e.email("2") || first.Status != "pending" || first.OrganizationID != id {
		t.Errorf("%+v", first)
	}
	e.want("invited twice", invite(owner, `{"email":"`+e.email("2")+`","role":"member"}`), 400, "USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION")
	if again := read[invitationAnswer](e, invite(owner, `{"email":"`+e.email("2")+`","role":"member","resend":true}`)); again.ID != first.ID || again.Role != "admin" {
		t.Errorf("again: %+v", again)
	}
	second, third := e.signIn("2", ""), e.signIn("3", "")
	e.want("another wallet", e.accept(third, first.ID), 403, "YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION")
	e.want("an unknown one", e.accept(second, "inv_x"), 400, "INVITATION_NOT_FOUND")
	e.want("no id", e.accept(second, ""), 400, "VALIDATION_ERROR")
	e.want("nobody", e.accept("", first.ID), 401, "UNAUTHORIZED")
	e.want("the invited", e.accept(second, first.ID), 200, "")
	e.want("once more", e.accept(second, first.ID), 400, "INVITATION_NOT_FOUND")
	e.want("a member already", invite(owner, `{"email":"`+e.email("2")+`","role":"member"}`), 400, "USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION")
	e.want("owners are made by owners", invite(second, `{"email":"o@example.com","role":"owner"}`), 403, "YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE")

	// An invitation is worth what its inviter may grant on the day.
	before := e.invite(second, e.email("4"), "member")
	fourth := e.signIn("4", "")
	user := read[sessionAnswer](e, e.ask("GET", "/api/auth/get-session", "", "Cookie", second)).User.ID
	e.must(e.users.UpdateMember(e.Context(), access.Local(id), user, ""))
	e.want("by one who was removed", e.accept(fourth, before.ID), 400, "INVITATION_NOT_FOUND")
	if again := read[invitationAnswer](e, invite(owner, `{"email":"`+e.email("4")+`","role":"member","resend":true}`)); again.ID != before.ID {
		t.Errorf("again: %+v", again)
	}
	e.want("prolonged by another", e.accept(fourth, before.ID), 200, "")

	// 48 hours, to the second.
	late := e.invite(owner, e.email("3"), "member")
	e.wait(access.InvitationLife)
	e.want("too late", e.accept(third, late.ID), 400, "INVITATION_NOT_FOUND")
	e.want("invited anew", e.accept(third, e.invite(owner, e.email("3"), "member").ID), 200, "")
	e.want("by a member", invite(third, `{"email":"y@example.com","role":"member"}`), 403, "YOU_ARE_NOT_ALLOWED_TO_INVITE_USERS_TO_THIS_ORGANIZATION")
}

// TestTwoAcceptors has two wallets that name the same e-mail address, which
// proves nothing, and hold the same invitation: one of them becomes a member.
func TestTwoAcceptors(t *testing.T) {
	e := newEdge(t, nil)
	owner, _ := e.found("1", "acme")
	id := e.invite(owner, "fay@example.com", "member").ID
	cookies := []string{e.signIn("2", "Fay@example.com"), e.signIn("3", "fay@example.com")}
	answers := make([]answer, len(cookies))
	var together sync.WaitGroup
	for i, cookie := range cookies {
		together.Go(func() { answers[i] = e.accept(cookie, id) })
	}
	together.Wait()
	won := 0
	for i, got := range answers {
		status, code := 403, "no organization"
		if got.status == http.StatusOK {
			won++
			status, code = 403, "no permission" // a member, who may not see webhooks
		} else {
			e.want("the other", got, 400, "INVITATION_NOT_FOUND")
		}
		e.want("webhooks", e.ask("GET", "/api/webhook", "", "Cookie", cookies[i]), status, code)
	}
	if won != 1 {
		t.Errorf("%d have won", won)
	}
}

func TestHasPermission(t *testing.T) {
	e := newEdge(t, nil)
	owner, id := e.found("1", "acme")
	ask := func(cookie, body string) answer {
		return e.ask("POST", organizationPath+"has-permission", body, "Cookie", cookie)
	}
	for body, granted := range map[string]bool{
		`{"permissions":{"organization":["delete"]}}`:                         true,
		`{"permissions":{"webhook":["create","delete"],"member":["update"]}}`: true,
		`{"permissions":{"webhook":["create","fly"]}}`:                        false,
		`{"permissions":{"nothing":["create"]}}`:                              false,
		`{"permissions":{"webhook":[]}}`:                                      false,
		`{"permissions":{}}`:                                                  false,
		`{"permission":{"webhook":["create"]}}`:                               false,
		`{"permissions":{"webhook":["read"]},"organizationId":"` + id + `"}`:  true,
	} {
		if got := ask(owner, body); got.body != fmt.Sprintf(`{"error":null,"success":%t}`, granted) {
			t.Errorf("%s: %s", body, got.body)
		}
	}
	e.want("nothing asked", ask(owner, `{}`), 400, "VALIDATION_ERROR")
	e.want("both asked", ask(owner, `{"permissions":{},"permission":{}}`), 400, "VALIDATION_ERROR")
	e.want("a text", ask(owner, `{"permissions":"webhook"}`), 400, "VALIDATION_ERROR")
	e.want("another organization", ask(owner, `{"permissions":{"ac":["read"]},"organizationId":"org_x"}`), 401, "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION")
	e.want("no organization", ask(e.signIn("9", ""), `{"permissions":{"ac":["read"]}}`), 400, "NO_ACTIVE_ORGANIZATION")
}
