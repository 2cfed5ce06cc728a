package store_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// older makes a file with the schema that is older than a migration.
func older(t testing.TB, before string) (path string, exec func(query string, args ...any)) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "older.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	exec = func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	n := 0
	for _, file := range files {
		if filepath.Base(file) >= before {
			break
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		exec(string(text))
		n++
	}
	exec(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; PRAGMA journal_mode = WAL", 0x7365616c, n))
	return path, exec
}

// TestOlderProviderEvents takes a file over in which an older version marked ids
// as known: those for which nothing was sent are forgotten. The others stay known
// under their derived ids, the held ones too, and have no content to compare.
func TestOlderProviderEvents(t *testing.T) {
	path, exec := older(t, "0013")
	exec(`INSERT INTO organization (id, slug, name, created_at) VALUES ('org_1', 'acme', 'acme', 1)`)
	exec(`INSERT INTO credential (provider, user, credential, organization, created_at) VALUES ('panda', 'u', 'c', 1, 1)`)
	for i, id := range []string{"sent", "held"} {
		derived := webhook.ProviderEventID("panda", id, 1)
		exec(`INSERT INTO event (seq, organization, id, type, subject, state, accepted_at, deliveries, hash, bytes) VALUES (?, 1, ?, 'order.paid', ?, ?, 1, 0, x'00', CAST(? AS BLOB))`,
			i+1, derived, []any{nil, "tx"}[i], i, fmt.Sprintf(`{"id":%q,"timestamp":"2026-01-05T10:20:30.000Z","resource":"order","action":"paid","body":{"n":1}}`, derived))
		exec(`INSERT INTO provider_event (provider, id, event, at) VALUES ('panda', ?, ?, 1)`, id, i+1)
	}
	exec(`INSERT INTO hold (event, receipt, until) VALUES (2, 1, 9999999999999)`)
	exec(`INSERT INTO provider_event (provider, id, ignored, at) VALUES ('panda', 'unlinked', 'unknown user', 1), ('panda', 'requested', 'a requested transaction', 1)`)
	s, err := store.Open(t.Context(), store.Options{Path: path, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test has read what it wants to know
	for _, id := range []string{"sent", "held"} {
		derived := webhook.ProviderEventID("panda", id, 1)
		for _, body := range []string{`{"n":1}`, `{"n":2}`} {
			if taken, err := s.Take(t.Context(), incoming(t, id, "u", body)); err != nil || !taken.Repeated {
				t.Errorf("%s again: %+v %v", id, taken, err)
			}
		}
		for _, name := range []string{id, derived} {
			if found, err := s.Event(t.Context(), "acme", name); err != nil || found.ID != derived {
				t.Errorf("%s: %+v %v", name, found, err)
			}
			if _, err := s.Event(t.Context(), "other", name); webhook.CodeOf(err) != webhook.CodeNotFound {
				t.Errorf("%s is found in another organization: %v", name, err)
			}
		}
	}
	for _, id := range []string{"unlinked", "requested"} {
		if taken, err := s.Take(t.Context(), incoming(t, id, "u", `{"n":1}`)); err != nil || taken.Repeated || taken.Event.ID != id {
			t.Errorf("%s: %+v %v", id, taken, err)
		}
	}
	outcome, err := webhook.NewReceiptOutcome("0x"+strings.Repeat("a", 64), 1, "success")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Attach(t.Context(), "acme", "held", outcome, now); err != nil {
		t.Fatal(err)
	}
	if found, err := s.Event(t.Context(), "acme", "held"); err != nil || found.State != webhook.Accepted || !strings.Contains(string(found.Bytes), webhook.ProviderEventID("panda", "held", 1)) {
		t.Errorf("%+v %v", found, err)
	}
	if sent, err := s.Resend(t.Context(), "acme", "sent", nil, now); err != nil || sent.ID != webhook.ProviderEventID("panda", "sent", 1) {
		t.Errorf("resent: %+v %v", sent, err)
	}
}
