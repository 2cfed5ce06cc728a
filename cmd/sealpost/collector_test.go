package main

import (
	"runtime"
	"testing"
	"time"
)

func TestCollectorPace(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 5 << 20: 400, 12 << 20: 400, 24 << 20: 200, 48 << 20: 100, 96 << 20: 50, 1 << 30: 50} {
		if got := collectorPace(live); got != want {
			t.Errorf("a live heap of %d bytes may grow by %d %%, not %d", live, got, want)
		}
	}
}

// TestAfterCollections: each collection is followed by a call.
func TestAfterCollections(t *testing.T) {
	calls := make(chan struct{}, 100)
	afterCollections(func() { calls <- struct{}{} })
	for range 3 {
		runtime.GC()
		select {
		case <-calls:
		case <-time.After(2 * time.Minute):
			t.Fatal("nothing was called after a collection")
		}
	}
}
