package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/server"
)

type sessionAnswer struct {
	Session struct {
		ID, Token, UserID    string
		ExpiresAt, UpdatedAt time.Time
		ActiveOrganizationID *string
	}
	User struct{ ID, Name, Email string }
}

func TestSession(t *testing.T) {
	e := newEdge(t, nil)
	get := func(cookie string) answer { return e.ask("GET", "/api/auth/get-session", "", "Cookie", cookie) }
	if got := e.ask("GET", "/api/auth/get-session", ""); got.status != 200 || got.body != "null" || got.header.Get("Cache-Control") != "no-store" || len(got.header["Set-Cookie"]) != 0 {
		t.Errorf("nobody: %+v", got)
	}
	cookie := e.signIn("1", "")
	got := get(cookie)
	who := read[sessionAnswer](e, got)
	address := wallet(e, "1").Address
	if who.User.Name != address.String() || who.User.Email != address.Lower()+"@"+domain || who.Session.UserID != who.User.ID ||
		who.Session.ActiveOrganizationID != nil || !who.Session.ExpiresAt.Equal(e.time().Add(access.SessionLife)) ||
		!strings.Contains(cookie, "="+who.Session.Token+";") || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s", got.body)
	}
	if strings.Count(got.body, ".000Z") != 5 {
		t.Errorf("times without three digits: %s", got.body)
	}

	// It slides, at most once a day; any call with it counts.
	e.wait(23 * time.Hour)
	if got := get(cookie); got.header.Get("Set-Cookie") != "" {
		t.Error("renewed within a day")
	}
	e.wait(time.Hour)
	if got := e.ask("GET", "/api/webhook", "", "Cookie", cookie); got.header.Get("Set-Cookie") != cookie || got.code != "no organization" {
		t.Errorf("not renewed after a day: %+v", got)
	}
	if got := read[sessionAnswer](e, get(cookie)); !got.Session.ExpiresAt.Equal(e.time().Add(access.SessionLife)) || !got.Session.UpdatedAt.Equal(e.time()) {
		t.Errorf("%+v", got)
	}
	e.wait(access.SessionLife)
	dead := get(cookie)
	if dead.body != "null" || !strings.HasPrefix(dead.header.Get("Set-Cookie"), access.CookieName+"=; Path=/; Max-Age=0") {
		t.Errorf("after 7 days: %+v", dead)
	}
	e.want("after 7 days", e.ask("GET", "/api/webhook", "", "Cookie", cookie), 401, "unauthorized")

	// Signing out ends it for every copy, and only it; doing it twice is fine.
	here, elsewhere := e.signIn("1", ""), e.signIn("1", "")
	for range 2 {
		out := e.ask("POST", "/api/auth/sign-out", "{}", "Cookie", here)
		if out.body != `{"success":true}` || !strings.Contains(out.header.Get("Set-Cookie"), "Max-Age=0") {
			t.Errorf("%+v", out)
		}
	}
	e.want("nobody signs out", e.ask("POST", "/api/auth/sign-out", ""), 200, "")
	if get(here).body != "null" || get(elsewhere).body == "null" {
		t.Error("the wrong session has ended")
	}
	for _, path := range []string{"create", "invite-member", "accept-invitation", "has-permission"} {
		e.want(path, e.ask("POST", "/api/auth/organization/"+path, "{}", "Cookie", here), 401, "UNAUTHORIZED")
	}
	e.want("list", e.ask("GET", "/api/auth/organization/list", ""), 401, "UNAUTHORIZED")
}

// TestCookie has the cookie's attributes, and whatever surrounds it when
// clients send it.
func TestCookie(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*server.SignIn)
		secure bool
	}{
		"http":  {nil, false},
		"https": {func(s *server.SignIn) { s.Service.Policy.HTTPS = true }, true},
	} {
		e := newEdge(t, c.change)
		set := e.verify(e.signed("1", nil)).header.Values("Set-Cookie")
		parsed, err := http.ParseSetCookie(strings.Join(set, ", "))
		if err != nil || len(set) != 1 || parsed.Name != access.CookieName || !parsed.HttpOnly || parsed.SameSite != http.SameSiteLaxMode ||
			parsed.Secure != c.secure || parsed.Path != "/" || parsed.MaxAge != 7*24*60*60 || parsed.Domain != "" {
			t.Errorf("%s: %q %v", name, set, err)
		}
		pair := parsed.Name + "=" + parsed.Value
		for _, header := range []string{pair, set[0], "a=1; " + pair + "; b", "HttpOnly; ; =; Path=/; " + pair, pair + "; " + pair} {
			if got := e.ask("GET", "/api/auth/get-session", "", "Cookie", header); got.body == "null" {
				t.Errorf("%s: no session by %q", name, header)
			}
		}
		for _, header := range []string{parsed.Name + "=", parsed.Name, "x" + pair, parsed.Name + "=" + parsed.Value + "x", parsed.Name + "=" + strings.ToLower(parsed.Value)} {
			if got := e.ask("GET", "/api/auth/get-session", "", "Cookie", header); got.body != "null" {
				t.Errorf("%s: a session by %q", name, header)
			}
		}
	}
}

// TestSignInOff has nothing below /api/auth, and cookies that mean nothing.
func TestSignInOff(t *testing.T) {
	e := newEdge(t, nil)
	cookie, _ := e.found("1", "acme")
	e.off()
	for _, path := range []string{"siwe/nonce", "siwe/verify", "sign-out", "organization/create"} {
		e.want(path, e.ask("POST", "/api/auth/"+path, "{}"), 404, "NOT_FOUND")
	}
	e.want("get-session", e.ask("GET", "/api/auth/get-session", ""), 404, "NOT_FOUND")
	e.want("a cookie", e.ask("GET", "/api/webhook", "", "Cookie", cookie), 401, "unauthorized")
	e.want("a token", e.ask("GET", "/api/webhook", "", "Authorization", e.token("acme", access.Owner)), 200, "")
}
