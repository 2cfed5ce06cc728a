//go:build unix

package main

import (
	"math"

	"golang.org/x/sys/unix"
)

// openFiles is how many files this process may have open at a time.
func openFiles() (files int, bounded bool) {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil || uint64(limit.Cur) >= math.MaxInt32 { //nolint:unconvert // its type differs between systems
		return 0, false
	}
	return int(limit.Cur), true
}
