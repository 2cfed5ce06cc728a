// Package server is the HTTP edge: routes, sign-in, JSON, and the one table
// from error codes to statuses.
//
// Every call goes the same way: who is it (auth.go), what do they send
// (request.go), may they (package access), do it (package admin), and say what
// came of it (respond.go). The routes are in webhook.go, event.go and
// delivery.go, one noun each; those of sign-in, which speak as better-auth's own
// server does (dialect.go), in siwe.go, session.go and organization.go.
package server

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/admin"
	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// Tokens finds bearer tokens by their ids.
type Tokens interface {
	// Token looks one up.
	Token(ctx context.Context, id string) (access.Token, error)
	// Remembered finds one that was looked up before, good for publishing: the
	// store refuses with [webhook.ErrOutdated] what was admitted by one that may have changed since.
	Remembered(id string) (access.Token, bool)
	// Organization looks one up by id.
	Organization(ctx context.Context, name string) (webhook.Organization, error)
}

// Options are what the edge works with.
type Options struct {
	Service *admin.Service
	Tokens  Tokens
	Reads   Reads // bounds reads under way; nil is no bound
	Log     *slog.Logger
	Now     func() time.Time
	Version string
	MaxBody int     // bytes of one event; 0 is 1 MiB
	Bodies  int     // bytes of request bodies in memory, over all clients; 0 is [DefaultBodies]
	Hooks   []Hook  // where card providers post their events
	SignIn  *SignIn // nil: sign-in with Ethereum is off, and its routes aren't there

	// Spare says why the daemon takes little but provider events, or nothing; nil when it
	// takes everything. /readyz answers 503 then. The field may be nil.
	Spare func() error

	// Refused is called for each request that is answered with an error, and for each line of a
	// batch; may be nil.
	Refused func(code webhook.Code, reason webhook.Reason)

	Panicked func() // called for each panic while a request was handled; may be nil
}

// Server answers HTTP requests.
type Server struct {
	opts    Options
	mux     *http.ServeMux
	origins http.CrossOriginProtection // knows our own pages from others
	limiter *access.Limiter            // of sign-in requests
	bodies  *bodies
	reads   readQueue // under way
	told    toldOf

	own   map[string]bool // origins of our own pages, when there is a base URL; else nil
	ready atomic.Bool
}

// New makes the edge. It is not ready until [Server.Ready] says so.
func New(opts Options) *Server {
	if opts.MaxBody == 0 {
		opts.MaxBody = admin.DefaultMaxBody
	}
	s := &Server{opts: opts, mux: http.NewServeMux(), bodies: newBodies(opts.Bodies, opts.Log)}
	if opts.Reads != nil {
		s.reads.readers = opts.Reads.Readers()
	}
	s.mux.HandleFunc(elsewhere, s.unrouted)
	s.mux.HandleFunc("GET /healthz", s.healthz)
	s.mux.HandleFunc("GET /readyz", s.readyz)
	s.mux.HandleFunc("GET /api/whoami", s.known(s.whoami))
	s.routeWebhooks()
	s.routeEvents()
	s.routeDeliveries()
	s.routeDocs()
	s.routeAuth()
	s.routeHooks()
	s.routeDecline()
	return s
}

// Ready says whether the daemon takes work.
func (s *Server) Ready(ready bool) { s.ready.Store(ready) }

// ServeHTTP implements [http.Handler]. A slash at the end of a path is fine;
// paths that mean another one are not there.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.ContentLength != 0 && r.ProtoMajor == 1 {
		// A request that is refused before its body was read is answered at
		// once: net/http would otherwise wait for the body, to keep the
		// connection. readBody takes this back once it has read all.
		//
		// It stays so for a body of unknown length: that may have had a
		// Content-Length as well, which net/http drops unseen, and what comes
		// after such a request is not to be believed (RFC 9112, 6.1).
		w.Header().Set("Connection", "close")
	}
	if path := r.URL.EscapedPath(); len(path) > 1 && strings.HasSuffix(path, "/") {
		r = withoutSlash(r)
	}
	if !straight(r.URL.EscapedPath()) {
		s.count(webhook.CodeNotFound, "")
		writeProblem(w, http.StatusNotFound, problem{Code: "not found"})
		return
	}
	n := connectionOf(r)
	if r.ProtoMajor == 2 && n != nil {
		end, room := n.stream()
		if !room {
			s.fail(w, errBusy)
			return
		}
		defer end()
	}
	x := &exchange{ResponseWriter: w, connection: n}
	x.reading = reading{budget: s.bodies, cut: x.cut}
	x.work(true)
	defer x.work(false)
	defer s.bodies.release(&x.reading)
	defer s.contain(x, r)
	s.mux.ServeHTTP(x, r)
}

// contain answers 500 for a request whose handling panicked, as far as nothing
// has been answered yet, and logs where. net/http would log the value, which may
// be part of a body.
func (s *Server) contain(w http.ResponseWriter, r *http.Request) {
	value := recover()
	if value == nil {
		return
	}
	if value == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
		panic(value)
	}
	_, pattern := s.mux.Handler(r)
	s.opts.Log.Error("handling a request panicked", slog.String("route", pattern), slog.String("panic", secret.Panic(value)), slog.String("stack", string(debug.Stack())))
	if s.opts.Panicked != nil {
		s.opts.Panicked()
	}
	s.count(webhook.CodeInternal, "")
	writeProblem(w, http.StatusInternalServerError, problem{Code: string(webhook.CodeInternal)})
}

// elsewhere is the pattern of what no route is for.
const elsewhere = "/"

// unrouted answers for a path or a method that is not there.
func (s *Server) unrouted(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := *r
		probe.Method = method
		if _, pattern := s.mux.Handler(&probe); pattern != elsewhere {
			allowed = append(allowed, method)
		}
	}
	s.count(webhook.CodeNotFound, "")
	status, code := http.StatusNotFound, "not found"
	if allowed != nil {
		status, code = http.StatusMethodNotAllowed, "method not allowed"
		w.Header().Set("Allow", strings.Join(allowed, ", "))
	}
	if strings.HasPrefix(r.URL.Path, authPath) {
		writeJSON(w, status, refusal{http.StatusText(status), capitals(code)})
		return
	}
	writeProblem(w, status, problem{Code: code})
}

// healthz answers as long as the process does.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok", "version": s.opts.Version})
}

// readyz answers 503 before the start, from the moment of a stop, and while the
// disk has too little space. It names no file: anybody may ask.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if why := s.unready(); why != nil {
		writeProblem(w, http.StatusServiceUnavailable, *why)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

// IsReady reports whether /readyz answers 200.
func (s *Server) IsReady() bool { return s.unready() == nil }

// unready says why the daemon is not ready; nil when it is.
func (s *Server) unready() *problem {
	why := problem{Code: string(webhook.CodeUnavailable)}
	switch {
	case !s.ready.Load():
		return &why
	case s.opts.Spare == nil:
		return nil
	}
	err := s.opts.Spare()
	switch {
	case err == nil:
		return nil
	case webhook.ReasonOf(err) == webhook.ReasonDiskFull:
		why.Message = []string{"no space is left on the disk"}
	default:
		why.Message = []string{"the disk has less free space than storage.min_free"}
	}
	return &why
}
