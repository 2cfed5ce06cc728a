package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"sealpost/internal/bounds"
	"sealpost/internal/config"
	"sealpost/internal/deliver"
	"sealpost/internal/metrics"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// newMetrics counts what the store and the engine do.
func (a *app) newMetrics(s *store.Store, stats func() deliver.Stats, ready func() bool) *metrics.Metrics {
	m := metrics.New(metrics.Options{
		Version: version, Lags: s.Lags, Disabled: s.Disabled, LogBytes: s.LogBytes, Free: s.FreeBytes, Ready: ready, Now: a.now,
		Near:     func(ctx context.Context) ([]bounds.Close, error) { return s.Near(ctx, a.now()) },
		Missed:   s.Missed,
		InFlight: func() int { return stats().InFlight },
		Queued:   func() int { return stats().Queued },
	})
	s.Measure(m.Committed)
	return m
}

// maxScrapers is how many connections may ask for metrics; more wait.
const maxScrapers = 16

// serveMetrics serves metrics on a listener of their own until it is closed;
// nil when they are off.
func serveMetrics(c *config.Config, m *metrics.Metrics) (stop func(), err error) {
	if c.Metrics.Listen == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", c.Metrics.Listen)
	if err != nil {
		return nil, &webhook.Error{Code: webhook.CodeUnavailable, Messages: []string{fmt.Sprintf("can't listen on %s for metrics: %v", c.Metrics.Listen, err)},
			Hint: "choose another address with --metrics-listen, or turn them off with --metrics-listen off"}
	}
	listener = netutil.LimitListener(listener, maxScrapers)
	web := &http.Server{Handler: m.Handler(), ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(listener) }()
	return func() { _ = errors.Join(web.Close(), <-ended) }, nil
}
