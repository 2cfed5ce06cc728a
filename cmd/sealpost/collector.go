package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The garbage collector's pace. The live heap of a daemon is a few megabytes as a
// rule, so Go's own pace would have it run dozens of times a second; with
// thousands of requests under way it is fifty, and then a multiple of it would be
// a lot. So the heap may grow fivefold, but by no more than garbage, or by half.
const (
	collectMost  = 400 // percent
	collectLeast = 50
	garbage      = 48 << 20 // bytes
)

// tuneCollector sets the pace now and after each collection. GOGC in the
// environment comes first.
func tuneCollector() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(collectMost)
	last := collectMost
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	afterCollections(func() {
		metrics.Read(live)
		if next := collectorPace(live[0].Value.Uint64()); next != last {
			last = next
			debug.SetGCPercent(next)
		}
	})
}

// collectorPace is by how many percent a heap may grow.
func collectorPace(live uint64) int {
	return int(min(max(garbage*100/max(live, 1), collectLeast), collectMost))
}

// afterCollections calls fn after each garbage collection, one call after the
// other: whatever nobody refers to has its cleanup run then, and leaves the next
// such thing behind.
func afterCollections(fn func()) {
	type nothing struct{ _ [16]byte } // smaller ones share their place
	runtime.AddCleanup(new(nothing), func(fn func()) {
		fn()
		afterCollections(fn)
	}, fn)
}
