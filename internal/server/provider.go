package server

import (
	"context"
	"log/slog"
	"net/http"

	"sealpost/internal/webhook"
)

// Hook is the route on which one card provider posts its events. Without a key
// there is none.
type Hook struct {
	Name   string                                                        // last segment of the route
	Verify func(header func(name string) string, raw []byte) error       // of the bytes as they came
	Take   func(ctx context.Context, raw []byte) (webhook.Taking, error) // returns after the commit
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
	raw, err := readBody(w, r, s.opts.MaxBody)
	if err != nil {
		return err
	}
	if err := hook.Verify(r.Header.Get, raw); err != nil {
		return webhook.Errorf(webhook.CodeUnauthorized, err.Error())
	}
	taken, err := hook.Take(r.Context(), raw)
	if taken.Dropped > 0 {
		s.opts.Log.Warn("the quarantine of provider events is full; its oldest were dropped", slog.String("provider", hook.Name), slog.Int64("events", taken.Dropped))
	}
	if err != nil {
		return err
	}
	s.opts.Log.Debug("provider event", slog.String("provider", hook.Name), slog.String("event", taken.Event.ID),
		slog.Bool("repeated", taken.Repeated), slog.String("ignored", taken.Ignored))
	writeRaw(w, http.StatusOK, []byte(`{"code":"ok"}`))
	return nil
}
