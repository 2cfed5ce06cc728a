package deliver_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// lateStore answers its second look for due retries half a second after it
// has read the file.
type lateStore struct {
	*store.Store
	mu    sync.Mutex
	looks int
}

func (s *lateStore) Due(ctx context.Context, seq int64, now time.Time, limit int) ([]*webhook.Work, error) {
	found, err := s.Store.Due(ctx, seq, now, limit)
	s.mu.Lock()
	s.looks++
	late := s.looks == 2
	s.mu.Unlock()
	if late {
		<-time.After(500 * time.Millisecond)
	}
	return found, err
}

// TestLateReadDeliversNothingTwice: a retry that ends while an older state of
// the file is being read must not be taken up again from that.
func TestLateReadDeliversNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		counts := map[string]int{}
		w := &world{t: t, path: filepath.Join(t.TempDir(), "sealpost.db"), to: &receivers{answer: func(r *http.Request, _ int) (int, http.Header, error) {
			mu.Lock()
			counts[r.Header.Get("webhook-id")]++
			n := counts[r.Header.Get("webhook-id")]
			mu.Unlock()
			if n == 1 {
				return http.StatusInternalServerError, nil, nil
			}
			<-time.After(400 * time.Millisecond)
			return http.StatusOK, nil, nil
		}}}
		w.store = w.openStore()
		w.create("orders") // before the engine starts: a change would have it look twice at everything
		late := &lateStore{Store: w.store}
		w.engine = deliver.New(late, w.to, deliver.Options{Policy: exact()})
		w.store.Notify(w.engine.Offer)
		if err := w.engine.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer w.close()
		w.publish(w.store, "a", "tx-1") // due again at 0.5 s, under way until 0.9 s
		pass(250 * time.Millisecond)
		w.publish(w.store, "b", "tx-2") // due again at 0.75 s: what is due is read then, and known at 1.25 s
		pass(5 * time.Second)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if late.looks < 2 || counts["a"] != 2 || counts["b"] != 2 {
			t.Errorf("%v attempts after %d looks, not 2 each", counts, late.looks)
		}
	})
}

// staleStore answers half a second after it has read the file, for as long as
// it is told to.
type staleStore struct {
	*store.Store
	first, receiver atomic.Bool
	waiting         chan struct{} // told of each answer that is late
}

func (s *staleStore) late(late *atomic.Bool) {
	if late.Load() {
		s.waiting <- struct{}{}
		<-time.After(500 * time.Millisecond)
	}
}

func (s *staleStore) First(ctx context.Context, seq, after int64, limit int) ([]*webhook.Work, error) {
	found, err := s.Store.First(ctx, seq, after, limit)
	s.late(&s.first)
	return found, err
}

func (s *staleStore) Receiver(ctx context.Context, seq int64) (*webhook.Receiver, error) {
	found, err := s.Store.Receiver(ctx, seq)
	s.late(&s.receiver)
	return found, err
}

// newStaleWorld is a world whose engine reads through a stale store.
func newStaleWorld(t *testing.T, answer func(*http.Request, int) (int, http.Header, error)) (*world, *staleStore) {
	w := &world{t: t, path: filepath.Join(t.TempDir(), "sealpost.db"), to: &receivers{answer: answer}}
	w.store = w.openStore()
	late := &staleStore{Store: w.store, waiting: make(chan struct{}, 1024)}
	w.engine = deliver.New(late, w.to, deliver.Options{Policy: exact()})
	w.store.Notify(w.engine.Offer)
	w.create("orders")
	return w, late
}

// TestParkedWhileReadingLosesNothing: what a lane forgets when its webhook is
// disabled must be read again, also when a reading of what comes behind it was
// under way.
func TestParkedWhileReadingLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, late := newStaleWorld(t, func(*http.Request, int) (int, http.Header, error) {
			pass(50 * time.Millisecond)
			return 200, nil, nil
		})
		defer w.close()
		if err := w.engine.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		const events = 800 // more than a lane keeps in memory
		late.first.Store(true)
		for n := range events {
			w.publish(w.store, fmt.Sprintf("evt-%d", n), fmt.Sprintf("tx-%d", n))
		}
		<-late.waiting // with half of the queue still to go
		w.change("orders", func(c *webhook.Config) { c.Disabled = true })
		pass(time.Minute)
		late.first.Store(false)
		w.enable("orders")
		pass(time.Minute)
		synctest.Wait()
		count := map[string]int{}
		for _, r := range w.to.requests() {
			count[r.id]++
		}
		if len(count) != events || len(w.to.requests()) != events {
			t.Errorf("%d of %d events arrived, in %d requests", len(count), events, len(w.to.requests()))
		}
	})
}

// TestLeftWhileReadingIsRead: an event that is left on file, since older ones are
// still there, must be read also when it came too late for the reading that is
// under way.
func TestLeftWhileReadingIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, late := newStaleWorld(t, always(200))
		defer w.close()
		if err := w.engine.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.change("orders", func(c *webhook.Config) { c.Disabled = true })
		older := w.publish(w.store, "evt-1", "tx-1")
		pass(time.Second)
		late.first.Store(true)
		w.enable("orders")
		<-late.waiting
		newer := w.publish(w.store, "evt-2", "tx-2")
		late.first.Store(false)
		pass(time.Minute)
		synctest.Wait()
		for _, result := range []webhook.Publishing{older, newer} {
			if d := w.delivery(result); d.State != webhook.Delivered {
				t.Errorf("%s is %s, a minute after its webhook was enabled", result.ID, d.State)
			}
		}
	})
}

// TestEnabledWhileLookedUp: a look-up that saw the webhook disabled must not
// put its lane to sleep when that is over already.
func TestEnabledWhileLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, late := newStaleWorld(t, always(200))
		defer w.close()
		if err := w.engine.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.change("orders", func(c *webhook.Config) { c.Disabled = true })
		late.receiver.Store(true)
		result := w.publish(w.store, "evt-1", "tx-1")
		<-late.waiting
		late.receiver.Store(false)
		w.enable("orders")
		pass(time.Minute)
		synctest.Wait()
		if d := w.delivery(result); d.State != webhook.Delivered {
			t.Errorf("%s (%s), a minute after its webhook was enabled", d.State, d.Reason)
		}
	})
}
