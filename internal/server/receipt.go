package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"sealpost/internal/access"
	"sealpost/internal/webhook"
)

// receipt completes an event that waits.
func (s *Server) receipt(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	body, err := jsonBody(w, r, envelope)
	if err != nil {
		return err
	}
	var given struct {
		TransactionHash string  `json:"transactionHash"`
		BlockNumber     *uint64 `json:"blockNumber"`
		Status          string  `json:"status"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&given); err != nil {
		return webhook.Errorf(webhook.CodeBadRequest, "the receipt does not fit: "+strings.TrimPrefix(err.Error(), "json: "))
	}
	if given.BlockNumber == nil {
		return webhook.Errorf(webhook.CodeBadRequest, "blockNumber is missing")
	}
	outcome, err := webhook.NewReceiptOutcome(given.TransactionHash, *given.BlockNumber, given.Status)
	if err != nil {
		return err
	}
	event, err := s.ownEvent(r.Context(), c, r.PathValue("id"), access.EventReceipt)
	if err != nil {
		return err
	}
	if err := s.opts.Service.Deliver.Attach(r.Context(), c.Organization, event.ID, outcome, s.opts.Now()); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]string{"code": "ok"})
	return nil
}
