package server_test

import (
	"strings"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/bounds"
)

// bound sets one bound of an organization.
func (e *edge) bound(organization string, kind bounds.Kind, value int64) {
	e.Helper()
	e.must(e.store.SetBounds(e.Context(), organization, map[bounds.Kind]*int64{kind: &value}))
}

// TestBoundsRefuseWhatAdds: past a bound, calls that add are 429 with its name,
// value and use. All other checks come first, and what is there can be changed.
func TestBoundsRefuseWhatAdds(t *testing.T) {
	e := newEdge(t, nil)
	token, member := e.token("acme", access.Owner), e.token("acme", access.Member)
	const fine = `{"url":"https://127.0.0.1:8443/hook"}`
	const two = `{"url":"https://127.0.0.1:8443/hook","order":{"paid":"https://127.0.0.1:8443/a"}}`
	const three = `{"url":"https://127.0.0.1:8443/hook","order":{"paid":"https://127.0.0.1:8443/a","lost":"https://127.0.0.1:8443/b"}}`
	for _, name := range []string{"a", "b"} {
		e.want("below the bounds", e.ask("POST", "/api/webhook/"+name, two, "Authorization", token), 201, "")
	}
	e.bound("acme", bounds.Webhooks, 1) // fewer than there are
	e.bound("acme", bounds.URLs, 1)
	for _, test := range []struct {
		what, token, method, name, body string
		status                          int
		code                            string
		says                            []string
	}{
		{"a new one", token, "POST", "c", fine, 429, "limit reached", []string{"limits.webhooks", "allows 1 ", "has 2"}},
		{"a new one, put", token, "PUT", "c", fine, 429, "limit reached", []string{"limits.webhooks", "allows 1 ", "has 2"}},
		{"by a member", member, "POST", "c", fine, 403, "no permission", nil},
		{"unsafe", token, "POST", "c", `{"url":"https://10.0.0.1/"}`, 400, "invalid url", nil},
		{"taken", token, "POST", "a", three, 409, "name conflict", nil},
		{"no such one", token, "PATCH", "c", three, 404, "not found", nil},
		{"changed meanwhile", token, "PUT", "c", three, 412, "precondition failed", nil},
		{"replaced as it was", token, "PUT", "a", two, 200, "", nil},
		{"one more URL", token, "PATCH", "a", `{"order":{"lost":"https://127.0.0.1:8443/b"}}`, 429, "limit reached", []string{"limits.urls", "allows 1 ", "would have 3"}},
		{"replaced with one more", token, "PUT", "a", three, 429, "limit reached", []string{"limits.urls"}},
		{"another URL", token, "PATCH", "a", `{"order":{"paid":null,"lost":"https://127.0.0.1:8443/b"}}`, 200, "", nil},
		{"disabled", token, "PATCH", "a", `{"enabled":false}`, 200, "", nil},
		{"one URL less", token, "PUT", "a", fine, 200, "", nil},
		{"and one more", token, "PUT", "a", two, 429, "limit reached", []string{"limits.urls"}},
	} {
		headers := []string{"Authorization", test.token}
		if test.status == 412 {
			headers = append(headers, "If-Match", `"x"`)
		}
		got := e.ask(test.method, "/api/webhook/"+test.name, test.body, headers...)
		e.want(test.what, got, test.status, test.code)
		for _, says := range test.says {
			if !strings.Contains(got.body, says) {
				t.Errorf("%s: it does not say %q: %s", test.what, says, got.body)
			}
		}
		if later := got.header.Get("Retry-After"); later != "" {
			t.Errorf("%s: waiting does not help, and Retry-After is %s", test.what, later)
		}
	}
	e.want("a deleted one makes room", e.ask("DELETE", "/api/webhook/b", "", "Authorization", token), 200, "")
	e.want("another one goes", e.ask("DELETE", "/api/webhook/a", "", "Authorization", token), 200, "")
	e.want("there is room", e.ask("POST", "/api/webhook/c", fine, "Authorization", token), 201, "")
	e.bound("acme", bounds.Webhooks, 0)
	e.want("no bound", e.ask("POST", "/api/webhook/d", fine, "Authorization", token), 201, "")
}

