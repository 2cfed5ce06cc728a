// Package server is the HTTP edge: routes, sign-in, JSON, and the one table
// from error codes to statuses.
package server

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"sync/atomic"
)

// Options are what the edge works with.
type Options struct {
	Log     *slog.Logger
	Version string
}

// Server answers HTTP requests.
type Server struct {
	opts  Options
	mux   *http.ServeMux
	ready atomic.Bool
}

// New makes the edge. It is not ready until [Server.Ready] says so.
func New(opts Options) *Server {
	s := &Server{opts: opts, mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /healthz", s.healthz)
	s.mux.HandleFunc("GET /readyz", s.readyz)
	return s
}

// Ready says whether the daemon takes work.
func (s *Server) Ready(ready bool) { s.ready.Store(ready) }

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// healthz answers as long as the process does.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok", "version": s.opts.Version})
}

// readyz answers 503 before the start and from the moment of a stop.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if !s.ready.Load() {
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"code": "unavailable"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone is its own affair
}
