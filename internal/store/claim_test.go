package store_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"sealpost/internal/store"
)

// TestClaimsBesideSweeps: a claim that is being made is not taken for that of a
// process that died, and keeps the file by which a later sweep would find it.
func TestClaimsBesideSweeps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	var claiming, sweeping sync.WaitGroup
	over := make(chan struct{})
	for range 2 {
		sweeping.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if err := s.SweepDirect(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 4 {
		claiming.Go(func() {
			for range 200 {
				claim, lock, err := store.LockClaim(path, now)
				if err != nil {
					t.Error(err)
					continue
				}
				if _, err := os.Stat(path + ".direct-" + claim); err != nil {
					t.Error(err)
				}
				_ = lock.Drop() // a sweep may have removed it first
			}
		})
	}
	claiming.Wait()
	close(over)
	sweeping.Wait()
}
