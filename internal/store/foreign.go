package store

import (
	"context"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"sealpost/internal/webhook"
)

// What other processes write is noticed in two steps, so that an idle daemon
// costs next to nothing: the operating system says that somebody has written
// to the write-ahead log, and data_version on the writer's connection whether
// it was somebody else.

const (
	breath  = 25 * time.Millisecond // between two looks while somebody writes
	blindly = 50 * time.Millisecond // between two looks where the system tells nothing
	anyway  = time.Second           // and where it does: network file systems may not
)

// Watch has [Store.Notify]'s function hear of what other processes commit,
// until ctx ends.
func (s *Store) Watch(ctx context.Context) {
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		defer watcher.Close() //nolint:errcheck // nothing is left to do with it
		err = watcher.Add(filepath.Dir(mustAbs(s.path)))
	}
	if err != nil { // no more watches are to be had, for instance
		s.watch(ctx, nil, nil, blindly)
		return
	}
	s.watch(ctx, watcher.Events, watcher.Errors, anyway)
}

func (s *Store) watch(ctx context.Context, events <-chan fsnotify.Event, faults <-chan error, every time.Duration) {
	log := filepath.Base(s.path) + "-wal"
	tick := time.NewTicker(every)
	defer tick.Stop()
	heard, pause := events, (<-chan time.Time)(nil)
	for {
		select {
		case event := <-heard:
			if filepath.Base(event.Name) != log {
				continue
			}
			s.Peek()
			heard, pause = nil, time.After(breath) // meanwhile the system adds up what happens
		case <-pause:
			s.Peek()
			heard, pause = events, nil
		case fault := <-faults:
			if fault != nil { // events were lost, as a rule
				s.Peek()
			}
		case <-tick.C:
			s.Peek()
		case <-ctx.Done():
			return
		}
	}
}

// Peek has the writer look, soon, whether another process has changed the
// file; if so, [Store.Notify]'s function hears of it.
func (s *Store) Peek() {
	s.writer.mu.Lock()
	s.writer.peek = true
	s.writer.mu.Unlock()
	s.writer.poke()
}

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
			w.store.tallies.doubt()
			w.store.remembered.forget()
			w.store.notify(webhook.Committed{Foreign: true})
		}
	}
	return nil
}
