package server_test

import (
	"net/http"
	"strings"
	"testing"

	"sealpost/internal/access"
)

// TestCanary does everything with secrets that are looked for afterwards, in
// all that was logged and in every error that was answered.
func TestCanary(t *testing.T) {
	e := newEdge(t, nil)
	signed := e.signed("1", nil)
	in := e.verify(signed)
	cookie := in.header.Get("Set-Cookie")
	parsed, err := http.ParseSetCookie(cookie)
	e.must(err)
	e.want("an organization", e.ask("POST", organizationPath+"create", `{"name":"N","slug":"acme"}`, "Cookie", cookie), 200, "")
	token := e.token("acme", access.Owner)
	bearer := strings.TrimPrefix(token, "Bearer ")
	invitation := e.invite(cookie, "fay@example.com", "member").ID
	const config = `{"url":"https://127.0.0.1:8443/hook"}`
	secrets := map[string]string{"session": parsed.Value, "token": bearer, "invitation": invitation, "signature": signed["signature"].(string)}
	for _, call := range []struct{ name, method, path, body string }{
		{"secret", "POST", "/api/webhook/orders", config},
		{"rotated secret", "POST", "/api/webhook/orders/rotate", `{"now":true}`},
	} {
		got := e.ask(call.method, call.path, call.body, "Cookie", cookie)
		_, after, found := strings.Cut(got.body, `"secret":"`)
		if !found {
			t.Fatal(got.body)
		}
		secrets[call.name] = after[:64]
	}
	const given = "canary-0123456789abcdef0123456789abcdef"
	secrets["given secret"] = given
	e.want("a given secret", e.ask("POST", "/api/webhook/orders/rotate", `{"now":true,"secret":"`+given+`"}`, "Authorization", token), 200, "")

	// Everything once more, the wrong way.
	e.verify(signed)
	e.accept(e.signIn("2", ""), invitation)
	for _, broken := range []string{bearer + "x", bearer[:len(bearer)-1], strings.ToUpper(bearer)} {
		e.ask("GET", "/api/webhook", "", "Authorization", "Bearer "+broken)
	}
	e.ask("GET", "/api/webhook", "", "Authorization", "Basic "+bearer)
	e.ask("GET", "/api/webhook", "", "Cookie", access.CookieName+"="+parsed.Value+"x")
	e.ask("POST", "/api/webhook/orders/rotate", `{"secret":"`+given+`"`, "Authorization", token)
	e.ask("POST", "/api/webhook/orders/rotate", `{"secret":"`+given+`","overlap":"x"}`, "Authorization", token)
	e.ask("POST", "/api/webhook/orders/rotate", `{"secret":"`+given+`"}`, "Cookie", cookie)
	e.must(e.store.RevokeToken(e.Context(), e.id("acme"), "owner", e.time()))
	e.ask("GET", "/api/webhook", "", "Authorization", token)
	e.ask("POST", "/api/auth/sign-out", "{}", "Cookie", cookie)
	e.ask("GET", "/api/webhook", "", "Cookie", cookie)

	// What the reading routes show has none either.
	again := e.signIn("1", "")
	said := e.said.String()
	for _, path := range []string{"/api/webhook", "/api/webhook/orders", "/api/event", "/api/delivery", organizationPath + "list"} {
		got := e.ask("GET", path, "", "Cookie", again)
		if got.status != http.StatusOK {
			t.Errorf("%s: %d", path, got.status)
		}
		said += got.body
	}
	if !strings.Contains(said, "signed in") || !strings.Contains(said, "unauthorized") {
		t.Fatal("nothing was collected")
	}
	for name, value := range secrets {
		if strings.Contains(said, value) || strings.Contains(said, value[:len(value)-1]) {
			t.Errorf("the %s is shown:\n%s", name, said)
		}
	}
}
