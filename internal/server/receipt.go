package server

import (
	"net/http"

	"sealpost/internal/access"
	"sealpost/internal/webhook"
)

// receipt completes an event that waits.
func (s *Server) receipt(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	body, err := s.jsonBody(w, r, envelope)
	if err != nil {
		return err
	}
	outcome, err := webhook.DecodeReceiptOutcome(body)
	if err != nil {
		return err
	}
	event, err := s.ownEvent(r.Context(), c, r.PathValue("id"), access.EventReceipt)
	if err != nil {
		return err
	}
	if err := s.opts.Service.Attach(r.Context(), c.Organization, event.ID, outcome); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]string{"code": "ok"})
	return nil
}
