package main

import (
	"context"
	"encoding/json"
	"strings"

	"sealpost/internal/signature"
	"sealpost/internal/webhook"
)

// Bounds on the stored events among which the one that was signed is looked for.
const (
	maxStoredEvents = 1000
	maxStoredBytes  = 64 << 20
)

// storedBody returns the body that was sent: of the event whose id the request
// carries, in its headers or in its body, or of the newest event that was signed so.
// It returns nil when none is known.
func (a *app) storedBody(ctx context.Context, l *local, r *signature.Request) []byte {
	var first []byte
	for _, id := range carriedIDs(r) {
		event, err := l.Event(ctx, a.organization(), id)
		if err != nil || event.Bytes == nil {
			continue
		}
		if signs(r, event.Bytes) {
			return event.Bytes
		}
		if first == nil {
			first = event.Bytes
		}
	}
	if first != nil || signs(r, r.Body) {
		return first
	}
	return a.signedEvent(ctx, l, r)
}

// carriedIDs are the ids that a request names its event by.
func carriedIDs(r *signature.Request) (ids []string) {
	for name, values := range r.Headers {
		if (strings.EqualFold(name, signature.HeaderID) || strings.EqualFold(name, signature.HeaderSvixID)) && len(values) == 1 {
			ids = append(ids, values[0])
		}
	}
	var event struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(r.Body, &event) == nil && event.ID != "" {
		ids = append(ids, event.ID)
	}
	return ids
}

// signs reports whether one of the signatures of a request is right for a body.
func signs(r *signature.Request, body []byte) bool {
	other := *r
	other.Body, other.Tolerance, other.Scheme = body, -1, signature.SchemeAuto
	for _, v := range signature.Verify(other).Schemes {
		if v.Signature == signature.Valid {
			return true
		}
	}
	return false
}

// signedEvent looks through the newest events for the one that was signed so.
func (a *app) signedEvent(ctx context.Context, l *local, r *signature.Request) []byte {
	seen, size, cursor := 0, 0, ""
	for seen < maxStoredEvents {
		page, next, err := l.store.Events(ctx, webhook.EventQuery{Organization: a.organization(), Cursor: cursor, Limit: 100})
		if err != nil {
			return nil // the explanation goes on without it
		}
		for _, listed := range page {
			event, err := l.Event(ctx, a.organization(), listed.ID)
			if err != nil || event.Bytes == nil {
				continue
			}
			if seen++; signs(r, event.Bytes) {
				return event.Bytes
			}
			if size += len(event.Bytes); size > maxStoredBytes {
				return nil
			}
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
	return nil
}