// TestPublishingPastABound: single events, lines and resent ones are refused alike,
// and told to wait; a known id is answered as ever.
func TestPublishingPastABound(t *testing.T) {
	e := newEdge(t, nil)
	owner, publisher := e.token("acme", access.Owner), e.token("acme", access.Publisher)
	e.want("a webhook", e.ask("POST", "/api/webhook/slow", `{"url":"https://127.0.0.1:8443/hook"}`, "Authorization", owner), 201, "")
	e.bound("acme", bounds.Pending, 1)
	one := func(id string) string { return `{"id":"` + id + `","resource":"order","action":"paid","body":{}}` }
	e.want("the first", e.ask("POST", "/api/event", one("e1"), "Authorization", publisher), 202, "")
	for who, token := range map[string]string{"publisher": publisher, "owner": owner} {
		got := e.ask("POST", "/api/event", one("e2"), "Authorization", token)
		e.want(who, got, 429, "limit reached")
		if got.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", who)
		}
		if names := strings.Contains(got.body, "slow"); names != (who == "owner") {
			t.Errorf("%s: the webhook is named: %v: %s", who, names, got.body)
		}
	}
	lines := e.ask("POST", "/api/event", one("e1")+"\n"+one("e2")+"\n", "Authorization", publisher, "Content-Type", "application/x-ndjson")
	if !strings.Contains(lines.body, `{"id":"e1","deliveries":1}`) || !strings.Contains(lines.body, `{"error":{"code":"limit reached"`) {
		t.Errorf("by lines: %d %s", lines.status, lines.body)
	}
	e.want("known", e.ask("POST", "/api/event", one("e1"), "Authorization", publisher), 200, "")
	e.want("other content", e.ask("POST", "/api/event", strings.Replace(one("e1"), "paid", "lost", 1), "Authorization", publisher), 409, "event conflict")
	e.want("resent", e.ask("POST", "/api/event/e1/resend", "", "Authorization", owner), 429, "limit reached")
	e.want("unknown", e.ask("POST", "/api/event/e9/resend", "", "Authorization", owner), 404, "not found")
	e.want("a webhook that is not there", e.ask("POST", "/api/event?to=nobody", one("e3"), "Authorization", owner), 404, "not found")
	e.want("disabling", e.ask("PATCH", "/api/webhook/slow", `{"enabled":false}`, "Authorization", owner), 200, "")
	e.want("parked", e.ask("POST", "/api/event", one("e3"), "Authorization", publisher), 202, "")
	e.want("enabling", e.ask("PATCH", "/api/webhook/slow", `{"enabled":true}`, "Authorization", owner), 200, "")
	e.want("pending again", e.ask("POST", "/api/event", one("e4"), "Authorization", publisher), 429, "limit reached")
}

// TestHeldPastABound: publishers can't have more events held than the bound, also
// behind others of a transaction. A receipt makes room at once.
func TestHeldPastABound(t *testing.T) {
	e := newEdge(t, nil)
	token := e.token("acme", access.Publisher)
	e.bound("acme", bounds.Held, 2)
	hold := func(id string) answer {
		return e.ask("POST", "/api/event?receipt=await", `{"id":"`+id+`","resource":"transaction","action":"noted","body":{"id":"t-`+id+`"}}`, "Authorization", token)
	}
	e.want("the first", hold("e1"), 202, "")
	e.want("the second", hold("e2"), 202, "")
	got := e.ask("POST", "/api/event", `{"id":"e3","resource":"transaction","action":"noted","body":{"id":"t-e1"}}`, "Authorization", token)
	e.want("behind the first", got, 429, "limit reached")
	if !strings.Contains(got.body, "limits.held") || got.header.Get("Retry-After") != "" {
		t.Errorf("%v %s", got.header, got.body)
	}
	e.want("again", hold("e1"), 200, "")
	e.want("one that does not wait", e.ask("POST", "/api/event", `{"id":"e4","resource":"a","action":"b","body":{}}`, "Authorization", token), 202, "")
	e.want("a receipt", e.ask("POST", "/api/event/e1/receipt", `{"transactionHash":"0x`+strings.Repeat("ab", 32)+`","blockNumber":5,"status":"success"}`, "Authorization", token), 200, "")
	e.want("there is room", hold("e5"), 202, "")
	e.want("and no more", hold("e6"), 429, "limit reached")
}

// TestOpenTokensAndInvitations: only those count that can still be used.
func TestOpenTokensAndInvitations(t *testing.T) {
	e := newEdge(t, nil)
	cookie, id := e.found("1", "acme")
	e.bound(id, bounds.Invitations, 1)
	invite := func(email string) answer {
		return e.ask("POST", "/api/auth/organization/invite-member", `{"email":"`+email+`","role":"member"}`, "Cookie", cookie)
	}
	e.want("the first", invite("a@example.com"), 200, "")
	e.want("the second", invite("b@example.com"), 403, "INVITATION_LIMIT_REACHED")
	e.now = e.now.Add(access.InvitationLife + time.Second)
	e.want("the first has ended", invite("b@example.com"), 200, "")
}
