package deliver_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/webhook"
)

func TestScheduleRunsToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deliver.Options{Policy: exact()}, always(500))
		defer w.close()
		w.create("orders")
		began := time.Now()
		result := w.publish(w.store, "evt-1", "tx-1")
		pass(4 * 24 * time.Hour)
		synctest.Wait()
		requests := w.to.requests()
		timetable := exact().Timetable(began)
		if len(requests) != len(timetable) {
			t.Fatalf("%d attempts, not %d", len(requests), len(timetable))
		}
		for i, r := range requests {
			if r.at.Sub(timetable[i]).Abs() > 50*time.Millisecond {
				t.Errorf("attempt %d at +%s, not +%s", i+1, r.at.Sub(began), timetable[i].Sub(began))
			}
			if r.body != requests[0].body {
				t.Errorf("attempt %d sent other bytes", i+1)
			}
		}
		if d := w.delivery(result); d.State != webhook.Dead || len(d.Attempts) != 21 || d.Attempts[20].N != 21 {
			t.Errorf("state %s with %d attempts (%s)", d.State, len(d.Attempts), d.Reason)
		}
	})
}

func TestScheduleSurvivesRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deliver.Options{Policy: exact()}, func(_ *http.Request, n int) (int, http.Header, error) {
			if n < 8 {
				return 503, nil, nil
			}
			return 204, nil, nil
		})
		w.create("orders")
		began := time.Now()
		result := w.publish(w.store, "evt-1", "tx-1")
		restart := func(off time.Duration) {
			w.close()
			pass(off)
			w.store = w.openStore()
			w.start()
		}
		pass(5 * time.Second)
		restart(time.Second)
		pass(4 * time.Second)
		restart(10 * time.Second)
		defer w.close()
		pass(3 * time.Minute)
		synctest.Wait()
		d := w.delivery(result)
		if d.State != webhook.Delivered || d.Count != 8 {
			t.Fatalf("state %s after %d attempts", d.State, d.Count)
		}
		// Four attempts before the first stop (0, 0.5, 1.5, 3.5 s). The fifth is
		// due at 7.5 s: a restart at 6 s brings it no sooner. The sixth was due at
		// 15.5 s and is made at the second restart, 20 s.
		for n, from := range map[int]time.Duration{4: 7500 * time.Millisecond, 5: 20 * time.Second} {
			if at := w.to.requests()[n].at.Sub(began); at < from || at > from+time.Second {
				t.Errorf("attempt %d came at +%s", n+1, at)
			}
		}
	})
}

func TestRetryAfterIsAFloor(t *testing.T) {
	for _, test := range []struct {
		status int
		value  string
		wait   time.Duration
	}{
		{429, "3600", time.Hour},
		{503, "3600", time.Hour},
		{503, "0", 500 * time.Millisecond},
		{500, "3600", 500 * time.Millisecond},
		{503, "99999999999999999999", 24 * time.Hour},
		{429, "nonsense", 500 * time.Millisecond},
	} {
		t.Run(fmt.Sprint(test.status, " ", test.value), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, deliver.Options{Policy: exact()}, func(_ *http.Request, n int) (int, http.Header, error) {
					if n == 1 {
						return test.status, http.Header{"Retry-After": {test.value}}, nil
					}
					return 200, nil, nil
				})
				defer w.close()
				w.create("orders")
				w.publish(w.store, "evt-1", "tx-1")
				pass(25 * time.Hour)
				synctest.Wait()
				requests := w.to.requests()
				if len(requests) != 2 {
					t.Fatalf("%d attempts", len(requests))
				}
				if gap := requests[1].at.Sub(requests[0].at); (gap - test.wait).Abs() > 50*time.Millisecond {
					t.Errorf("the retry came after %s, not %s", gap, test.wait)
				}
			})
		})
	}
}

