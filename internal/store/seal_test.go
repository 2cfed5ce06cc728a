package store_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestSealedRowsCantBeSwapped puts one webhook's sealed secret in another's
// place, as somebody who can write the file but has no key might.
func TestSealedRowsCantBeSwapped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	key := secret.New(strings.Repeat("ab", 32))
	s, err := store.Open(t.Context(), store.Options{Path: path, Create: true, Migrate: true, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	create(t, s, "acme", webhook.Config{Name: "a", URL: "u"})
	create(t, s, "acme", webhook.Config{Name: "b", URL: "u"})
	if found, err := s.Secrets(t.Context(), "acme", "a"); err != nil || len(found[0].Value.Reveal()) != 64 {
		t.Fatalf("%d (%v)", len(found), err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	for _, change := range []string{
		`UPDATE signing_secret SET value = (SELECT value FROM signing_secret WHERE webhook = 2) WHERE webhook = 1`,
		`UPDATE signing_secret SET value = x'00' WHERE webhook = 1`,
		`UPDATE webhook SET name = 'c' WHERE seq = 2`,
	} {
		if _, err := db.Exec(change); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a", "c"} {
		if _, err := s.Secrets(t.Context(), "acme", name); webhook.CodeOf(err) != webhook.CodeUnavailable || !strings.Contains(err.Error(), "does not open") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
