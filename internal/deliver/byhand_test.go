package deliver_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/webhook"
)

// A delivery that somebody retries by hand, while the engine has it in memory
// already, is there twice for a moment: as it was, and as it is now. Exactly one
// of the two goes out.

// retry makes a delivery due at once, as a person does.
func (w *world) retry(result webhook.Publishing) {
	w.t.Helper()
	if err := w.store.RetryDelivery(w.t.Context(), "acme", result.Deliveries[0], time.Now()); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
}

// ids lists what arrived, in order.
func (w *world) ids() (ids []string) {
	for _, r := range w.to.requests() {
		ids = append(ids, r.id)
	}
	return ids
}

// takes answers after so long.
func takes(d map[string]time.Duration) func(*http.Request, int) (int, http.Header, error) {
	return func(r *http.Request, _ int) (int, http.Header, error) {
		pass(d[r.Header.Get("webhook-id")])
		return http.StatusOK, nil, nil
	}
}

// TestRetriedBehindItsTransaction: what waits behind an earlier event of its
// transaction, and is retried meanwhile, goes out when its turn comes.
func TestRetriedBehindItsTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deliver.Options{}, takes(map[string]time.Duration{"slow": 10 * time.Second}))
		defer w.close()
		w.create("shop")
		w.publish(w.store, "warm", "other")
		pass(time.Second) // the window is two now, so the second is taken up and set aside
		w.publish(w.store, "slow", "tx")
		second := w.publish(w.store, "second", "tx")
		synctest.Wait()
		w.retry(second)
		pass(time.Minute)
		if got, want := w.ids(), []string{"warm", "slow", "second"}; !slices.Equal(got, want) {
			t.Errorf("arrived: %v, want %v", got, want)
		}
		if d := w.delivery(second); d.State != webhook.Delivered {
			t.Errorf("the second is %s", d.State)
		}
	})
}

// TestRetriedInTheQueue: what stands in the queue of first attempts, and is
// retried, goes out once, however often that is done.
func TestRetriedInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deliver.Options{}, takes(map[string]time.Duration{"slow": 10 * time.Second, "queued": 30 * time.Second}))
		defer w.close()
		w.create("shop")
		w.publish(w.store, "slow", "")
		synctest.Wait() // under way, and the window is one
		queued := w.publish(w.store, "queued", "")
		w.retry(queued)
		pass(15 * time.Second) // now the queued one is under way
		for range 3 {
			w.retry(queued)
			pass(time.Second)
		}
		pass(time.Minute)
		if got, want := w.ids(), []string{"slow", "queued"}; !slices.Equal(got, want) {
			t.Errorf("arrived: %v, want %v", got, want)
		}
		if d := w.delivery(queued); d.State != webhook.Delivered {
			t.Errorf("the queued one is %s", d.State)
		}
	})
}
