package server

import (
	"net/http"
	"strings"

	"sealpost/internal/access"
	"sealpost/internal/webhook"
)

// caller finds out who calls. Nothing is open by default: without a token that
// is good now the answer is 401, whatever the call.
func (s *Server) caller(r *http.Request) (access.Caller, error) {
	header := r.Header.Get("Authorization")
	scheme, text, found := strings.Cut(header, " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return access.Caller{}, webhook.Errorf(webhook.CodeUnauthorized, "a bearer token is needed")
	}
	presented, err := access.ParseToken(strings.TrimSpace(text))
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

// allowed checks, in the order that existing clients can tell, whether the
// caller has an organization and the permission.
func allowed(c access.Caller, permission access.Permission) error {
	if c.Organization == "" {
		return webhook.Errorf(webhook.CodeNoOrganization, "the user belongs to no organization")
	}
	return c.Check(permission)
}

// handler is a call of a known caller.
type handler func(w http.ResponseWriter, r *http.Request, c access.Caller) error

// known has a call answered for callers who are known.
func (s *Server) known(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := s.caller(r)
		if err == nil {
			err = h(w, r, c)
		}
		if err != nil {
			s.fail(w, err)
		}
	}
}
