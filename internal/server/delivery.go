package server

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"sealpost/internal/access"
	"sealpost/internal/webhook"
)

func (s *Server) routeDeliveries() {
	s.mux.HandleFunc("GET /api/delivery", s.known(s.listDeliveries))
	s.mux.HandleFunc("GET /api/delivery/{id}", s.known(s.getDelivery))
	s.mux.HandleFunc("POST /api/delivery/{id}/retry", s.known(s.changeDelivery(access.DeliveryRetry, s.opts.Service.Retry)))
	s.mux.HandleFunc("POST /api/delivery/{id}/cancel", s.known(s.changeDelivery(access.DeliveryCancel, s.opts.Service.CancelDelivery)))
}

func (s *Server) listDeliveries(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	q := r.URL.Query()
	limit, since, err := listing(q)
	if err != nil {
		return err
	}
	state := webhook.DeliveryState(q.Get("state"))
	if state != "" && !slices.Contains(webhook.DeliveryStates, state) {
		return webhook.Errorf(webhook.CodeBadRequest, fmt.Sprintf("state=%q is none of %v", state, webhook.DeliveryStates))
	}
	if err := allowed(c, access.DeliveryRead); err != nil {
		return err
	}
	found, next, err := s.opts.Service.ListDeliveries(r.Context(), webhook.DeliveryQuery{
		Organization: c.Organization, Event: q.Get("event"), Webhook: q.Get("webhook"), Type: q.Get("type"), State: state,
		Publisher: c.Scope(access.DeliveryRead), Since: since, Cursor: q.Get("cursor"), Limit: limit,
	})
	if err != nil {
		return err
	}
	out := page[webhook.DeliveryView]{Data: make([]webhook.DeliveryView, len(found)), Next: next}
	for i := range found {
		out.Data[i] = found[i].View(false).Outside(access.Can(c.Role, access.WebhookRead))
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (s *Server) getDelivery(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	if err := allowed(c, access.DeliveryRead); err != nil {
		return err
	}
	found, err := s.opts.Service.Delivery(r.Context(), c.Organization, r.PathValue("id"))
	if err != nil {
		return err
	}
	if scope := c.Scope(access.DeliveryRead); scope != "" {
		event, err := s.opts.Service.Event(r.Context(), c.Organization, found.EventID)
		if err != nil {
			return err
		}
		if event.Publisher != scope {
			return webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("no delivery %q", r.PathValue("id")))
		}
	}
	writeJSON(w, http.StatusOK, found.View(access.Can(c.Role, access.EventBody)).Outside(access.Can(c.Role, access.WebhookRead)))
	return nil
}

// changeDelivery answers for retry and cancel.
func (s *Server) changeDelivery(permission access.Permission, change func(ctx context.Context, organization, id string) (webhook.Delivery, error)) handler {
	return func(w http.ResponseWriter, r *http.Request, c access.Caller) error {
		if err := allowed(c, permission); err != nil {
			return err
		}
		found, err := change(r.Context(), c.Organization, r.PathValue("id"))
		if err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, found.View(true).Outside(access.Can(c.Role, access.WebhookRead)))
		return nil
	}
}
