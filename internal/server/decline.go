package server

import (
	"net/http"

	"sealpost/internal/access"
	"sealpost/internal/webhook"
)

func (s *Server) routeDecline() {
	s.mux.HandleFunc("POST /api/decline", s.known(s.decline))
}

// decline leaves the reason for which the caller's platform declined a
// transaction, until the card provider tells of it.
func (s *Server) decline(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	body, err := s.jsonBody(w, r, envelope)
	if err != nil {
		return err
	}
	d, err := webhook.DecodeDecline(body)
	if err != nil {
		return err
	}
	if err := allowed(c, access.DeclineLeave); err != nil {
		return err
	}
	if err := s.opts.Service.Decline(r.Context(), c.Organization, d); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, problem{Code: "ok"})
	return nil
}
