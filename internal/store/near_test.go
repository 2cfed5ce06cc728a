package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/bounds"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// nearBy is what Near tells, by limit.
func nearBy(t *testing.T, s *store.Store) map[string]string {
	t.Helper()
	found, err := s.Near(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}
	for _, one := range found {
		shown[one.Organization+" "+bounds.Table[one.Kind].Key] = fmt.Sprintf("%d of %d", one.Use, one.Limit)
	}
	return shown
}

func wantNear(t *testing.T, s *store.Store, want map[string]string) {
	t.Helper()
	got := nearBy(t, s)
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s: %q, not %q", key, got[key], value)
		}
	}
	for key, value := range got {
		if want[key] == "" {
			t.Errorf("%s is told: %s", key, value)
		}
	}
}

// TestNear: an organization is told at 80 % of a bound, by its own bound if it has
// one, and no more when it is deleted.
func TestNear(t *testing.T) {
	s := bounded(t, filepath.Join(t.TempDir(), "s.db"), bounds.Values{
		bounds.Webhooks: 5, bounds.URLs: 5, bounds.Invitations: 5, bounds.Tokens: 5, bounds.Held: 5, bounds.Parked: 5, bounds.StoredBytes: bounds.ByOrigin, bounds.Pending: 10,
	})
	for n := range 3 {
		create(t, s, "acme", webhook.Config{Name: fmt.Sprint("w", n), URL: "u"})
	}
	four := webhook.Config{Name: "four", URL: "u"}
	for n := range 3 {
		four.SetRoute("order", fmt.Sprint("a", n), "https://a.example.com/")
	}
	create(t, s, "other", four)
	wantNear(t, s, map[string]string{"other limits.urls": "4 of 5"})
	create(t, s, "acme", webhook.Config{Name: "w3", URL: "u"})
	for n := range 4 {
		if err := s.AddToken(t.Context(), "acme", access.Token{ID: fmt.Sprint("t", n), Name: fmt.Sprint("t", n), Role: access.Owner, Created: now}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 2 { // to four webhooks each
		try(t, s, event(t, fmt.Sprint("e", n), `{}`))
	}
	wantNear(t, s, map[string]string{"other limits.urls": "4 of 5", "acme limits.webhooks": "4 of 5", "acme limits.tokens": "4 of 5", "acme publish.max_pending": "8 of 10"})

	// Two webhooks are parked: what waits for them counts as parked.
	enable(t, s, "w0", false)
	enable(t, s, "w1", false)
	if err := s.RevokeToken(t.Context(), "acme", "t0", now); err != nil {
		t.Fatal(err)
	}
	try(t, s, event(t, "e2", `{}`)) // one of the two misses it
	wantNear(t, s, map[string]string{"other limits.urls": "4 of 5", "acme limits.webhooks": "4 of 5", "acme limits.parked": "5 of 5"})
	missing, err := s.AllMissing(t.Context())
	if err != nil || len(missing) != 1 || missing[0].Organization != "acme" || missing[0].Webhooks != 1 || missing[0].Events != 1 || !missing[0].Since.Equal(now) {
		t.Errorf("missed: %+v (%v)", missing, err)
	}
	if n, err := s.Missed(t.Context()); err != nil || n != 1 {
		t.Errorf("%d events are missed (%v)", n, err)
	}

	// An organization's own bound counts, 0 is none.
	none, bytes, many := int64(0), int64(100), int64(20_000)
	if err := s.SetBounds(t.Context(), "acme", map[bounds.Kind]*int64{bounds.Webhooks: &none, bounds.Parked: &many, bounds.StoredBytes: &bytes}); err != nil {
		t.Fatal(err)
	}
	got := nearBy(t, s)
	if len(got) != 2 || got["acme limits.stored_bytes"] == "" {
		t.Errorf("with bounds of its own: %v", got)
	}
	found, err := s.Near(t.Context(), now)
	if err != nil || !found[0].Reached() || found[0].Organization != "acme" || found[1].Reached() {
		t.Errorf("the largest share does not come first: %+v (%v)", found, err)
	}
	if err := s.DeleteOrganization(t.Context(), "other", true, now.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := nearBy(t, s); len(got) != 1 {
		t.Errorf("after one organization was deleted: %v", got)
	}
}

// TestNearHeld: events that wait for a receipt count.
func TestNearHeld(t *testing.T) {
	s := bounded(t, filepath.Join(t.TempDir(), "s.db"), bounds.Values{bounds.Held: 2})
	for n := range 2 {
		p := event(t, fmt.Sprint("h", n), `{}`)
		p.Draft.Await, p.HoldUntil = true, now.Add(time.Hour)
		try(t, s, p)
	}
	wantNear(t, s, map[string]string{"acme limits.held": "2 of 2"})
}

// TestNearManyDeliveries: of a webhook with more than 10,000 deliveries all are
// counted that matter for the bound.
func TestNearManyDeliveries(t *testing.T) {
	s := bounded(t, filepath.Join(t.TempDir(), "s.db"), bounds.Values{bounds.Pending: 12_000})
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	batch := func(from, to int) {
		t.Helper()
		var all []webhook.Publication
		for n := from; n < to; n++ {
			all = append(all, event(t, fmt.Sprint("e", n), `{}`))
		}
		if _, err := s.Publish(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	batch(0, 9_599)
	wantNear(t, s, nil)
	batch(9_599, 10_500)
	wantNear(t, s, map[string]string{"acme publish.max_pending": "10500 of 12000"})
}
