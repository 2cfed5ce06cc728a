package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/config"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestRetentionInTime has a month pass beside the daemon's pruning.
func TestRetentionInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "s.db"), Create: true, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close() //nolint:errcheck // the test is over
		draft, err := webhook.NewDraft("order.paid", []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		draft.ID = "e1"
		if _, err := s.Publish(t.Context(), []webhook.Publication{{Organization: "acme", Draft: draft, At: time.Now()}}); err != nil {
			t.Fatal(err)
		}
		pruned := func() bool {
			e, err := s.Event(t.Context(), "acme", "e1")
			if err != nil {
				t.Fatal(err)
			}
			return e.Pruned
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		a := &app{now: time.Now, conf: &config.Config{}}
		day := 24 * time.Hour
		go a.retain(ctx, s, store.Retention{Bodies: 30 * day, Attempts: 30 * day, Events: 30 * day}, slog.New(slog.DiscardHandler))
		<-time.After(30*day - time.Minute)
		synctest.Wait()
		if pruned() {
			t.Error("pruned before its time")
		}
		<-time.After(2 * time.Hour)
		synctest.Wait()
		if !pruned() {
			t.Error("not pruned two hours after its time")
		}
		stop()
		synctest.Wait()
	})
}
