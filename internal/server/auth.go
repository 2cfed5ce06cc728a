package server

import (
	"net/http"
	"net/url"
	"strings"

	"sealpost/internal/access"
	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// caller finds out who calls: a program by its bearer token, which counts
// before anything else, or a person by their session's cookie. Nothing is open by
// default: without either the answer is 401, whatever the call.
func (s *Server) caller(w http.ResponseWriter, r *http.Request) (access.Caller, error) {
	cookie, hasCookie, err := s.sessionToken(r)
	if err != nil {
		return access.Caller{}, err
	}
	authorization, err := authorizationOf(r)
	if err != nil {
		return access.Caller{}, err
	}
	if hasCookie && s.foreign(r) {
		return access.Caller{}, webhook.Errorf(webhook.CodeNoPermission, "the request has a session's cookie and comes from a page of another origin")
	}
	scheme, text, _ := strings.Cut(authorization, " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return s.program(r, strings.TrimSpace(text))
	case hasCookie:
		return s.person(w, r, cookie)
	case s.opts.SignIn != nil:
		return access.Caller{}, webhook.Errorf(webhook.CodeUnauthorized, "a bearer token or a session is needed")
	}
	return access.Caller{}, webhook.Errorf(webhook.CodeUnauthorized, "a bearer token is needed")
}

// authorizationOf is a request's Authorization. Two fields with the same value are
// one; of two with different values neither counts.
func authorizationOf(r *http.Request) (string, error) {
	values := r.Header["Authorization"]
	for _, value := range values {
		if value != values[0] {
			return "", webhook.Errorf(webhook.CodeUnauthorized, "the request has two Authorization fields with different values")
		}
	}
	if len(values) == 0 {
		return "", nil
	}
	return values[0], nil
}

// program is who presents a bearer token.
func (s *Server) program(r *http.Request, text string) (access.Caller, error) {
	presented, err := access.ParseToken(text)
	if err != nil {
		return access.Caller{}, err
	}
	token, err := s.opts.Tokens.Token(r.Context(), presented.ID)
	if err != nil {
		return access.Caller{}, err
	}
	if err := token.Check(presented, s.opts.Now()); err != nil {
		return access.Caller{}, err
	}
	return token.Caller(), nil
}

// recent is who presents a bearer token that was looked up before and fits.
func (s *Server) recent(r *http.Request) (c access.Caller, found bool) {
	if _, hasCookie, err := s.sessionToken(r); hasCookie || err != nil || isLines(r) {
		return c, false
	}
	authorization, err := authorizationOf(r)
	if err != nil {
		return c, false
	}
	scheme, text, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return c, false
	}
	presented, err := access.ParseToken(strings.TrimSpace(text))
	if err != nil {
		return c, false
	}
	token, found := s.opts.Tokens.Remembered(presented.ID)
	if !found || token.Check(presented, s.opts.Now()) != nil {
		return c, false
	}
	c = token.Caller()
	c.AsOf = token.AsOf
	return c, true
}

// person is who presents a session's token, as a member of the first
// organization that they joined. Without any they are a caller all the same:
// allowed says so, after what they send has been judged.
func (s *Server) person(w http.ResponseWriter, r *http.Request, token secret.Text) (access.Caller, error) {
	signedIn, err := s.session(w, r, token)
	if err != nil {
		return access.Caller{}, err
	}
	c, err := s.opts.SignIn.Service.Person(r.Context(), signedIn)
	if webhook.CodeOf(err) == webhook.CodeNoOrganization {
		return access.Caller{User: signedIn.User.ID}, nil
	}
	return c, err
}

// sessionToken finds the session's token that a request carries, if sign-in is
// on at all.
func (s *Server) sessionToken(r *http.Request) (token secret.Text, found bool, err error) {
	if s.opts.SignIn == nil {
		return secret.Text{}, false, nil
	}
	return access.CookieToken(r)
}

// session finds a live session, and sets its cookie again when it was renewed.
func (s *Server) session(w http.ResponseWriter, r *http.Request, token secret.Text) (access.SignedIn, error) {
	service := s.opts.SignIn.Service
	signedIn, err := service.Session(r.Context(), token)
	if err == nil && signedIn.Renewed {
		http.SetCookie(w, service.Policy.Cookie(token))
	}
	return signedIn, err
}

// foreign reports whether a request would change something and was sent by a
// page of another origin, as browsers say with Origin and Sec-Fetch-Site. Other
// clients send neither, and pass.
//
// With a base URL the origins that count are its own and those of the setting
// auth.origins: Host is what the client says, and not believed. Without one the
// page's host has to be the request's.
func (s *Server) foreign(r *http.Request) bool {
	if reads(r) {
		return false
	}
	if origin := r.Header.Get("Origin"); origin != "" && s.own != nil {
		return len(r.Header["Origin"]) > 1 || !s.own[originOf(origin)]
	}
	return s.origins.Check(r) != nil || s.plain(r)
}

func reads(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
}

// plain reports whether a request to a server over https was sent by that
// server's page over plain http, which whoever sits on the line may have
// written. net/http lets it pass.
func (s *Server) plain(r *http.Request) bool {
	return r.TLS != nil && strings.HasPrefix(strings.ToLower(r.Header.Get("Origin")), "http://")
}

// originOf is the origin of a URL as browsers write it: in lower case, without the
// scheme's own port. It is empty when there is none.
func originOf(text string) string {
	u, err := url.Parse(strings.ToLower(text))
	if err != nil || u.Host == "" {
		return ""
	}
	host := u.Host
	for scheme, port := range map[string]string{"http": ":80", "https": ":443"} {
		if u.Scheme == scheme {
			host = strings.TrimSuffix(host, port)
		}
	}
	return u.Scheme + "://" + strings.TrimSuffix(host, ":")
}

// allowed checks, in the order that existing clients can tell, whether the
// caller has an organization and the permission.
func allowed(c access.Caller, permission access.Permission) error {
	if err := belongs(c); err != nil {
		return err
	}
	return c.Check(permission)
}

// belongs checks whether the caller has an organization that is not suspended.
func belongs(c access.Caller) error {
	switch {
	case c.Suspended:
		return webhook.Errorf(webhook.CodeNoOrganization, "the organization is suspended")
	case c.Organization == "":
		return webhook.Errorf(webhook.CodeNoOrganization, "the user belongs to no organization")
	}
	return nil
}

// handler is a call of a known caller.
type handler func(w http.ResponseWriter, r *http.Request, c access.Caller) error

// known has a call answered for callers who are known.
func (s *Server) known(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := s.caller(w, r)
		if err == nil {
			err = s.inTurn(h)(w, r, c)
		}
		if err != nil {
			s.fail(w, err)
		}
	}
}

// remembered has a call that ends in a publication answered for a program that
// was looked up before. The commit refuses it when access has changed since, and
// before any other refusal is told the program is looked up after all: so a
// revoked token counts from the next request here as anywhere.
func (s *Server) remembered(h handler) http.HandlerFunc {
	exactly := s.known(h)
	return func(w http.ResponseWriter, r *http.Request) {
		c, found := s.recent(r)
		if !found {
			exactly(w, r)
			return
		}
		err := h(w, r, c)
		if err != nil {
			if _, unknown := s.caller(w, r); unknown != nil {
				err = unknown
			}
			s.fail(w, err)
		}
	}
}
