package server_test

import (
	"net/http"
	"strings"
	"testing"

	"sealpost/internal/access"
)

// TestPermissions holds every route to the contract's table, for every role,
// by token and by session. A line has, for each kind of caller, y for what is
// done, n for 403 `no permission`, 4 for 404: what is another's is not there.
// Who is nobody gets 401 on every line, who has no organization 403 `no organization`.
func TestPermissions(t *testing.T) {
	const config = `{"url":"https://127.0.0.1:8443/hook"}`
	routes := []struct {
		method, path, body                        string
		owner, admin, member, publisher, stranger byte
	}{
		{"GET", "/api/webhook", "", 'y', 'y', 'n', 'n', 'y'},
		{"GET", "/api/webhook/orders", "", 'y', 'y', 'n', 'n', '4'},
		{"POST", "/api/webhook/ROLE", config, 'y', 'y', 'n', 'n', 'y'},
		{"POST", "/api/webhook", `{"name":"x-ROLE","url":"https://127.0.0.1:8443/hook"}`, 'y', 'y', 'n', 'n', 'y'},
		{"PUT", "/api/webhook/ROLE", config, 'y', 'y', 'n', 'n', 'y'},
		{"PATCH", "/api/webhook/orders", `{}`, 'y', 'y', 'n', 'n', '4'},
		{"POST", "/api/webhook/orders/rotate", `{"now":true}`, 'y', 'y', 'n', 'n', '4'},
		{"DELETE", "/api/webhook/ROLE", "", 'y', 'y', 'n', 'n', 'y'},
		{"DELETE", "/api/webhook/orders-of-nobody", "", '4', '4', 'n', 'n', '4'},
		{"POST", "/api/event", `{"resource":"a","action":"b","body":{}}`, 'y', 'y', 'n', 'y', 'y'},
		{"GET", "/api/event", "", 'y', 'y', 'y', 'y', 'y'},
		{"GET", "/api/event/evt_1", "", 'y', 'y', 'y', '4', '4'},
		{"POST", "/api/event/evt_1/resend", "", 'y', 'y', 'n', 'n', '4'},
		{"POST", "/api/event/resend", `{"missing":true}`, 'y', 'y', 'n', 'n', 'y'},
		{"GET", "/api/delivery", "", 'y', 'y', 'y', 'y', 'y'},
		{"GET", "/api/delivery/DELIVERY", "", 'y', 'y', 'y', '4', '4'},
		{"POST", "/api/delivery/DELIVERY/retry", "", 'y', 'y', 'n', 'n', '4'},
		{"POST", "/api/delivery/DELIVERY/cancel", "", 'y', 'y', 'n', 'n', '4'},
	}
	e := newEdge(t, nil)
	ownerCookie, _ := e.found("1", "acme")
	adminCookie, memberCookie := e.signIn("2", ""), e.signIn("3", "")
	e.want("an admin", e.accept(adminCookie, e.invite(ownerCookie, e.email("2"), "admin").ID), 200, "")
	e.want("a member", e.accept(memberCookie, e.invite(ownerCookie, e.email("3"), "member").ID), 200, "")
	strangerCookie, _ := e.found("4", "other")
	owner := e.token("acme", access.Owner)
	e.want("a webhook", e.ask("POST", "/api/webhook/orders", config, "Authorization", owner), 201, "")
	e.want("an event", e.ask("POST", "/api/event", `{"id":"evt_1","resource":"a","action":"b","body":{}}`, "Authorization", owner), 202, "")
	delivery := read[struct{ Data []struct{ ID string } }](e, e.ask("GET", "/api/delivery", "", "Authorization", owner)).Data[0].ID

	callers := []struct{ name, header, value, role string }{
		{"owner", "Authorization", owner, "owner"},
		{"owner-session", "Cookie", ownerCookie, "owner"},
		{"admin", "Authorization", e.token("acme", access.Admin), "admin"},
		{"admin-session", "Cookie", adminCookie, "admin"},
		{"member", "Authorization", e.token("acme", access.Member), "member"},
		{"member-session", "Cookie", memberCookie, "member"},
		{"publisher", "Authorization", e.token("acme", access.Publisher), "publisher"},
		{"stranger", "Authorization", e.token("other", access.Owner), "stranger"},
		{"stranger-session", "Cookie", strangerCookie, "stranger"},
		{"homeless-session", "Cookie", e.signIn("5", ""), "homeless"},
		{"no-token", "Authorization", "Bearer nonsense", "nobody"},
		{"no-session", "Cookie", access.CookieName + "=nonsense", "nobody"},
		{"nothing", "X-Nothing", "", "nobody"},
		{"basic", "Authorization", "Basic b3duZXI6b3duZXI=", "nobody"},
	}
	for _, caller := range callers {
		for _, route := range routes {
			replace := strings.NewReplacer("ROLE", caller.name, "DELIVERY", delivery)
			got := e.ask(route.method, replace.Replace(route.path), replace.Replace(route.body), caller.header, caller.value)
			what := caller.name + ": " + route.method + " " + route.path
			wanted := map[string]byte{
				"owner": route.owner, "admin": route.admin, "member": route.member, "publisher": route.publisher,
				"stranger": route.stranger, "nobody": '1', "homeless": 'h',
			}[caller.role]
			switch wanted {
			case 'y':
				if got.status < 200 || got.status > 299 {
					t.Errorf("%s: %d %s", what, got.status, got.body)
				}
			case 'n':
				e.want(what, got, http.StatusForbidden, "no permission")
			case '4':
				e.want(what, got, http.StatusNotFound, "not found")
			case '1':
				e.want(what, got, http.StatusUnauthorized, "unauthorized")
			case 'h':
				e.want(what, got, http.StatusForbidden, "no organization")
			}
		}
	}
}

