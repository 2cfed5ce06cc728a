package deliver_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/webhook"
)

// hold publishes an event that waits for its receipt.
func (w *world) hold(id, subject string) webhook.Publishing {
	w.t.Helper()
	draft, err := webhook.NewDraft("transaction.created", []byte(fmt.Sprintf(`{"id":%q}`, subject)))
	if err != nil {
		w.t.Fatal(err)
	}
	draft.ID, draft.Await = id, true
	results, err := w.store.Publish(w.t.Context(), []webhook.Publication{{Organization: "acme", Draft: draft, At: time.Now()}})
	if err := errors.Join(err, results[0].Err); err != nil {
		w.t.Fatal(err)
	}
	return results[0]
}

// release brings the receipt that an event waits for.
func (w *world) release(id string) {
	w.t.Helper()
	outcome := webhook.ReceiptOutcome{Receipt: webhook.Receipt{BlockNumber: 1, TransactionHash: "0x1"}}
	if err := w.store.Attach(w.t.Context(), "acme", id, outcome, time.Now()); err != nil {
		w.t.Fatal(err)
	}
}

// TestReleasedGoesInTurn: an event that was released goes behind those of its
// transaction that were accepted before it, and past those of others, however
// long the queue is, also where much of it is still on file.
func TestReleasedGoesInTurn(t *testing.T) {
	for _, others := range []int{1, 2, 3, 700} {
		t.Run(fmt.Sprint(others), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, deliver.Options{Policy: exact(), WebhookMaxInFlight: 2}, func(*http.Request, int) (int, http.Header, error) {
					pass(10 * time.Second)
					return http.StatusOK, nil, nil
				})
				defer w.close()
				w.create("orders")
				for n := range others {
					w.publish(w.store, fmt.Sprint("other-", n), fmt.Sprint("tx-other-", n))
				}
				for n := range 3 {
					w.publish(w.store, fmt.Sprint("before-", n), "tx")
				}
				w.hold("released-0", "tx")
				w.hold("released-1", "tx")
				w.publish(w.store, "released-2", "tx") // behind them, it waits as well
				pass(time.Second)
				w.release("released-1")
				w.release("released-0")
				w.publish(w.store, "then", "tx")
				pass(24 * time.Hour)
				synctest.Wait()
				got := slices.DeleteFunc(w.ids(), func(id string) bool { return strings.HasPrefix(id, "other") })
				want := []string{"before-0", "before-1", "before-2", "released-0", "released-1", "released-2", "then"}
				if !slices.Equal(got, want) || len(w.ids()) != others+len(want) {
					t.Errorf("arrived: %v and %d others", got, len(w.ids())-len(got))
				}
			})
		})
	}
}
