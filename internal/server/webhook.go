package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

func (s *Server) routeWebhooks() {
	s.mux.HandleFunc("GET /api/webhook", s.known(s.listWebhooks))
	s.mux.HandleFunc("POST /api/webhook", s.known(s.createWebhook))
	s.mux.HandleFunc("GET /api/webhook/{name}", s.known(named(s.getWebhook)))
	s.mux.HandleFunc("POST /api/webhook/{name}", s.known(s.createWebhook))
	s.mux.HandleFunc("PUT /api/webhook/{name}", s.known(named(s.putWebhook)))
	s.mux.HandleFunc("PATCH /api/webhook/{name}", s.known(named(s.patchWebhook)))
	s.mux.HandleFunc("DELETE /api/webhook/{name}", s.known(named(s.deleteWebhook)))
	s.mux.HandleFunc("POST /api/webhook/{name}/rotate", s.known(named(s.rotateWebhook)))
}

// named has a call answered whose path names a webhook, with a name that may be
// one.
func named(h func(w http.ResponseWriter, r *http.Request, c access.Caller, name string) error) handler {
	return func(w http.ResponseWriter, r *http.Request, c access.Caller) error {
		name := r.PathValue("name")
		if err := webhook.CheckName(name); err != nil {
			return err
		}
		return h(w, r, c, name)
	}
}

// described reads a body that says what a webhook is to be.
func (s *Server) described(w http.ResponseWriter, r *http.Request, decode func([]byte) (*webhook.Patch, error)) (*webhook.Patch, error) {
	body, err := s.jsonBody(w, r, maxConfig)
	if err != nil {
		return nil, err
	}
	return decode(body)
}

// ifMatch is the condition of a request; a list may be spread over several
// fields.
func ifMatch(r *http.Request) string { return strings.Join(r.Header.Values("If-Match"), ",") }

// shown answers with a webhook and its entity tag.
func shown(w http.ResponseWriter, status int, config *webhook.Config, named bool, extra ...webhook.Member) {
	w.Header().Set("ETag", config.ETag())
	writeRaw(w, status, config.AppendJSON(named, extra...))
}

func (s *Server) listWebhooks(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	if err := allowed(c, access.WebhookRead); err != nil {
		return err
	}
	found, err := s.opts.Service.List(r.Context(), c.Organization)
	if err != nil {
		return err
	}
	members := make([]webhook.Member, len(found))
	for i := range found {
		members[i] = webhook.Member{Key: found[i].Name, Value: json.RawMessage(found[i].AppendJSON(false))}
	}
	writeRaw(w, http.StatusOK, webhook.MarshalMembers(members))
	return nil
}

func (s *Server) getWebhook(w http.ResponseWriter, r *http.Request, c access.Caller, name string) error {
	if err := allowed(c, access.WebhookRead); err != nil {
		return err
	}
	found, err := s.opts.Service.Get(r.Context(), c.Organization, name)
	if err != nil {
		return err
	}
	tellState(w.Header(), &found, s.opts.Service.Now())
	shown(w, http.StatusOK, &found.Config, false)
	return nil
}

// What a webhook's own state is told in; its document is its configuration alone.
const (
	headerDisabled      = "Sealpost-Disabled"       // why, as a JSON text in ASCII
	headerFailingSince  = "Sealpost-Failing-Since"  // RFC 3339
	headerRetryAfter    = "Sealpost-Retry-After"    // RFC 3339
	headerPreviousUntil = "Sealpost-Previous-Until" // RFC 3339
	headerMissed        = "Sealpost-Missed"         // how many events
	headerMissedSince   = "Sealpost-Missed-Since"   // RFC 3339
)

// tellState tells what has become of a webhook.
func tellState(header http.Header, w *webhook.Webhook, now time.Time) {
	if w.DisabledWhy != "" {
		header.Set(headerDisabled, strconv.QuoteToASCII(w.DisabledWhy))
	}
	if !w.FailingSince.IsZero() {
		header.Set(headerFailingSince, webhook.Timestamp(w.FailingSince))
	}
	if w.RetryAfter.In(now) {
		header.Set(headerRetryAfter, webhook.Timestamp(w.RetryAfter.Time))
	}
	if w.PreviousUntil.After(now) {
		header.Set(headerPreviousUntil, webhook.Timestamp(w.PreviousUntil))
	}
	if w.Missed.Events > 0 {
		header.Set(headerMissed, strconv.FormatInt(w.Missed.Events, 10))
		header.Set(headerMissedSince, webhook.Timestamp(w.Missed.Since))
	}
}

// createWebhook takes the name from the path, or else from the body.
func (s *Server) createWebhook(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	name := r.PathValue("name")
	if name != "" {
		if err := webhook.CheckName(name); err != nil {
			return err
		}
	}
	patch, err := s.described(w, r, webhook.DecodeConfig)
	if err != nil {
		return err
	}
	if name == "" {
		if patch.Name == nil {
			return webhook.Errorf(webhook.CodeBadRequest, "name is missing, in the path and in the body")
		}
		name = *patch.Name
	}
	if err := allowed(c, access.WebhookCreate); err != nil {
		return err
	}
	created, err := s.opts.Service.Create(r.Context(), c.Organization, name, patch, secret.Text{}, false)
	if err != nil {
		return err
	}
	shown(w, http.StatusCreated, &created.Config, true, webhook.Member{Key: "secret", Value: created.Secret.Reveal()})
	return nil
}

