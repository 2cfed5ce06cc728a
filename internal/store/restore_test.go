package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestRestoreTwice: what a restore has kept stays, also when the next one comes
// within the same second.
func TestRestoreTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	create(t, s, "acme", webhook.Config{Name: "first", URL: "u"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if _, err := store.Backup(t.Context(), path, copied, nil); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	create(t, s, "acme", webhook.Config{Name: "second", URL: "u"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for range 3 {
		r, err := store.Restore(t.Context(), store.RestoreOptions{File: copied, Database: path, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(r.Kept); err != nil || kept[r.Kept] {
			t.Errorf("kept as %s once more (%v)", r.Kept, err)
		}
		kept[r.Kept] = true
	}
	s = open(t, path+".before-"+now.UTC().Format("20060102T150405Z"))
	defer s.Close() //nolint:errcheck // the test is over
	if found, err := s.Webhooks(t.Context(), "acme"); err != nil || len(found) != 2 {
		t.Errorf("what was there first is %+v (%v)", found, err)
	}
}
