package access

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"sealpost/internal/secret"
)

func TestSessionLife(t *testing.T) {
	session, token := NewSession("someone@example.org", noon)
	if found, ok := SessionDigest(token); !ok || found != session.Digest {
		t.Error("the session is not found by its token")
	}
	for _, test := range []struct {
		after     time.Duration
		live, due bool
	}{
		{-24*time.Hour - 1, false, false}, // made by a clock that was ahead
		{-24 * time.Hour, true, false},
		{0, true, false},
		{24*time.Hour - 1, true, false},
		{24 * time.Hour, true, true},
		{7*24*time.Hour - 1, true, true},
		{7 * 24 * time.Hour, false, false},
		{8 * 24 * time.Hour, false, false},
	} {
		now := noon.Add(test.after)
		if session.Live(now) != test.live || session.Due(now) != test.due {
			t.Errorf("after %s: live %t, due %t", test.after, session.Live(now), session.Due(now))
		}
	}
}

func TestSessionDigestRefuses(t *testing.T) {
	_, token := NewSession("", noon)
	text := token.Reveal()
	for _, bad := range []string{"", text[1:], text + "a", text[:len(text)-1] + "%", "null"} {
		if _, ok := SessionDigest(secret.New(bad)); ok {
			t.Errorf("%q is looked up", bad)
		}
	}
}

func TestSessionEmails(t *testing.T) {
	user := NewUser(wallet(t, "1").Address, noon)
	derived := "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a@example.com"
	if emails := (Session{}).Emails(example, user); !slices.Equal(emails, []string{derived}) {
		t.Error(emails)
	}
	if emails := (Session{Claim: "a@b"}).Emails(example, user); !slices.Equal(emails, []string{derived, "a@b"}) {
		t.Error(emails)
	}
}

func TestCookie(t *testing.T) {
	token := secret.New("abc")
	secure := example
	secure.HTTPS = true
	for _, test := range []struct {
		cookie *http.Cookie
		want   string
	}{
		{example.Cookie(token), "better-auth.session_token=abc; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax"},
		{secure.Cookie(token), "better-auth.session_token=abc; Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax"},
		{example.Cookie(secret.Text{}), "better-auth.session_token=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"},
	} {
		if got := test.cookie.String(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

// TestCookieToken: better-auth's users paste a whole Set-Cookie into Cookie.
func TestCookieToken(t *testing.T) {
	_, token := NewSession("", noon)
	pasted := example.Cookie(token).String()
	for header, want := range map[string]string{
		pasted:                  token.Reveal(),
		"other=1; " + pasted:    token.Reveal(),
		CookieName + "=a":       "a",
		pasted + "; " + pasted:  token.Reveal(),
		"":                      "",
		"other=1":               "",
		CookieName + "=":        "",
		"x" + CookieName + "=a": "",
	} {
		request := httptest.NewRequest("GET", "/", nil)
		request.Header.Set("Cookie", header)
		got, found, err := CookieToken(request)
		if got.Reveal() != want || found != (want != "") || err != nil {
			t.Errorf("%q: %q, %t, %v", header, got.Reveal(), found, err)
		}
	}
	for _, header := range []string{CookieName + "=a; " + pasted, pasted + "; " + CookieName + "=a", CookieName + "=; " + CookieName + "=a"} {
		request := httptest.NewRequest("GET", "/", nil)
		request.Header.Set("Cookie", header)
		if got, found, err := CookieToken(request); found || err == nil {
			t.Errorf("%q: %q counts", header, got.Reveal())
		}
	}
}
