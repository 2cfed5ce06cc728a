package main

import (
	"context"
	"log/slog"
	"time"

	"sealpost/internal/store"
)

// diskEvery is how often the daemon looks at the free space of its disk.
const diskEvery = time.Second

// watchDisk logs when the daemon begins to refuse writes because its disk has too
// little space, and when that is over, until ctx ends. One line each: the requests
// that are refused meanwhile would fill the rest of the disk with theirs.
func watchDisk(ctx context.Context, s *store.Store, log *slog.Logger) {
	tick := time.NewTicker(diskEvery)
	defer tick.Stop()
	low := false
	for {
		err := s.Spare()
		free, _ := s.FreeBytes()
		switch {
		case err != nil && !low:
			log.Warn("the disk has little space: only provider events and receipts are taken", "free_bytes", free, "error", err)
		case err == nil && low:
			log.Info("the disk has enough space again: everything is taken", "free_bytes", free)
		}
		low = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
