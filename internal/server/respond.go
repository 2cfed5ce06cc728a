package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"sealpost/internal/webhook"
)

// statuses maps codes of errors to HTTP statuses.
var statuses = map[webhook.Code]int{
	webhook.CodeInvalidName:        http.StatusBadRequest,
	webhook.CodeBadRequest:         http.StatusBadRequest,
	webhook.CodeInvalidURL:         http.StatusBadRequest,
	webhook.CodeBadPanda:           http.StatusBadRequest,
	webhook.CodeUnauthorized:       http.StatusUnauthorized,
	webhook.CodeNoOrganization:     http.StatusForbidden,
	webhook.CodeNoPermission:       http.StatusForbidden,
	webhook.CodeNotFound:           http.StatusNotFound,
	webhook.CodeNameConflict:       http.StatusConflict,
	webhook.CodeEventConflict:      http.StatusConflict,
	webhook.CodeRotationInProgress: http.StatusConflict,
	webhook.CodeConflict:           http.StatusConflict,
	webhook.CodePreconditionFailed: http.StatusPreconditionFailed,
	webhook.CodeTooLarge:           http.StatusRequestEntityTooLarge,
	webhook.CodeUnsupportedMedia:   http.StatusUnsupportedMediaType,
	webhook.CodeTooManyRequests:    http.StatusTooManyRequests,
	webhook.CodeLimitReached:       http.StatusTooManyRequests,
	webhook.CodeUnavailable:        http.StatusServiceUnavailable,
}

// problem is an error as clients see it.
type problem struct {
	Code    string   `json:"code"`
	Message []string `json:"message,omitempty"`
}

// problemOf turns an error into what a client sees and its status, and counts it. What a
// client can do nothing about is logged and not shown.
func (s *Server) problemOf(err error) (problem, int) {
	var fault *webhook.Error
	if !errors.As(err, &fault) || fault.Code == webhook.CodeInternal {
		if errors.Is(err, context.Canceled) {
			s.count(webhook.CodeUnavailable, "")
			return problem{Code: string(webhook.CodeUnavailable)}, http.StatusServiceUnavailable
		}
		s.count(webhook.CodeInternal, "")
		s.opts.Log.Error("a request failed", slog.Any("error", err))
		return problem{Code: string(webhook.CodeInternal)}, http.StatusInternalServerError
	}
	s.count(fault.Code, fault.Reason)
	status, found := statuses[fault.Code]
	if !found {
		status = http.StatusInternalServerError
	}
	if errors.Is(err, errBusy) {
		return problem{Code: string(fault.Code)}, status // the log was told; see bodies.refuse
	}
	if status >= http.StatusInternalServerError {
		if requests, tell := s.told.tell(fault.Reason, s.opts.Now()); tell {
			s.opts.Log.Error("a request failed", slog.Int64("requests", requests), slog.Any("error", err))
		}
		return problem{Code: string(fault.Code)}, status // the messages name files
	}
	if fault.Outside != nil {
		s.opts.Log.Info("a request was refused", slog.String("code", string(fault.Code)), slog.String("message", webhook.HideURLs(fault.Error())))
		return problem{Code: string(fault.Code), Message: fault.Outside}, status
	}
	return problem{Code: string(fault.Code), Message: fault.Messages}, status
}

// count tells the metrics of a refused request.
func (s *Server) count(code webhook.Code, reason webhook.Reason) {
	if s.opts.Refused != nil {
		s.opts.Refused(code, reason)
	}
}

// toldOf bounds the log lines about requests that fail for the same reason: the first
// one is logged, then one line a minute says how many failed. On a full disk these
// lines would take what is left of it.
type toldOf struct {
	mu      sync.Mutex
	reasons map[webhook.Reason]*told
}

// told is what the log knows of one reason.
type told struct {
	last   time.Time
	silent int64 // requests since the last line
}

// toldEvery is the time between two lines about one reason.
const toldEvery = time.Minute

// tell counts a request and says whether to log, and for how many requests the line
// stands. A request without a reason is always logged.
func (o *toldOf) tell(reason webhook.Reason, now time.Time) (requests int64, tell bool) {
	if reason == "" {
		return 1, true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.reasons == nil {
		o.reasons = make(map[webhook.Reason]*told)
	}
	t := o.reasons[reason]
	if t == nil {
		t = &told{}
		o.reasons[reason] = t
	}
	t.silent++
	if since := now.Sub(t.last); !t.last.IsZero() && since >= 0 && since < toldEvery {
		return 0, false
	}
	requests, t.silent, t.last = t.silent, 0, now
	return requests, true
}

// fail answers with an error.
func (s *Server) fail(w http.ResponseWriter, err error) {
	p, status := s.problemOf(err)
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="sealpost"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if waitingHelps(err) {
			w.Header().Set("Retry-After", "1")
		}
	case http.StatusRequestEntityTooLarge:
		w.Header().Set("Connection", "close") // the rest is not read
	}
	writeProblem(w, status, p)
}

// waitingHelps reports whether a client that is refused for now may simply come
// again. Past most bounds it has to make room first.
func waitingHelps(err error) bool {
	var fault *webhook.Error
	return !errors.As(err, &fault) || fault.Code != webhook.CodeLimitReached || fault.Waiting
}

func writeProblem(w http.ResponseWriter, status int, p problem) { writeJSON(w, status, p) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types can't fail
	}
	writeRaw(w, status, text)
}

// writeRaw answers with JSON that is there already.
func writeRaw(w http.ResponseWriter, status int, text []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(text) //nolint:gosec // JSON, declared as such, with nosniff
}
