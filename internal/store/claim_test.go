package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
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

// TestDeadClaimsAreEndedOnce: a sweep that could not write leaves the claims of
// dead processes to the next one.
func TestDeadClaimsAreEndedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	claim, lock, err := store.LockClaim(path, now)
	if err != nil {
		t.Fatal(err)
	}
	p := event(t, "e1", `{}`)
	p.Direct = claim
	key := publish(t, s, p, "x").Deliveries[0]
	if err := s.SweepDirect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d, err := s.Delivery(t.Context(), "acme", key); err != nil || d.State != webhook.Pending {
		t.Fatalf("of a process that lives: %s (%v)", d.State, err)
	}
	if err := errors.Join(lock.Unlock(), s.Close()); err != nil { // it dies
		t.Fatal(err)
	}
	if err := s.SweepDirect(t.Context()); err == nil {
		t.Fatal("a closed file was swept")
	}
	s = open(t, path)
	for range 2 {
		if err := s.SweepDirect(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d, err := s.Delivery(t.Context(), "acme", key); err != nil || d.State != webhook.Cancelled {
			t.Errorf("of a process that died: %s (%v)", d.State, err)
		}
	}
	if left, err := filepath.Glob(path + ".direct-*"); err != nil || left != nil {
		t.Errorf("%v is left (%v)", left, err)
	}
}
