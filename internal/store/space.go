package store

import (
	"context"
	"crypto/rand"
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
	return unavailable(fmt.Sprintf("the disk of %s has %d bytes free, less than storage.min_free (%d bytes), so this change was not stored", s.path, free, s.floor.Least),
		"free some space on the disk, delete old events with `sealpost db prune`, or lower storage.min_free").For(webhook.ReasonMinFree)
}

// Spare says why the store refuses most changes: the disk has less free than
// [Space.Least] ([webhook.ReasonMinFree]), or a write found no space on it and none has
// succeeded since ([webhook.ReasonDiskFull], see [Store.TryDisk]). nil: it takes everything.
func (s *Store) Spare() error {
	if err := s.full.why(); err != nil {
		return err
	}
	return s.spare()
}

// full remembers that a write found no space on the disk.
type full struct {
	mu  sync.Mutex
	err error // of the first such write since the last one that [Store.TryDisk] made
}

func (f *full) why() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *full) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil || err == nil {
		f.err = err
	}
}

// failed notes a write that found no space.
func (s *Store) failed(err error) {
	if err == nil || s.full.why() != nil {
		return
	}
	if err = fault(s.path, err); webhook.ReasonOf(err) == webhook.ReasonDiskFull {
		s.full.set(err)
	}
}

// TryDisk finds out whether the disk has space again, after a write found none:
// it writes a row and deletes it. Other writes that succeed prove little, for the log
// may have a page left for a small one. Call it once a second.
func (s *Store) TryDisk(ctx context.Context) error {
	if s.full.why() == nil {
		return nil
	}
	err := s.always(ctx, func(tx *session) error {
		id := make([]byte, 16)
		_, _ = rand.Read(id) // never fails
		if err := tx.exec(`INSERT INTO used_nonce (id, expires_at) VALUES (?, 0)`, id); err != nil {
			return err
		}
		return tx.exec(`DELETE FROM used_nonce WHERE id = ?`, id)
	})
	if err == nil {
		s.full.set(nil)
	}
	return err
}

// FreeBytes returns how many bytes are free on the disk of the file, as of the last
// second, and whether that is known.
func (s *Store) FreeBytes() (free uint64, known bool) { return s.floor.left() }

// always is separate for changes that are taken below the floor of free disk.
func (s *Store) always(ctx context.Context, run func(*session) error) error {
	return s.alwaysReleasing(ctx, func(tx *session, _ *webhook.Committed) error { return run(tx) })
}
