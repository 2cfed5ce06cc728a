package store_test

import (
	"bytes"
	"path/filepath"
	"sync"
	"testing"

	"sealpost/internal/store"
)

// TestKey checks that all processes on a file get the same key for a purpose,
// even when all of them ask for the first time at once, and that purposes and
// files don't share keys.
func TestKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sealpost.db")
	open := func(path string) *store.Store {
		t.Helper()
		s, err := store.Open(t.Context(), store.Options{Path: path, Create: true, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	stores := []*store.Store{open(path), open(path), open(path)}
	keys := make([][]byte, len(stores))
	var asked sync.WaitGroup
	for i, s := range stores {
		asked.Go(func() {
			key, err := s.Key(t.Context(), "nonce")
			if err != nil {
				t.Error(err)
			}
			keys[i] = key
		})
	}
	asked.Wait()
	for _, key := range keys {
		if len(key) != store.KeySize || !bytes.Equal(key, keys[0]) {
			t.Fatalf("processes got the keys %x", keys)
		}
	}
	again, err := open(path).Key(t.Context(), "nonce")
	if err != nil || !bytes.Equal(again, keys[0]) {
		t.Errorf("after a restart the key is %x (%v), not %x", again, err, keys[0])
	}
	other, err := stores[0].Key(t.Context(), "id")
	if err != nil || bytes.Equal(other, keys[0]) {
		t.Errorf("another purpose's key is %x (%v), not one of its own", other, err)
	}
	elsewhere, err := open(filepath.Join(t.TempDir(), "other.db")).Key(t.Context(), "nonce")
	if err != nil || bytes.Equal(elsewhere, keys[0]) {
		t.Errorf("another file's key is %x (%v), not one of its own", elsewhere, err)
	}
}