func (s *Server) putWebhook(w http.ResponseWriter, r *http.Request, c access.Caller, name string) error {
	patch, err := s.described(w, r, webhook.DecodeConfig)
	if err != nil {
		return err
	}
	if err := errors.Join(allowed(c, access.WebhookCreate), allowed(c, access.WebhookUpdate)); err != nil {
		return err
	}
	put, created, err := s.opts.Service.Put(r.Context(), c.Organization, name, patch, ifMatch(r))
	if err != nil {
		return err
	}
	if created {
		shown(w, http.StatusCreated, &put.Config, true, webhook.Member{Key: "secret", Value: put.Secret.Reveal()})
		return nil
	}
	shown(w, http.StatusOK, &put.Config, true)
	return nil
}

func (s *Server) patchWebhook(w http.ResponseWriter, r *http.Request, c access.Caller, name string) error {
	patch, err := s.described(w, r, webhook.DecodePatch)
	if err != nil {
		return err
	}
	if err := allowed(c, access.WebhookUpdate); err != nil {
		return err
	}
	config, err := s.opts.Service.Update(r.Context(), c.Organization, name, patch, ifMatch(r))
	if err != nil {
		return err
	}
	shown(w, http.StatusOK, &config, true)
	return nil
}

func (s *Server) deleteWebhook(w http.ResponseWriter, r *http.Request, c access.Caller, name string) error {
	if err := allowed(c, access.WebhookDelete); err != nil {
		return err
	}
	if err := s.opts.Service.Delete(r.Context(), c.Organization, name, ifMatch(r)); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, problem{Code: "ok"})
	return nil
}

func (s *Server) rotateWebhook(w http.ResponseWriter, r *http.Request, c access.Caller, name string) error {
	rotation := webhook.Rotation{Overlap: webhook.DefaultOverlap}
	if r.ContentLength != 0 {
		body, err := s.jsonBody(w, r, maxConfig)
		if err != nil {
			return err
		}
		if rotation, err = decodeRotation(body, c); err != nil {
			return err
		}
	}
	if err := allowed(c, access.WebhookRotate); err != nil {
		return err
	}
	rotated, err := s.opts.Service.Rotate(r.Context(), c.Organization, name, rotation)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Name          string `json:"name"`
		Secret        string `json:"secret"`
		PreviousUntil string `json:"previousUntil"`
	}{name, rotated.Secret.Reveal(), webhook.Timestamp(rotated.PreviousUntil)})
	return nil
}

// decodeRotation reads {overlap?, now?, secret?}: overlap in seconds or as a
// text such as 12h, now to drop the old secret at once, and, from programs with
// a bearer token only, the new secret.
func decodeRotation(body []byte, c access.Caller) (webhook.Rotation, error) {
	rotation := webhook.Rotation{Overlap: webhook.DefaultOverlap}
	var members map[string]json.RawMessage
	if err := webhook.UnmarshalObject(body, &members); err != nil {
		return rotation, err
	}
	var in struct {
		Overlap any
		Now     *bool
		Secret  *string
	}
	var faults []string
	for name, into := range map[string]any{"overlap": &in.Overlap, "now": &in.Now, "secret": &in.Secret} { // a struct's tags would take Now for now
		var mismatch *json.UnmarshalTypeError
		if raw, given := members[name]; given && errors.As(json.Unmarshal(raw, into), &mismatch) {
			faults = append(faults, fmt.Sprintf("%s can't be a %s", name, mismatch.Value))
		}
	}
	slices.Sort(faults)
	switch overlap := in.Overlap.(type) {
	case nil:
	case float64:
		rotation.Overlap = time.Duration(overlap * float64(time.Second))
	case string:
		d, err := time.ParseDuration(overlap)
		if err != nil {
			faults = append(faults, fmt.Sprintf("overlap %q is not a time such as 12h", overlap))
		}
		rotation.Overlap = d
	default:
		faults = append(faults, "overlap is neither a number of seconds nor a text such as 12h")
	}
	if rotation.Overlap < 0 || rotation.Overlap > webhook.KeepRotated {
		faults = append(faults, "overlap is not between 0 and 30 days")
	}
	if in.Now != nil && *in.Now {
		rotation.Force, rotation.Overlap = true, 0
	}
	if in.Secret != nil {
		value, err := secret.Parse(*in.Secret)
		switch {
		case c.Token == "":
			faults = append(faults, "a secret of your own can be given with a bearer token only")
		case err != nil:
			faults = append(faults, "secret: "+err.Error())
		}
		rotation.Secret = value
	}
	if faults != nil {
		return rotation, &webhook.Error{Code: webhook.CodeBadRequest, Messages: faults}
	}
	return rotation, nil
}
