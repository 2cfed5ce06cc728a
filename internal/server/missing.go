package server

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"sealpost/internal/access"
	"sealpost/internal/webhook"
)

// resendMissing sends to webhooks what they missed; ?cursor= goes on where the call
// before ended.
func (s *Server) resendMissing(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	body, err := s.jsonBody(w, r, maxConfig)
	if err != nil {
		return err
	}
	q, err := webhook.DecodeMissing(body)
	if err != nil {
		return err
	}
	params := r.URL.Query()
	for _, name := range sortedKeys(params) {
		if name != "cursor" {
			return webhook.Errorf(webhook.CodeBadRequest, "the only parameter known here is cursor; to stands in the body")
		}
	}
	q.Cursor = params.Get("cursor")
	if err := allowed(c, access.EventResend); err != nil {
		return err
	}
	done, err := s.opts.Service.ResendMissing(r.Context(), c.Organization, q)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, done)
	return nil
}

// ResendMissing is [admin.Service.ResendMissing].
func (c *Client) ResendMissing(ctx context.Context, _ string, q webhook.MissingQuery) (done webhook.Progress, err error) {
	members := []webhook.Member{{Key: "missing", Value: true}}
	if q.To != nil {
		members = append(members, webhook.Member{Key: "to", Value: q.To})
	}
	var query url.Values
	if q.Cursor != "" {
		query = url.Values{"cursor": {q.Cursor}}
	}
	body, _, err := c.do(ctx, call{method: http.MethodPost, path: "/api/event/resend", query: query, body: webhook.MarshalMembers(members), again: true})
	if err != nil {
		return done, err
	}
	if err := json.Unmarshal(body, &done); err != nil {
		return done, badAnswer(err)
	}
	return done, nil
}
