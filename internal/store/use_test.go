package store_test

import (
	"path/filepath"
	"testing"

	"sealpost/internal/access"
	"sealpost/internal/bounds"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestUseCountsOneOrganization: what an organization has is its own.
func TestUseCountsOneOrganization(t *testing.T) {
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "s.db"), Create: true, Migrate: true, Bounds: bounds.Defaults()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for _, org := range []string{"acme", "other"} {
		create(t, s, org, webhook.Config{Name: "a", URL: "https://a.example.com"})
		p := event(t, "e", `{"n":1}`)
		p.Organization = org
		if _, err := s.Publish(t.Context(), []webhook.Publication{p}); err != nil {
			t.Fatal(err)
		}
		if err := s.AddToken(t.Context(), org, access.Token{ID: "t-" + org, Name: "t", Role: access.Owner, Created: now}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.RevokeToken(t.Context(), "other", "t", now); err != nil {
		t.Fatal(err)
	}
	u, err := s.Use(t.Context(), "acme", now)
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[bounds.Kind]int64{bounds.Webhooks: 1, bounds.Tokens: 1, bounds.Pending: 1, bounds.Parked: 0, bounds.Held: 0, bounds.Invitations: 0} {
		if u.Used[kind] != want {
			t.Errorf("%s: %d instead of %d", bounds.Table[kind].Key, u.Used[kind], want)
		}
	}
	if u.Used[bounds.StoredBytes] == 0 {
		t.Error("no bytes are stored")
	}
}
