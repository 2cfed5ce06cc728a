package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sealpost/internal/webhook"
)

// Space is the floor of free disk. Below it the store takes only provider events,
// receipts, outcomes of attempts, and changes that free space or take a right away:
// money is behind a provider's event, and the provider does not send it for ever.
type Space struct {
	Free  func() (uint64, error) // bytes free on the disk of the file; nil: nothing is checked
	Least uint64                 // bytes; 0: nothing is checked
}

// askAgain is how long what [Space.Free] said is believed.
const askAgain = time.Second

// floor remembers how much was free.
type floor struct {
	Space

	mu    sync.Mutex
	asked time.Time
	free  uint64
	known bool
}

// left returns how many bytes are free, and whether that is known.
func (f *floor) left() (free uint64, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Free == nil {
		return 0, false
	}
	if now := time.Now(); f.asked.IsZero() || now.Sub(f.asked) >= askAgain {
		var err error
		f.free, err = f.Free()
		f.known = err == nil
		f.asked = now
	}
	return f.free, f.known
}

// spare says why a change is refused that the file has no space to spare for. Where
// the free space is not known, SQLite finds out whether the disk is full.
func (s *Store) spare() error {
	if s.floor.Least == 0 {
		return nil
	}
	free, known := s.floor.left()
	if !known || free >= s.floor.Least {
		return nil
	}
	return unavailable(fmt.Sprintf("the disk of %s has %d bytes free, less than storage.min_free (%d bytes); nothing was stored", s.path, free, s.floor.Least),
		"free some space on the disk, delete old events with `sealpost db prune`, or lower storage.min_free")
}

// Spare returns the error with which writing is refused while the disk has less
// free than [Space.Least]; nil otherwise.
func (s *Store) Spare() error { return s.spare() }

// FreeBytes returns how many bytes are free on the disk of the file, as of the last
// second, and whether that is known.
func (s *Store) FreeBytes() (free uint64, known bool) { return s.floor.left() }

// always is separate for changes that are taken below the floor of free disk.
func (s *Store) always(ctx context.Context, run func(*session) error) error {
	return s.alwaysReleasing(ctx, func(tx *session, _ *webhook.Committed) error { return run(tx) })
}
