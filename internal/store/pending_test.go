package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestPendingIsBounded fills an organization up and empties it again: past the
// bound new events are refused and nothing else is.
func TestPendingIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s, err := store.Open(t.Context(), store.Options{Path: path, Create: true, Migrate: true, MaxPending: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	create(t, s, "other", webhook.Config{Name: "x", URL: "u"})
	publish := func(from *store.Store, organization, id string, at time.Time) webhook.Publishing {
		t.Helper()
		p := event(t, id, `{}`)
		p.Organization, p.At = organization, at
		results, err := from.Publish(t.Context(), []webhook.Publication{p})
		if err != nil {
			t.Fatal(err)
		}
		return results[0]
	}
	deliver := func(p webhook.Publishing) {
		t.Helper()
		outcome := &webhook.Outcome{
			Work: &webhook.Work{Key: p.Deliveries[0], EventID: p.ID}, State: webhook.Delivered,
			Attempt: webhook.Attempt{N: 1, At: now, Status: 200},
		}
		if stale, err := s.Finish(t.Context(), []*webhook.Outcome{outcome}); err != nil || len(stale) > 0 {
			t.Fatalf("%v stale (%v)", stale, err)
		}
	}
	refused := func(p webhook.Publishing) bool { return webhook.CodeOf(p.Err) == webhook.CodeTooManyRequests }

	var taken []webhook.Publishing
	for n := range 3 {
		p := publish(s, "acme", fmt.Sprintf("e%d", n), now)
		if p.Err != nil {
			t.Fatal(p.Err)
		}
		taken = append(taken, p)
	}
	if p := publish(s, "acme", "e3", now); !refused(p) {
		t.Fatalf("a fourth pending delivery was taken: %+v", p)
	}
	if p := publish(s, "acme", "e1", now); p.Err != nil || !p.Repeated {
		t.Errorf("an event that is there already was refused: %+v", p)
	}
	if p := publish(s, "other", "e3", now); p.Err != nil {
		t.Errorf("another organization was refused: %v", p.Err)
	}
	deliver(taken[0])
	if p := publish(s, "acme", "e3", now); p.Err != nil {
		t.Errorf("there is room again, and still: %v", p.Err)
	}

	// Another process goes by what is on file, and what it cancels makes room.
	second, err := store.Open(t.Context(), store.Options{Path: path, MaxPending: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = second.Close() })
	if p := publish(second, "acme", "e4", now); !refused(p) {
		t.Errorf("another process took a fourth one: %+v", p)
	}
	if err := second.DeleteWebhook(t.Context(), "acme", "x", now, func(webhook.Webhook) error { return nil }); err != nil {
		t.Fatal(err)
	}
	create(t, second, "acme", webhook.Config{Name: "x", URL: "u"})
	if p := publish(s, "acme", "e4", now.Add(11*time.Second)); p.Err != nil {
		t.Errorf("the deliveries of a deleted webhook still count: %v", p.Err)
	}
}

// TestPendingAfterClockSetBack: room that was made counts, whatever the clock
// says of when the last count was.
func TestPendingAfterClockSetBack(t *testing.T) {
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "s.db"), Create: true, Migrate: true, MaxPending: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	key := publish(t, s, event(t, "e1", `{}`), "x").Deliveries[0]
	if err := s.CancelDelivery(t.Context(), "acme", key); err != nil {
		t.Fatal(err)
	}
	p := event(t, "e2", `{}`)
	p.At = now.Add(-time.Hour)
	publish(t, s, p, "x")
}
