package access

import (
	"net/http"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// A session ends 7 days after its last renewal, and is renewed at most once a
// day (better-auth's expiresIn and updateAge).
const (
	SessionLife = 7 * 24 * time.Hour
	renewAfter  = 24 * time.Hour
)

// SessionMost is how far ahead a session's end may lie, with a day for a clock
// that was set back. One that ends later was made by a clock far ahead of its
// time, and would live until that has come.
const SessionMost = SessionLife + 24*time.Hour

// MaxSessions bounds how many sessions one user has at a time.
const MaxSessions = 100

// CookieName is the cookie that carries a session's token. It is the same
// under https, where better-auth would prefix it: its clients only echo it.
const CookieName = "better-auth.session_token"

// User is a person, known by their wallet.
type User struct {
	ID      string
	Address Address
	Created time.Time
}

// Session is a signed-in user, as it is stored.
type Session struct {
	ID      string
	User    string // id
	Digest  Digest // of the token
	Claim   string // e-mail address named at sign-in, lower case; empty: none. Never an identity
	Active  string // id of the organization made or joined last in this session; empty: none
	Created time.Time
	Updated time.Time // last renewal
	Expires time.Time
}

// NewUser makes the user that a wallet signs in as for the first time.
func NewUser(address Address, now time.Time) User {
	return User{ID: "usr_" + webhook.NewID(now), Address: address, Created: now}
}

// NewSession makes a session and its token, which goes into the cookie and is
// stored nowhere.
func NewSession(claim string, now time.Time) (Session, secret.Text) {
	token := randomText(longText)
	return Session{
		ID: "ses_" + webhook.NewID(now), Digest: digest(token), Claim: claim,
		Created: now, Updated: now, Expires: now.Add(SessionLife),
	}, secret.New(token)
}

// Live reports whether the session has not ended by itself, and was not made far
// ahead of its time.
func (s Session) Live(now time.Time) bool {
	return now.Before(s.Expires) && !s.Expires.After(now.Add(SessionMost))
}

// Due reports whether the session should be renewed: it is live, and was made
// or renewed a day ago or more.
func (s Session) Due(now time.Time) bool {
	return s.Live(now) && !now.Before(s.Expires.Add(renewAfter-SessionLife))
}

// Emails lists the addresses whose invitations the user may accept in this
// session: the derived one, and the one they named at sign-in.
func (s Session) Emails(p Policy, user User) []string {
	emails := []string{p.Email(user.Address)}
	if s.Claim != "" {
		emails = append(emails, s.Claim)
	}
	return emails
}

// SessionDigest is what a session is looked up by. Text that can be no
// session's token is refused without a look.
func SessionDigest(token secret.Text) (Digest, bool) {
	if !isBase62(token.Reveal(), longText) {
		return Digest{}, false
	}
	return digest(token.Reveal()), true
}

// Cookie carries a token to the client. A token of zero takes the cookie away.
func (p Policy) Cookie(token secret.Text) *http.Cookie {
	cookie := &http.Cookie{ //nolint:gosec // Secure follows what the server is served over
		Name: CookieName, Value: token.Reveal(), Path: "/", MaxAge: int(SessionLife / time.Second),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: p.HTTPS,
	}
	if token.IsZero() {
		cookie.MaxAge = -1 // written as Max-Age=0
	}
	return cookie
}

// CookieToken finds the session's token among a request's cookies. Clients
// that paste a whole Set-Cookie into Cookie send stray pairs besides (Path=/,
// Max-Age=…), which are no concern. Two cookies with the same value are one. Of two
// with different values somebody else may have set one, so the error says that none
// counts ([CodeUnauthorized]).
func CookieToken(r *http.Request) (token secret.Text, found bool, err error) {
	cookies := r.CookiesNamed(CookieName)
	for _, cookie := range cookies {
		if cookie.Value != cookies[0].Value {
			return secret.Text{}, false, Fault(CodeUnauthorized, "the request has two session cookies with different values")
		}
	}
	if len(cookies) == 0 || cookies[0].Value == "" {
		return secret.Text{}, false, nil
	}
	return secret.New(cookies[0].Value), true, nil
}
