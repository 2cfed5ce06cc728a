package deliver_test

import (
	"context"
	"net/http"
	"path/filepath"
	"sync"
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
		if late.looks < 2 || counts["a"] != 2 || counts["b"] != 2 {
			t.Errorf("%v attempts after %d looks, not 2 each", counts, late.looks)
		}
	})
}
