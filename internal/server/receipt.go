package server

import (
	"net/http"

	"sealpost/internal/access"
	"sealpost/internal/webhook"
)

// receipt completes an event that waits.
func (s *Server) receipt(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	if err := receiptParameters.check(r); err != nil {
		return err
	}
	body, err := s.jsonBody(w, r, envelope)
	if err != nil {
		return err
	}
	given, err := webhook.DecodeGivenReceipt(body)
	if err == nil {
		err = s.opts.Service.CheckReceipt(given)
	}
	if err != nil {
		return err
	}
	event, err := s.ownEvent(r.Context(), c, r.PathValue("id"), access.EventReceipt)
	if err != nil {
		return err
	}
	if event, err = s.opts.Service.GiveReceipt(r.Context(), c.Organization, event.ID, given); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, event.View(access.Can(c.Role, access.EventBody)))
	return nil
}
