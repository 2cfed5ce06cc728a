package store_test

import (
	"path/filepath"
	"testing"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestGlance looks at a file that nobody has open, and at one that somebody
// writes: both show what is there.
func TestGlance(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	if _, err := store.OpenGlance(path); webhook.CodeOf(err) != webhook.CodeUnavailable {
		t.Errorf("a missing file: %v", err)
	}
	s := open(t, path)
	create(t, s, "acme", webhook.Config{Name: "orders", URL: "https://receiver.example.com/hook"})
	look := func(when string) {
		g, err := store.OpenGlance(path)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close() //nolint:errcheck // it was only a look
		found, err := g.Webhooks(t.Context(), "acme")
		if err != nil || len(found) != 1 || found[0].Name != "orders" {
			t.Errorf("%s there are %v (%v)", when, found, err)
		}
	}
	look("while it is open")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	look("when it is closed")
}