func TestGoneDisablesAndEnablingReleases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := true
		w := newWorld(t, deliver.Options{Policy: exact()}, func(*http.Request, int) (int, http.Header, error) {
			if gone {
				return 410, nil, nil
			}
			return 200, nil, nil
		})
		defer w.close()
		w.create("orders")
		first := w.publish(w.store, "evt-1", "tx-1")
		pass(time.Minute)
		second := w.publish(w.store, "evt-2", "tx-2")
		pass(time.Hour)
		synctest.Wait()
		if n := len(w.to.requests()); n != 1 {
			t.Fatalf("%d requests went to a receiver that is gone", n)
		}
		for _, result := range []webhook.Publishing{first, second} {
			if d := w.delivery(result); d.State != webhook.Parked || !strings.Contains(d.Reason, "410") {
				t.Errorf("%s is %s (%s)", result.ID, d.State, d.Reason)
			}
		}
		w.close() // what is parked outlives the process
		w.store = w.openStore()
		w.start()
		pass(time.Hour)
		gone = false
		w.enable("orders")
		pass(time.Minute)
		synctest.Wait()
		for _, result := range []webhook.Publishing{first, second} {
			if d := w.delivery(result); d.State != webhook.Delivered {
				t.Errorf("%s is %s (%s)", result.ID, d.State, d.Reason)
			}
		}
	})
}

func TestNothingButFailuresDisables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy := exact()
		policy.Retries = 30 // over a week
		w := newWorld(t, deliver.Options{Policy: policy}, always(500))
		defer w.close()
		w.create("orders")
		result := w.publish(w.store, "evt-1", "tx-1")
		pass(6 * 24 * time.Hour)
		later := w.publish(w.store, "evt-2", "")
		pass(2 * 24 * time.Hour)
		synctest.Wait()
		if d := w.delivery(result); d.State != webhook.Dead || d.Count != 31 {
			t.Errorf("%s (%s) after %d attempts", d.State, d.Reason, d.Count)
		}
		if d := w.delivery(later); d.State != webhook.Parked || !strings.Contains(d.Reason, "every attempt has failed since") {
			t.Errorf("%s (%s) after %d attempts", d.State, d.Reason, d.Count)
		}
	})
}

func TestSlowReceiverHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deliver.Options{Policy: exact(), Timeout: time.Minute}, func(r *http.Request, _ int) (int, http.Header, error) {
			if strings.HasPrefix(r.URL.Host, "hangs") {
				<-r.Context().Done()
				return 0, nil, r.Context().Err()
			}
			return 200, nil, nil
		})
		defer w.close()
		for n := range 50 {
			w.create(fmt.Sprintf("hangs-%d", n))
		}
		w.create("healthy")
		began := time.Now()
		for n := range 20 {
			w.publish(w.store, fmt.Sprintf("evt-%d", n), fmt.Sprintf("tx-%d", n))
		}
		pass(time.Second)
		healthy, inFlight := 0, map[string]int{}
		for _, r := range w.to.requests() {
			if strings.HasPrefix(r.host, "healthy") {
				healthy++
				if r.at.Sub(began) > 250*time.Millisecond {
					t.Errorf("the healthy one waited %s", r.at.Sub(began))
				}
			} else {
				inFlight[r.host]++
			}
		}
		if healthy != 20 {
			t.Errorf("%d deliveries to the healthy one, not 20", healthy)
		}
		for host, n := range inFlight {
			if n > 1 {
				t.Errorf("%s has %d requests under way; one is enough for one that never answered", host, n)
			}
		}
	})
}

func TestFirstAttemptsOfATransactionGoInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deliver.Options{Policy: exact()}, func(_ *http.Request, n int) (int, http.Header, error) {
			pass(time.Duration(100-n%7*10) * time.Millisecond)
			if n%5 == 0 {
				return 500, nil, nil
			}
			return 200, nil, nil
		})
		defer w.close()
		w.create("orders")
		for n := range 60 {
			w.publish(w.store, fmt.Sprintf("evt-%03d", n), fmt.Sprintf("tx-%d", n%3))
		}
		pass(time.Hour)
		synctest.Wait()
		last, first := map[string]string{}, map[string]bool{}
		for _, r := range w.to.requests() {
			if first[r.id] {
				continue // a retry
			}
			first[r.id] = true
			subject := r.body[strings.Index(r.body, "tx-"):]
			if r.id <= last[subject] {
				t.Errorf("%s went after %s", r.id, last[subject])
			}
			last[subject] = r.id
		}
		if len(first) != 60 {
			t.Errorf("%d of 60 events arrived", len(first))
		}
	})
}

func TestBacklogBeyondMemoryIsDeliveredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		w := newWorld(t, deliver.Options{Policy: exact()}, func(*http.Request, int) (int, http.Header, error) {
			<-release
			return 200, nil, nil
		})
		defer w.close()
		w.create("orders")
		const events = 1500 // about three times what a lane keeps in memory
		for n := range events {
			w.publish(w.store, fmt.Sprintf("evt-%d", n), fmt.Sprintf("tx-%d", n))
		}
		close(release)
		pass(time.Minute)
		synctest.Wait()
		count := map[string]int{}
		for _, r := range w.to.requests() {
			count[r.id]++
		}
		if len(count) != events {
			t.Errorf("%d of %d events arrived", len(count), events)
		}
		for id, n := range count {
			if n != 1 {
				t.Errorf("%s arrived %d times", id, n)
			}
		}
	})
}

// TestBacklogUsesTheWindow: after a restart nothing but the attempts themselves
// can tell that the receiver has room for more of them.
func TestBacklogUsesTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deliver.Options{Policy: exact()}, func(*http.Request, int) (int, http.Header, error) {
			pass(40 * time.Millisecond)
			return 200, nil, nil
		})
		w.create("orders")
		w.stop()
		const events = 400 // less than a lane keeps in memory
		for n := range events {
			w.publish(w.store, fmt.Sprintf("evt-%d", n), fmt.Sprintf("tx-%d", n))
		}
		w.start()
		defer w.close()
		pass(time.Second) // 32 at a time take half of it, one at a time 16
		synctest.Wait()
		if n := len(w.to.requests()); n != events {
			t.Errorf("%d of %d events arrived within a second", n, events)
		}
	})
}

func TestOtherProcessesAreNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deliver.Options{Policy: exact()}, always(200))
		defer w.close()
		w.create("orders")
		w.create("ledger")
		other := w.openStore()
		defer other.Close() //nolint:errcheck // the test is over
		for n := range 20 {
			w.publish(other, fmt.Sprintf("other-%d", n), fmt.Sprintf("tx-%d", n))
			w.publish(w.store, fmt.Sprintf("own-%d", n), fmt.Sprintf("ty-%d", n))
		}
		w.publish(other, "other-last", "tx-last")
		w.store.Peek()
		pass(time.Second)
		synctest.Wait()
		count := map[string]int{}
		for _, r := range w.to.requests() {
			count[r.host+" "+r.id]++
		}
		if len(count) != 2*41 {
			t.Errorf("%d of 2*41 deliveries arrived", len(count))
		}
		for id, n := range count {
			if n != 1 {
				t.Errorf("%s arrived %d times", id, n)
			}
		}
	})
}

// TestUntoldIsRead: a commit that was said to have failed may have taken effect
// all the same. The next one shows the gap in the numbers.
func TestUntoldIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deliver.Options{Policy: exact()}, always(200))
		defer w.close()
		w.create("orders")
		w.store.Notify(func(webhook.Committed) {})
		untold := w.publish(w.store, "evt-1", "tx-1")
		synctest.Wait()
		w.store.Notify(w.engine.Offer)
		w.publish(w.store, "evt-2", "tx-2")
		pass(time.Second)
		synctest.Wait()
		if d := w.delivery(untold); d.State != webhook.Delivered || len(w.to.requests()) != 2 {
			t.Errorf("%s is %s; %d requests were made", untold.ID, d.State, len(w.to.requests()))
		}
	})
}

func TestStopCutsWithoutCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deliver.Options{Policy: exact()}, func(r *http.Request, _ int) (int, http.Header, error) {
			<-r.Context().Done()
			return 0, nil, context.Cause(r.Context())
		})
		w.create("orders")
		result := w.publish(w.store, "evt-1", "tx-1")
		synctest.Wait()
		w.stop()
		if d := w.delivery(result); d.State != webhook.Pending || d.Count != 0 {
			t.Errorf("%s with %d attempts", d.State, d.Count)
		}
		if err := w.store.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestDeletedWebhookGetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deliver.Options{Policy: exact()}, always(500))
		defer w.close()
		w.create("orders")
		result := w.publish(w.store, "evt-1", "tx-1")
		pass(100 * time.Millisecond)
		if err := w.store.DeleteWebhook(t.Context(), "acme", "orders", time.Now(), nil); err != nil {
			t.Fatal(err)
		}
		w.create("orders")
		pass(24 * time.Hour)
		synctest.Wait()
		if n := len(w.to.requests()); n != 1 {
			t.Errorf("%d requests, not the one before the webhook was deleted", n)
		}
		if d := w.delivery(result); d.State != webhook.Cancelled {
			t.Errorf("%s", d.State)
		}
	})
}
