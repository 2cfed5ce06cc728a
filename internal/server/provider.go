package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"sealpost/internal/webhook"
)

// Hook is the route on which one card provider posts its events. Without a key
// there is none.
type Hook struct {
	Name  string                                                        // last segment of the route
	Check func(header func(name string) string) (Check, error)          // refuses before the body is read
	Take  func(ctx context.Context, raw []byte) (webhook.Taking, error) // returns after the commit
}

// Check is the check of one request's signature.
type Check interface {
	io.Writer      // takes the raw body, as it comes
	Verify() error // nil when the signature is that of what was written
}

func (s *Server) routeHooks() {
	for _, hook := range s.opts.Hooks {
		s.mux.HandleFunc("POST /hooks/"+hook.Name, func(w http.ResponseWriter, r *http.Request) {
			if err := s.take(w, r, hook); err != nil {
				s.fail(w, err)
			}
		})
	}
}

// take answers a provider, after what its event causes is on disk.
func (s *Server) take(w http.ResponseWriter, r *http.Request, hook Hook) error {
	check, err := hook.Check(func(name string) string { return oneOf(r.Header.Values(name)) })
	if err != nil {
		return webhook.Errorf(webhook.CodeUnauthorized, err.Error())
	}
	raw, err := s.readBody(w, r, s.opts.MaxBody, check)
	if err != nil {
		return err
	}
	if err := check.Verify(); err != nil {
		return webhook.Errorf(webhook.CodeUnauthorized, err.Error())
	}
	taken, err := hook.Take(r.Context(), raw)
	if taken.Dropped > 0 {
		s.opts.Log.Warn("the quarantine of provider events is full; its oldest were dropped", slog.String("provider", hook.Name), slog.Int64("events", taken.Dropped))
	}
	if err != nil {
		return err
	}
	if taken.Conflicting {
		s.opts.Log.Warn("the provider sent a known event id with other content; it is in quarantine, and nothing is sent for it", slog.String("provider", hook.Name), slog.String("event", taken.EventID))
	}
	if taken.Forgotten > 0 {
		s.opts.Log.Warn("too many events wait for their users to be linked; the oldest were dropped", slog.String("provider", hook.Name), slog.Int64("events", taken.Forgotten))
	}
	s.opts.Log.Debug("provider event", slog.String("provider", hook.Name), slog.String("event", taken.Event.ID),
		slog.Bool("repeated", taken.Repeated), slog.String("ignored", taken.Ignored))
	writeRaw(w, http.StatusOK, []byte(`{"code":"ok"}`))
	return nil
}

// oneOf is the value of a header that may come once. Given again with the same
// value it is one; of different values none counts, and they are joined.
func oneOf(values []string) string {
	if len(slices.Compact(slices.Clone(values))) > 1 {
		return strings.Join(values, ", ")
	}
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
