package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

var now = time.Date(2026, 1, 5, 10, 20, 30, 0, time.UTC)

func open(t testing.TB, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: path, Create: true, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func create(t testing.TB, s *store.Store, org string, config webhook.Config) {
	t.Helper()
	if err := s.CreateWebhook(t.Context(), org, config, secret.Generate(), now); err != nil {
		t.Fatal(err)
	}
}

func event(t testing.TB, id, body string) webhook.Publication {
	t.Helper()
	d, err := webhook.NewDraft("order.paid", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	d.ID = id
	return webhook.Publication{Organization: "acme", Draft: d, At: now}
}

func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	sqlite := func(name, statement string) string {
		path := filepath.Join(folder, name)
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close() //nolint:errcheck // the test goes on or fails
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours := filepath.Join(folder, "ours.db")
	open(t, ours)
	newer := filepath.Join(folder, "newer.db")
	if err := open(t, newer).Close(); err != nil {
		t.Fatal(err)
	}
	sqlite("newer.db", fmt.Sprintf("PRAGMA user_version = %d", store.SchemaVersion()+1))
	older := filepath.Join(folder, "older.db")
	if err := open(t, older).Close(); err != nil {
		t.Fatal(err)
	}
	sqlite("older.db", "PRAGMA user_version = 1")
	for _, test := range []struct{ path, want string }{
		{filepath.Join(folder, "none.db"), "there is no database at"},
		{folder, "is a folder"},
		{write("text.db", strings.Repeat("no database at all ", 100)), "is not an SQLite database"},
		{write("empty.db", ""), "is empty"},
		{sqlite("other.db", "CREATE TABLE x (y)"), "but not sealpost's"},
		{newer, "this program knows schemas up to"},
		{older, "has the older schema 1"},
	} {
		_, err := store.Open(t.Context(), store.Options{Path: test.path})
		var fault *webhook.Error
		if !errors.As(err, &fault) || fault.Code != webhook.CodeUnavailable || !strings.Contains(fault.Error(), test.want) || fault.Hint == "" {
			t.Errorf("%s: %v, not %q", test.path, err, test.want)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "none.db")); err == nil {
		t.Error("opening to read made a file")
	}
	if info, err := os.Stat(ours); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v (%v)", info.Mode(), err)
	}
}

// TestLockedFile has another process's transaction hold the file: what is
// short is waited for, what is long is told as such.
func TestLockedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	other, err := sql.Open("sqlite", path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close() //nolint:errcheck // the test is over
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		results, err := s.Publish(t.Context(), []webhook.Publication{event(t, "e1", `{}`)})
		done <- errors.Join(err, results[0].Err)
	}()
	if _, err := s.Webhooks(t.Context(), "acme"); err != nil {
		t.Errorf("reading is not possible meanwhile: %v", err)
	}
	select {
	case err := <-done:
		t.Fatalf("a write went through a lock (%v)", err)
	case <-time.After(200 * time.Millisecond):
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("after a short lock: %v", err)
	}
	if tx, err = other.Begin(); err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // the test is over
	_, err = s.Publish(t.Context(), []webhook.Publication{event(t, "e2", `{}`)})
	if webhook.CodeOf(err) != webhook.CodeUnavailable || !strings.Contains(err.Error(), "locked by another process") || !store.Busy(err) {
		t.Errorf("during a long lock: %v", err)
	}
}
