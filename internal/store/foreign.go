package store

import (
	"os"
	"sync"
	"time"

	"sealpost/internal/webhook"
)

// What other processes write is noticed in two steps, so that an idle daemon
// costs next to nothing: a look at the size and the time of the write-ahead
// log tells whether anybody may have committed, and data_version on the
// writer's connection whether it was somebody else.

// notice tells the engine when another process has changed the file. On the
// only connection that writes in this process, data_version grows for the
// commits of others alone.
func (w *writer) notice() error {
	var version int64
	if err := w.session.row(`PRAGMA data_version`, nil, &version); err != nil {
		return err
	}
	if version != w.version {
		first := w.version == 0
		w.version = version
		w.session.fresh = true
		if !first {
			w.store.fanouts.forget()
			w.store.notify(webhook.Committed{Foreign: true})
		}
	}
	return nil
}

// pulse remembers how the write-ahead log looked.
type pulse struct {
	mu       sync.Mutex
	size     int64
	modified time.Time
	still    int // looks since it last changed
}

const (
	settles = 4  // looks after a change that ask all the same: a file's time is coarse
	trusts  = 20 // looks after which one asks anyway
)

// beats looks at the log and reports whether somebody may have committed.
func (p *pulse) beats(path string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	info, err := os.Stat(path + "-wal")
	if err != nil || info.Size() != p.size || !info.ModTime().Equal(p.modified) {
		p.still = 0
		if err == nil {
			p.size, p.modified = info.Size(), info.ModTime()
		}
		return true
	}
	p.still++
	return p.still <= settles || p.still%trusts == 0
}

// Peek looks whether another process has changed the file; if so,
// [Store.Notify]'s function hears of it soon. It is meant to be called often.
func (s *Store) Peek() {
	if !s.pulse.beats(s.path) {
		return
	}
	s.writer.mu.Lock()
	s.writer.peek = true
	s.writer.mu.Unlock()
	s.writer.poke()
}
