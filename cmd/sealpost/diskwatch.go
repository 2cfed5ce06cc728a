package main

import (
	"context"
	"log/slog"
	"time"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// diskEvery is how often the daemon looks at the space on its disk.
const diskEvery = time.Second

// diskSilence is the shortest time between two lines that say the same trouble, so that
// a disk that has space for some writes and not for others does not fill the log.
const diskSilence = time.Minute

// watchDisk finds out when a full disk has space again, and logs when the daemon
// begins to refuse writes for lack of space and when that is over, until ctx ends.
// The requests that are refused meanwhile would fill the rest of the disk with a line each.
func watchDisk(ctx context.Context, s *store.Store, log *slog.Logger) {
	tick := time.NewTicker(diskEvery)
	defer tick.Stop()
	said := map[webhook.Reason]time.Time{} // when the log was last told of each trouble
	var last webhook.Reason                // what the log was told last; "" is that everything is taken
	for {
		_ = s.TryDisk(ctx) // a failure is what Spare tells
		err := s.Spare()
		free, _ := s.FreeBytes()
		switch reason, now := webhook.ReasonOf(err), time.Now(); {
		case reason == last:
		case reason == "":
			last = reason
			log.Info("the disk has enough space again: everything is taken", "free_bytes", free)
		case now.Sub(said[reason]) < diskSilence:
		case reason == webhook.ReasonDiskFull:
			last, said[reason] = reason, now
			log.Error("the disk is full: nothing is taken until a write succeeds again", "free_bytes", free, "error", err)
		default:
			last, said[reason] = reason, now
			log.Warn("the disk has little space: only provider events and receipts are taken", "free_bytes", free, "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
