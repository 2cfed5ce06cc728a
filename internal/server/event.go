package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/admin"
	"sealpost/internal/webhook"
)

const (
	maxBatch  = 16 << 20 // bytes of one NDJSON request
	smallest  = 40       // bytes of {"resource":"a","action":"b","body":{}} and its line's end
	envelope  = 4 << 10  // bytes that an event's own members may have besides its body
	batchSize = 256      // events of a batch that share a commit
)

func (s *Server) routeEvents() {
	s.mux.HandleFunc("POST /api/event", s.remembered(s.publish))
	s.mux.HandleFunc("GET /api/event", s.known(s.listEvents))
	s.mux.HandleFunc("GET /api/event/{id}", s.known(s.getEvent))
	s.mux.HandleFunc("POST /api/event/resend", s.known(s.resendMissing))
	s.mux.HandleFunc("POST /api/event/{id}/resend", s.known(s.resendEvent))
	s.mux.HandleFunc("POST /api/event/{id}/receipt", s.known(s.receipt))
}

// publish takes one event, or one a line.
func (s *Server) publish(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	if err := publishParameters.check(r); err != nil {
		return err
	}
	if isLines(r) {
		return s.publishLines(w, r, c)
	}
	body, err := s.jsonBody(w, r, s.opts.MaxBody+envelope)
	if err != nil {
		return err
	}
	draft, err := s.draft(r, body)
	if err != nil {
		return err
	}
	if err := allowed(c, access.EventPublish); err != nil {
		return err
	}
	results, err := s.opts.Service.Publish(r.Context(), []admin.PublishParams{s.params(r, c, draft)})
	if err != nil {
		return err
	}
	if errors.Is(results[0].Err, webhook.ErrOutdated) {
		if c, err = s.caller(w, r); err != nil {
			return err
		}
		if err = allowed(c, access.EventPublish); err != nil {
			return err
		}
		if results, err = s.opts.Service.Publish(r.Context(), []admin.PublishParams{s.params(r, c, draft)}); err != nil {
			return err
		}
	}
	if results[0].Err != nil {
		return results[0].Err
	}
	status := http.StatusAccepted
	if results[0].Repeated {
		status = http.StatusOK
	}
	tellUnwatched(w, results)
	writeRaw(w, status, appendPublished(make([]byte, 0, 96), &results[0]))
	return nil
}

// draft reads an event; ?receipt=await holds it until its receipt is known.
func (s *Server) draft(r *http.Request, body []byte) (*webhook.Draft, error) {
	draft, err := webhook.DecodeDraft(body)
	if err != nil || r.URL.RawQuery == "" {
		return draft, err
	}
	switch receipt := r.URL.Query().Get("receipt"); {
	case receipt == "":
	case receipt != "await":
		return nil, webhook.Errorf(webhook.CodeBadRequest, fmt.Sprintf("receipt=%q is not await", receipt))
	case draft.Receipt != nil:
		return nil, webhook.Errorf(webhook.CodeBadRequest, "the event carries its receipt; there is nothing to await")
	default:
		draft.Await = true
	}
	return draft, nil
}

// params are what is published; ?to=NAME narrows it to webhooks by name.
func (s *Server) params(r *http.Request, c access.Caller, draft *webhook.Draft) admin.PublishParams {
	p := admin.PublishParams{Organization: c.Organization, Draft: draft, Publisher: c.Scope(access.EventRead), AsOf: c.AsOf, Named: access.Can(c.Role, access.WebhookRead)}
	if r.URL.RawQuery != "" {
		p.To = r.URL.Query()["to"]
	}
	return p
}

// headerUnwatched counts the events of a request that wait for the receipt of a
// transaction while the daemon has no Ethereum node to ask for it.
const headerUnwatched = "Sealpost-Unwatched"

func tellUnwatched(w http.ResponseWriter, results []webhook.Publishing) {
	n, _ := strconv.Atoi(w.Header().Get(headerUnwatched)) // of the lines before
	for i := range results {
		if results[i].Err == nil && results[i].Unwatched {
			n++
		}
	}
	if n > 0 {
		w.Header().Set(headerUnwatched, strconv.Itoa(n))
	}
}

func appendPublished(out []byte, p *webhook.Publishing) []byte {
	out = append(out, `{"id":`...)
	out = strconv.AppendQuote(out, p.ID) // printable ASCII, so Go's quotes are JSON's
	out = append(out, `,"deliveries":`...)
	out = strconv.AppendInt(out, int64(p.Count), 10)
	if p.Missed > 0 {
		out = append(out, `,"missed":`...)
		out = strconv.AppendInt(out, int64(p.Missed), 10)
	}
	if p.State != webhook.Accepted {
		out = append(out, `,"state":"`...)
		out = append(append(out, p.State...), '"')
	}
	return append(out, '}')
}

func isLines(r *http.Request) bool {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/x-ndjson")
}

