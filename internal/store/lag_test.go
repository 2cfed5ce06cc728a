package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// TestLags lists what is pending, the oldest first, says what of it is parked,
// and leaves out what nobody waits for.
func TestLags(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "late", URL: "u", Only: []string{"order.*"}})
	create(t, s, "acme", webhook.Config{Name: "idle", URL: "u", Only: []string{"card.*"}})
	create(t, s, "other", webhook.Config{Name: "later", URL: "u"})
	create(t, s, "gone", webhook.Config{Name: "gone", URL: "u"})
	for _, p := range []struct {
		organization, id string
		at               time.Time
	}{{"gone", "e", now}, {"other", "e", now.Add(time.Second)}, {"acme", "e1", now.Add(2 * time.Second)}, {"acme", "e2", now.Add(3 * time.Second)}} {
		publication := event(t, p.id, `{}`)
		publication.Organization, publication.At = p.organization, p.at
		if _, err := s.Publish(t.Context(), []webhook.Publication{publication}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteWebhook(t.Context(), "gone", "gone", now, func(webhook.Webhook) error { return nil }); err != nil {
		t.Fatal(err)
	}
	parked := webhook.Config{Name: "later", URL: "u", Disabled: true}
	disable := func(*webhook.Webhook) (*webhook.Config, error) { return &parked, nil }
	if _, _, err := s.ChangeWebhook(t.Context(), "other", "later", secret.Text{}, now, disable); err != nil {
		t.Fatal(err)
	}
	got, err := s.Lags(t.Context())
	if err != nil || len(got) != 2 ||
		got[0] != (webhook.Lag{Organization: "other", Webhook: "later", Parked: true, Pending: 1, Oldest: now.Add(time.Second)}) ||
		got[1] != (webhook.Lag{Organization: "acme", Webhook: "late", Pending: 2, Oldest: now.Add(2 * time.Second)}) {
		t.Errorf("%+v (%v)", got, err)
	}
	if s.LogBytes() == 0 {
		t.Error("there is no write-ahead log")
	}
}