// TestOrderOfChecks has what existing clients can tell: who, the name, the
// body, the organization, the permission, the URL, and then what is there.
func TestOrderOfChecks(t *testing.T) {
	e := newEdge(t, nil)
	ownerCookie, _ := e.found("1", "acme")
	memberCookie := e.signIn("2", "")
	e.want("a member", e.accept(memberCookie, e.invite(ownerCookie, e.email("2"), "member").ID), 200, "")
	homeless := e.signIn("3", "")
	const bad, unsafe, fine = `{"url":`, `{"url":"http://10.0.0.1/"}`, `{"url":"https://127.0.0.1:8443/hook"}`
	for _, c := range []struct {
		name, cookie, path, body string
		status                   int
		code                     string
	}{
		{"nobody, all wrong", "", "/api/webhook/A_B", bad, 401, "unauthorized"},
		{"no organization, bad name", homeless, "/api/webhook/A_B", bad, 400, "invalid name"},
		{"no organization, bad body", homeless, "/api/webhook/a", bad, 400, "bad request"},
		{"no organization, bad URL", homeless, "/api/webhook/a", unsafe, 403, "no organization"},
		{"no permission, bad body", memberCookie, "/api/webhook/a", bad, 400, "bad request"},
		{"no permission, bad URL", memberCookie, "/api/webhook/a", unsafe, 403, "no permission"},
		{"bad URL", ownerCookie, "/api/webhook/a", unsafe, 400, "invalid url"},
		{"fine", ownerCookie, "/api/webhook/a", fine, 201, ""},
		{"bad URL before the conflict", ownerCookie, "/api/webhook/a", unsafe, 400, "invalid url"},
		{"a conflict", ownerCookie, "/api/webhook/a", fine, 409, "name conflict"},
	} {
		e.want(c.name, e.ask("POST", c.path, c.body, "Cookie", c.cookie), c.status, c.code)
	}
}

// TestFromTheNextRequest has changes of roles, tokens and members count at
// once.
func TestFromTheNextRequest(t *testing.T) {
	e := newEdge(t, nil)
	ownerCookie, id := e.found("1", "acme")
	cookie := e.signIn("2", "")
	e.want("an admin", e.accept(cookie, e.invite(ownerCookie, e.email("2"), "admin").ID), 200, "")
	user := read[sessionAnswer](e, e.ask("GET", "/api/auth/get-session", "", "Cookie", cookie)).User.ID
	for _, step := range []struct {
		role   access.Role
		status int
		code   string
	}{{"admin", 200, ""}, {"member", 403, "no permission"}, {"admin", 200, ""}, {"", 403, "no organization"}} {
		e.must(e.users.UpdateMember(e.Context(), access.Local(id), user, step.role))
		e.want("as "+string(step.role), e.ask("GET", "/api/webhook", "", "Cookie", cookie), step.status, step.code)
	}
	token := e.token("acme", access.Admin)
	e.want("a token", e.ask("GET", "/api/webhook", "", "Authorization", token), 200, "")
	e.must(e.store.RevokeToken(e.Context(), id, "admin", e.time()))
	e.want("revoked", e.ask("GET", "/api/webhook", "", "Authorization", token), 401, "unauthorized")
	e.want("a bad token beside a good session", e.ask("GET", "/api/webhook", "", "Authorization", token, "Cookie", ownerCookie), 401, "unauthorized")
}

// TestNamesOfWebhooks: a publisher may not read webhooks, so ?to= tells it nothing of
// their names. An unknown name is one that does not want the event.
func TestNamesOfWebhooks(t *testing.T) {
	e := newEdge(t, nil)
	owner, publisher := e.token("acme", access.Owner), e.token("acme", access.Publisher)
	e.want("a webhook", e.ask("POST", "/api/webhook/quiet", `{"url":"https://127.0.0.1:8443/hook","events":["other.type"]}`, "Authorization", owner), 201, "")
	const event = `{"resource":"order","action":"paid","body":{}}`
	e.want("an owner", e.ask("POST", "/api/event?to=nope", event, "Authorization", owner), 404, "not found")
	for _, to := range []string{"quiet", "nope", "nope&receipt=await"} {
		got := e.ask("POST", "/api/event?to="+to, event, "Authorization", publisher)
		e.want(to, got, 202, "")
		if !strings.Contains(got.body, `"deliveries":0`) {
			t.Errorf("%s: %s", to, got.body)
		}
		lines := e.ask("POST", "/api/event?to="+to, event, "Authorization", publisher, "Content-Type", "application/x-ndjson")
		if lines.status != 200 || !strings.Contains(lines.body, `"deliveries":0`) {
			t.Errorf("%s in lines: %s", to, lines.body)
		}
	}
}
