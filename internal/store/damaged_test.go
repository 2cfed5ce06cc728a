package store_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// TestDamagedWebhook: a row that can't be read stops neither lists nor the
// others; what it gets waits, and nobody changes it by guessing.
func TestDamagedWebhook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	create(t, s, "acme", webhook.Config{Name: "damaged", URL: "u"})
	create(t, s, "acme", webhook.Config{Name: "good", URL: "u"})
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	if _, err := db.Exec(`UPDATE webhook SET routes = '{"a":' WHERE name = 'damaged'`); err != nil {
		t.Fatal(err)
	}
	if found, err := s.Webhooks(t.Context(), "acme"); err != nil || len(found) != 2 || !found[0].Damaged || !found[0].Disabled || found[1].Disabled {
		t.Errorf("%+v (%v)", found, err)
	}
	results, err := s.Publish(t.Context(), []webhook.Publication{event(t, "e", `{}`)})
	if err != nil || results[0].Err != nil || results[0].Count != 2 {
		t.Fatalf("%+v (%v)", results, err)
	}
	if r, err := s.Receiver(t.Context(), results[0].Deliveries[0].Webhook); err != nil || !r.Disabled {
		t.Errorf("the receiver is %+v (%v)", r, err)
	}
	_, _, err = s.ChangeWebhook(t.Context(), "acme", "damaged", secret.Text{}, now, func(found *webhook.Webhook) (*webhook.Config, error) {
		return &found.Config, nil
	})
	if webhook.CodeOf(err) != webhook.CodeUnavailable {
		t.Errorf("changing it: %v", err)
	}
	if err := s.DeleteWebhook(t.Context(), "acme", "damaged", now, nil); err != nil {
		t.Errorf("deleting it: %v", err)
	}
}
