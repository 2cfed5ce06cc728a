package store_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"

	"sealpost/internal/store"
)

// TestUpgradeGoesOn ends an upgrade after its second step, as kill -9 does, and opens
// the file again: the upgrade goes on, says that it is the third step of all, and
// leaves the copy as it was made: of the file before the first step.
func TestUpgradeGoesOn(t *testing.T) {
	path, _ := older(t, "0014")
	kept := store.BeforeOf(path, 13)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := store.Open(ctx, store.Options{Path: path, Migrate: true, Migrating: func(n store.MigrationNews) {
		if n.Step == 2 && n.Ended {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the upgrade that was ended: %v", err)
	}
	before, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	var steps []int
	s, err := store.Open(t.Context(), store.Options{Path: path, Migrate: true, Migrating: func(n store.MigrationNews) {
		if n.Copy != "" {
			t.Errorf("the file was copied again: %+v", n)
		}
		if n.Ended {
			steps = append(steps, n.Step)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if all := store.SchemaVersion() - 13; len(steps) != all-2 || steps[0] != 3 || steps[len(steps)-1] != all {
		t.Errorf("steps %v of %d: want 3 to the last", steps, all)
	}
	if after, err := os.ReadFile(kept); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the copy %s changed: %v", kept, err)
	}
}
