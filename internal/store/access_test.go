package store_test

import (
	"path/filepath"
	"testing"

	"sealpost/internal/access"
	"sealpost/internal/access/accesstest"
	"sealpost/internal/store"
)

// TestAccess holds the store to what package access was promised.
func TestAccess(t *testing.T) {
	accesstest.Run(t, func(t *testing.T) access.Store {
		s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "sealpost.db"), Create: true, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	})
}