// publishLines takes one event a line, each for itself, and answers in order.
func (s *Server) publishLines(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	if err := unencoded(r); err != nil {
		return err
	}
	body, err := s.readBody(w, r, maxBatch, nil)
	if err != nil {
		return err
	}
	if err := allowed(c, access.EventPublish); err != nil {
		return err
	}
	if n := bytes.Count(body, []byte("\n")); n > maxBatch/smallest { // each line costs an answer, far larger than an empty one
		return webhook.Errorf(webhook.CodeTooLarge, fmt.Sprintf("the request has %d lines; at most %d are taken", n, maxBatch/smallest))
	}
	lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	out := make([]byte, 0, len(lines)*64)
	for start := 0; start < len(lines); start += batchSize {
		chunk := lines[start:min(start+batchSize, len(lines))]
		if out, err = s.publishChunk(w, r, c, chunk, out); err == nil {
			continue
		}
		if start == 0 {
			return err
		}
		// What came before is on disk, and an answer without it would have it
		// sent once more: the rest fails line by line.
		p, _ := s.problemOf(err)
		for range lines[start:] {
			out = appendProblem(out, p)
		}
		break
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(out) // a client that has gone is its own affair
	return nil
}

func (s *Server) publishChunk(w http.ResponseWriter, r *http.Request, c access.Caller, lines [][]byte, out []byte) ([]byte, error) {
	faults := make([]error, len(lines))
	batch := make([]admin.PublishParams, 0, len(lines))
	for i, line := range lines {
		if len(line) > s.opts.MaxBody+envelope {
			faults[i] = tooLarge(s.opts.MaxBody)
			continue
		}
		draft, err := s.draft(r, line)
		if err != nil {
			faults[i] = err
			continue
		}
		batch = append(batch, s.params(r, c, draft))
	}
	results, err := s.opts.Service.Publish(r.Context(), batch)
	if err != nil {
		return out, err
	}
	tellUnwatched(w, results)
	next := 0
	for i := range lines {
		fault := faults[i]
		if fault == nil {
			if fault = results[next].Err; fault == nil {
				out = append(appendPublished(out, &results[next]), '\n')
			}
			next++
		}
		if fault != nil {
			p, _ := s.problemOf(fault)
			out = appendProblem(out, p)
		}
	}
	return out, nil
}

// appendProblem writes the line of an event that was not taken.
func appendProblem(out []byte, p problem) []byte {
	text, _ := json.Marshal(map[string]problem{"error": p}) // texts can't fail
	return append(append(out, text...), '\n')
}

// page is a part of a list; Next is where the next one begins.
type page[T any] struct {
	Data []T    `json:"data"`
	Next string `json:"next"`
}

// listing reads the query parameters that lists share. Parameters that a list does not
// know are passed over, as by everything that only reads.
func listing(q url.Values) (limit int, since time.Time, err error) {
	var faults []string
	if text := q.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > webhook.MaxPage {
			faults = append(faults, fmt.Sprintf("limit=%q is not a number from 1 to %d", text, webhook.MaxPage))
		}
	}
	if text := q.Get("since"); text != "" {
		if since, err = time.Parse(time.RFC3339, text); err != nil {
			faults = append(faults, fmt.Sprintf("since=%q is no time such as 2026-01-05T10:20:30Z", text))
		}
	}
	if faults != nil {
		slices.Sort(faults)
		return 0, since, &webhook.Error{Code: webhook.CodeBadRequest, Messages: faults}
	}
	return limit, since, nil
}

func (s *Server) listEvents(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	q := r.URL.Query()
	limit, since, err := listing(q)
	if err != nil {
		return err
	}
	state := webhook.EventState(q.Get("state"))
	if state != "" && !slices.Contains(webhook.EventStates, state) {
		return webhook.Errorf(webhook.CodeBadRequest, fmt.Sprintf("state=%q is none of %v", state, webhook.EventStates))
	}
	if err := allowed(c, access.EventRead); err != nil {
		return err
	}
	events, next, err := s.opts.Service.Events(r.Context(), webhook.EventQuery{
		Organization: c.Organization, Type: q.Get("type"), State: state, Transaction: q.Get("transaction"),
		Publisher: c.Scope(access.EventRead), Since: since, Cursor: q.Get("cursor"), Limit: limit,
	})
	if err != nil {
		return err
	}
	out := page[webhook.EventView]{Data: make([]webhook.EventView, len(events)), Next: next}
	for i := range events {
		out.Data[i] = events[i].View(false)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// ownEvent finds an event that the caller may see. One that they may not is
// not there.
func (s *Server) ownEvent(ctx context.Context, c access.Caller, id string, permission access.Permission) (webhook.Event, error) {
	if err := allowed(c, permission); err != nil {
		return webhook.Event{}, err
	}
	event, err := s.opts.Service.Event(ctx, c.Organization, id)
	if scope := c.Scope(permission); err == nil && scope != "" && event.Publisher != scope {
		return webhook.Event{}, webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("no event %q", id))
	}
	return event, err
}

func (s *Server) getEvent(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	event, err := s.ownEvent(r.Context(), c, r.PathValue("id"), access.EventRead)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, event.View(access.Can(c.Role, access.EventBody)))
	return nil
}

func (s *Server) resendEvent(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	if err := allowed(c, access.EventResend); err != nil {
		return err
	}
	result, err := s.opts.Service.Resend(r.Context(), c.Organization, r.PathValue("id"), r.URL.Query()["to"])
	if err != nil {
		return err
	}
	writeRaw(w, http.StatusAccepted, appendPublished(nil, &result))
	return nil
}
