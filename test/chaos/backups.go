package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"sealpost/test/judge"
)

// backups makes backups one after the other under load, while the daemon is killed
// and started again. Each one that is said to have succeeded opens, is sound by
// itself, and holds every event that was acknowledged before it began, with all
// deliveries; one that did not succeed leaves nothing under its name.
func backups(ctx context.Context, w *world) error {
	if err := w.start(ctx); err != nil {
		return err
	}
	stop := w.client.load(4)
	defer stop()
	var done atomic.Bool
	var copying sync.WaitGroup
	var made int
	var fault error
	copying.Go(func() {
		for n := 0; !done.Load() && fault == nil; n++ {
			fault = w.backUp(ctx, filepath.Join(w.folder, fmt.Sprintf("backup-%d.db", n)))
			made = n + 1
		}
	})
	var kills error
	for range 6 {
		pass(ctx, time.Duration(50+w.random.IntN(250))*time.Millisecond)
		// No autopsy: a backup that has the file open goes by the log's index, so a
		// commit that the dead had written and not yet entered there is undone.
		_ = w.daemon.Process.Kill()
		<-w.ended
		if kills = w.gone(ctx); kills != nil {
			break
		}
		if kills = w.start(ctx); kills != nil {
			break
		}
	}
	done.Store(true)
	copying.Wait()
	stop()
	if err := errors.Join(kills, fault); err != nil {
		return err
	}
	if made < 3 {
		return fmt.Errorf("%d backups were made in all that time", made)
	}
	return end(ctx, w)
}

// backUp makes a backup and looks what is in it.
func (w *world) backUp(ctx context.Context, path string) error {
	before := w.client.log()
	if err := w.json(ctx, nil, "db", "backup", path); err != nil {
		return err // nothing that happens here is a reason
	}
	defer os.Remove(path) //nolint:errcheck // the world goes with it
	if err := w.json(ctx, nil, "db", "check", "--database", path); err != nil {
		return fmt.Errorf("a backup: %w", err)
	}
	copied, err := judge.Read(ctx, path)
	if err != nil {
		return err
	}
	held := make(map[string]bool)
	for _, e := range copied.Events {
		held[e.ID] = len(e.Deliveries) == e.Count && e.Count == 1
	}
	for _, s := range before {
		if s.Acknowledged && !held[s.ID] {
			return breach(judge.Lost, "%s was acknowledged before a backup began, and is not in it with its delivery", s.ID)
		}
	}
	if copied.Integrity != "ok" {
		return breach(judge.Integrity, "a backup: %s", copied.Integrity)
	}
	return nil
}
