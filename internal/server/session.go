package server

import (
	"errors"
	"net/http"

	"sealpost/internal/access"
	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

func (s *Server) routeSession() {
	s.mux.HandleFunc("GET "+authPath+"get-session", s.spoken(s.getSession))
	s.mux.HandleFunc("POST "+authPath+"sign-out", s.spoken(s.signOut))
}

// sessionJSON is a session as better-auth's clients know it. The addresses and
// programs of people are not kept, so those members are empty.
type sessionJSON struct {
	ExpiresAt            string  `json:"expiresAt"`
	Token                string  `json:"token"`
	CreatedAt            string  `json:"createdAt"`
	UpdatedAt            string  `json:"updatedAt"`
	IPAddress            string  `json:"ipAddress"`
	UserAgent            string  `json:"userAgent"`
	UserID               string  `json:"userId"`
	ID                   string  `json:"id"`
	ActiveOrganizationID *string `json:"activeOrganizationId"`
}

type userJSON struct {
	Name          string `json:"name"`
	Email         string `json:"email"`
	EmailVerified bool   `json:"emailVerified"`
	Image         string `json:"image"`
	CreatedAt     string `json:"createdAt"`
	UpdatedAt     string `json:"updatedAt"`
	ID            string `json:"id"`
}

// getSession says who is signed in, or null. A cookie that is worth nothing
// any more is taken away.
func (s *Server) getSession(w http.ResponseWriter, r *http.Request) error {
	token, found, err := s.sessionToken(r)
	if err != nil {
		return err
	}
	if !found {
		writeRaw(w, http.StatusOK, []byte("null"))
		return nil
	}
	who, err := s.session(w, r, token)
	var fault *access.Error
	if errors.As(err, &fault) && fault.Code == access.CodeUnauthorized {
		s.clearCookie(w)
		writeRaw(w, http.StatusOK, []byte("null"))
		return nil
	}
	if err != nil {
		return err
	}
	session, user := who.Session, who.User
	made := webhook.Timestamp(user.Created)
	out := struct {
		Session sessionJSON `json:"session"`
		User    userJSON    `json:"user"`
	}{
		sessionJSON{
			ExpiresAt: webhook.Timestamp(session.Expires), Token: token.Reveal(), CreatedAt: webhook.Timestamp(session.Created),
			UpdatedAt: webhook.Timestamp(session.Updated), UserID: user.ID, ID: session.ID,
		},
		userJSON{
			Name: user.Address.String(), Email: s.opts.SignIn.Service.Policy.Email(user.Address), CreatedAt: made, UpdatedAt: made, ID: user.ID,
		},
	}
	if session.Active != "" {
		out.Session.ActiveOrganizationID = &session.Active
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// signOut ends the session, if there is one.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := s.authBody(w, r, &struct{}{}); err != nil {
		return err
	}
	token, found, err := s.sessionToken(r)
	if err != nil {
		return err
	}
	if found {
		if err := s.opts.SignIn.Service.SignOut(r.Context(), token); err != nil {
			return err
		}
	}
	s.clearCookie(w)
	writeRaw(w, http.StatusOK, []byte(`{"success":true}`))
	return nil
}

func (s *Server) clearCookie(w http.ResponseWriter) {
	http.SetCookie(w, s.opts.SignIn.Service.Policy.Cookie(secret.Text{}))
}
