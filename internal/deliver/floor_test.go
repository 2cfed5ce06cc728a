package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// busy is a receiver that asks for a pause until somebody sets it free.
type busy struct {
	mu     sync.Mutex
	status int
	pause  string
	takes  time.Duration // to answer
	open   int
	most   int
}

func (b *busy) answer(*http.Request, int) (int, http.Header, error) {
	b.mu.Lock()
	b.open++
	b.most = max(b.most, b.open)
	status, pause, takes := b.status, b.pause, b.takes
	b.mu.Unlock()
	if takes > 0 {
		pass(takes)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open--
	if pause != "" {
		return status, http.Header{"Retry-After": {pause}}, nil
	}
	return http.StatusOK, nil, nil
}

func (b *busy) set(status int, pause string, takes time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status, b.pause, b.takes, b.most = status, pause, takes, 0
}

// since counts the requests that began at a time or later.
func (w *world) since(at time.Time) (n int) {
	for _, r := range w.to.requests() {
		if !r.at.Before(at) {
			n++
		}
	}
	return n
}

// floored is a world with 100 events, of which the first one was answered with a
// pause of a minute.
func floored(t *testing.T, status int) (*world, *busy, time.Time) {
	b := &busy{status: status, pause: "60", takes: time.Second}
	w := newWorld(t, deliver.Options{Policy: exact()}, b.answer)
	w.create("orders")
	for n := range 100 {
		w.publish(w.store, fmt.Sprint("evt-", n), fmt.Sprint("tx-", n))
	}
	pass(2 * time.Second)
	return w, b, time.Now().Add(-time.Second)
}

// TestRetryAfterHoldsForTheWebhook: after 429 or 503 with Retry-After no attempt to
// the webhook starts before that time, the oldest one goes alone then, and the others
// follow once it was answered. Waiting costs no attempt.
func TestRetryAfterHoldsForTheWebhook(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, b, asked := floored(t, status)
				defer w.close()
				w.publish(w.store, "later", "")
				pass(58 * time.Second)
				if n := len(w.to.requests()); n != 1 {
					t.Fatalf("%d requests came within the pause, not 1", n)
				}
				pass(2 * time.Second) // the pause is over, and the answer is to wait again
				requests := w.to.requests()
				if len(requests) != 2 || requests[1].id != "evt-0" || requests[1].at.Sub(asked) < time.Minute {
					t.Fatalf("after the pause came %+v", requests[1:])
				}
				b.set(status, "", 10*time.Second)
				pass(65 * time.Second)
				if requests = w.to.requests(); len(requests) != 3 || requests[2].id != "evt-0" {
					t.Fatalf("after the second pause came %+v", requests[2:])
				}
				b.set(status, "", 0)
				pass(time.Minute)
				if n := len(w.to.requests()); n != 103 {
					t.Errorf("%d requests in all, not 103", n)
				}
				synctest.Wait()
				for _, d := range w.all() {
					if want := 1; d.State != webhook.Delivered || d.EventID != "evt-0" && d.Count != want || d.EventID == "evt-0" && d.Count != 3 {
						t.Errorf("%s is %s after %d attempts", d.EventID, d.State, d.Count)
					}
				}
			})
		})
	}
}

// all lists all deliveries.
func (w *world) all() []webhook.Delivery {
	w.t.Helper()
	found, _, err := w.store.Deliveries(w.t.Context(), webhook.DeliveryQuery{Organization: "acme", Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// TestRetryAfterIsForAllURLs: the pause holds for each URL of the webhook, and for no
// other webhook.
func TestRetryAfterIsForAllURLs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deliver.Options{Policy: exact()}, func(r *http.Request, n int) (int, http.Header, error) {
			if r.URL.Host == "orders.example.com" && n == 1 {
				return http.StatusTooManyRequests, http.Header{"Retry-After": {"60"}}, nil
			}
			return http.StatusOK, nil, nil
		})
		defer w.close()
		w.create("orders")
		w.create("others")
		w.change("orders", func(c *webhook.Config) { c.SetRoute("order", "paid", "https://elsewhere.example.com/") })
		w.publish(w.store, "one", "", "orders")
		pass(time.Second)
		w.publishLarge(w.store, "two") // goes to the other URL
		pass(30 * time.Second)
		counts := w.counts()
		if counts["orders"] != 1 || counts["elsewhere"] != 0 || counts["others"] != 1 {
			t.Errorf("requests: %v", counts)
		}
		pass(time.Minute)
		if n := w.counts()["elsewhere"]; n != 1 {
			t.Errorf("%d requests came to the other URL after the pause", n)
		}
	})
}

// TestUnderWayEndNormally: what was under way when the receiver asked for a pause
// ends as it does, and does not end the pause.
func TestUnderWayEndNormally(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asks atomic.Bool
		w := newWorld(t, deliver.Options{Policy: exact()}, func(r *http.Request, _ int) (int, http.Header, error) {
			switch {
			case !asks.Load():
				return http.StatusOK, nil, nil
			case r.Header.Get("webhook-id") == "asks":
				return http.StatusTooManyRequests, http.Header{"Retry-After": {"60"}}, nil
			}
			pass(20 * time.Second)
			return http.StatusOK, nil, nil
		})
		defer w.close()
		w.create("orders")
		for n := range 40 {
			w.publish(w.store, fmt.Sprint("before-", n), "")
		}
		pass(time.Second)
		asks.Store(true)
		for n := range 10 {
			w.publish(w.store, fmt.Sprint("slow-", n), "")
		}
		w.publish(w.store, "asks", "")
		pass(time.Second)
		w.publish(w.store, "waits", "")
		pass(30 * time.Second)
		if n := len(w.to.requests()); n != 51 {
			t.Errorf("%d requests within the pause, not 51", n)
		}
		delivered := 0
		for _, d := range w.all() {
			if d.State == webhook.Delivered {
				delivered++
			}
		}
		if delivered != 50 {
			t.Errorf("%d deliveries are delivered, not 50", delivered)
		}
	})
}

// TestFloorOutlivesTheProcess: a restart, another process and a foreground delivery
// keep to the pause.
func TestFloorOutlivesTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b, asked := floored(t, http.StatusTooManyRequests)
		defer w.close()
		w.stop()
		w.start()
		w.publish(w.store, "after the start", "")
		pass(30 * time.Second)
		if n := w.since(asked); n != 0 {
			t.Errorf("%d requests came after a restart within the pause", n)
		}
		began := time.Now()
		works, err := w.store.First(t.Context(), 1, 50, 1)
		if err != nil || len(works) != 1 {
			t.Fatal(works, err)
		}
		b.set(http.StatusTooManyRequests, "", 0)
		waited := 0
		way := deliver.Foreground{Client: w.to, Policy: exact(), Now: time.Now,
			Receiver: func(ctx context.Context) (*webhook.Receiver, error) { return w.store.Receiver(ctx, 1) },
			Waiting:  func(*webhook.Receiver) { waited++ },
		}
		last, err := way.Deliver(t.Context(), works[0])
		if err != nil || last.State != webhook.Delivered || waited != 1 || time.Since(began) < 28*time.Second {
			t.Errorf("the foreground delivery: %+v (%v), waited %d times, %s", last, err, waited, time.Since(began))
		}
	})
}

// TestPersonEndsThePause: a new URL, enabling and a retry by hand do, by this process
// and by another; other changes don't.
func TestPersonEndsThePause(t *testing.T) {
	retry := func(w *world, s *store.Store) error {
		return s.RetryDelivery(w.t.Context(), "acme", w.all()[50].Key, time.Now())
	}
	for name, test := range map[string]struct {
		do   func(w *world, s *store.Store) error
		ends bool
	}{
		"retry":               {retry, true},
		"a new URL":           {changes(func(c *webhook.Config) { c.URL += "/new" }), true},
		"a new URL of a type": {changes(func(c *webhook.Config) { c.SetRoute("order", "paid", "https://other.example.com/") }), true},
		"enabling": {func(w *world, s *store.Store) error {
			return errors.Join(changes(func(c *webhook.Config) { c.Disabled = true })(w, s), changes(func(c *webhook.Config) { c.Disabled = false })(w, s))
		}, true},
		"a limit":           {changes(func(c *webhook.Config) { c.Limits.Rate = 1000 }), false},
		"enabled all along": {changes(func(c *webhook.Config) { c.Disabled = false }), false},
		"another event":     {func(w *world, s *store.Store) error { w.publish(s, "another", ""); return nil }, false},
	} {
		for _, elsewhere := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " elsewhere ", elsewhere), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, b, asked := floored(t, http.StatusServiceUnavailable)
					defer w.close()
					b.set(http.StatusServiceUnavailable, "", 0)
					s := w.store
					if elsewhere {
						s = w.openStore()
					}
					if err := test.do(w, s); err != nil {
						t.Fatal(err)
					}
					if elsewhere {
						if err := s.Close(); err != nil {
							t.Fatal(err)
						}
						w.store.Peek()
					}
					pass(10 * time.Second)
					if n := w.since(asked); (n > 90) != test.ends || !test.ends && n > 0 {
						t.Errorf("%d requests came within the pause", n)
					}
					pass(2 * time.Minute)
					if n := w.since(asked); n < 100 {
						t.Errorf("%d requests came after the pause, not all", n)
					}
				})
			})
		}
	}
}

func changes(how func(*webhook.Config)) func(*world, *store.Store) error {
	return func(w *world, s *store.Store) error {
		other := *w
		other.store = s
		other.change("orders", how)
		return nil
	}
}

// TestFloorIsNoWriteAnEvent: the pause of a webhook with many deliveries costs a
// write for each answer that asks for one, and none for those that wait.
func TestFloorIsNoWriteAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{status: http.StatusTooManyRequests, pause: "60"}
		w := &world{t: t, path: filepath.Join(t.TempDir(), "sealpost.db"), opts: deliver.Options{Policy: exact()}, to: &receivers{answer: b.answer}}
		w.store = w.openStore()
		var rows atomic.Int64
		w.store.Measure(func(_, n int, _ time.Duration) { rows.Add(int64(n)) })
		w.start()
		defer w.close()
		w.create("orders")
		for n := range 100 {
			w.publish(w.store, fmt.Sprint("evt-", n), "")
		}
		pass(time.Second)
		before := rows.Load()
		pass(10 * time.Minute) // the pause is asked for anew each minute
		if n, requests := rows.Load()-before, w.since(time.Now().Add(-10*time.Minute)); n > int64(requests)*6 || requests > 11 {
			t.Errorf("%d rows were written in ten minutes, with %d requests", n, requests)
		}
	})
}

// TestDisablingRule: a webhook is disabled when a delivery dies, if its first failure
// since the last success is long enough ago and at least five attempts failed since,
// in at least three clock hours.
func TestDisablingRule(t *testing.T) {
	const long = 5 * 24 * time.Hour
	fails := func(*world) {}
	for name, test := range map[string]struct {
		pauses  []time.Duration // between events, each of which dies at once
		err     error           // instead of an answer
		other   bool            // another webhook works all the time
		between func(*world)    // before the last event
		ends    bool
	}{
		"one death, a long silence, another":   {pauses: []time.Duration{0, 2 * long}, ends: false},
		"five failures in two hours":           {pauses: []time.Duration{0, 0, 0, 2 * long, 0}, ends: false},
		"four failures in four hours":          {pauses: []time.Duration{0, time.Hour, time.Hour, 2 * long}, ends: false},
		"five failures in three hours":         {pauses: []time.Duration{0, 0, time.Hour, 0, long}, ends: true},
		"not long enough":                      {pauses: []time.Duration{0, time.Hour, time.Hour, time.Hour, long - 4*time.Hour}, ends: false},
		"a restart in between":                 {pauses: []time.Duration{0, 0, time.Hour, 0, long}, between: func(w *world) { w.stop(); w.start() }, ends: true},
		"enabling clears":                      {pauses: []time.Duration{0, 0, time.Hour, 0, long}, between: func(w *world) { changesAll(w) }, ends: false},
		"no descriptors":                       {pauses: []time.Duration{0, 0, time.Hour, time.Hour, long}, err: errDescriptors, ends: false},
		"no name resolves":                     {pauses: []time.Duration{0, 0, time.Hour, time.Hour, long}, err: errNoName, ends: false},
		"this name alone does not resolve":     {pauses: []time.Duration{0, 0, time.Hour, time.Hour, long}, err: errNoName, other: true, ends: true},
		"the network fails, and names resolve": {pauses: []time.Duration{0, 0, time.Hour, time.Hour, long}, err: errRefused, ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told atomic.Int64
				w := newWorld(t, deliver.Options{Policy: webhook.RetryPolicy{}, DisableAfter: long,
					Disabled: func(r *webhook.Receiver, o *webhook.Outcome) {
						if r.Name == "orders" && o.Disabled != "" {
							told.Add(1)
						}
					}}, func(r *http.Request, _ int) (int, http.Header, error) {
					if r.URL.Host == "other.example.com" {
						return http.StatusOK, nil, nil
					}
					return http.StatusInternalServerError, nil, test.err
				})
				defer w.close()
				if test.other {
					w.create("other")
				}
				w.create("orders")
				if test.between == nil {
					test.between = fails
				}
				for n, pause := range test.pauses {
					pass(pause)
					if n == len(test.pauses)-1 {
						test.between(w)
					}
					if test.other {
						w.publish(w.store, fmt.Sprint("other-", n), "", "other")
						pass(time.Second)
					}
					w.publish(w.store, fmt.Sprint("evt-", n), "", "orders")
					pass(time.Second)
				}
				synctest.Wait()
				for _, hook := range w.webhooks() {
					if hook.Name == "orders" && (hook.Disabled != test.ends || (told.Load() == 1) != test.ends) {
						t.Errorf("disabled: %v (%s), told %d times, after %+v", hook.Disabled, hook.DisabledWhy, told.Load(), hook.Health)
					}
				}
			})
		})
	}
}

var (
	errDescriptors = &net.OpError{Op: "dial", Err: syscall.EMFILE}
	errNoName      = &net.DNSError{Err: "no such host", Name: "orders.example.com", IsNotFound: true}
	errRefused     = &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
)

func changesAll(w *world) {
	w.change("orders", func(c *webhook.Config) { c.Disabled = true })
	w.change("orders", func(c *webhook.Config) { c.Disabled = false })
}

// TestSuccessClearsTheCounts: the counts begin anew after a success.
func TestSuccessClearsTheCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var well atomic.Bool
		w := newWorld(t, deliver.Options{Policy: webhook.RetryPolicy{}, DisableAfter: time.Hour}, func(*http.Request, int) (int, http.Header, error) {
			if well.Load() {
				return http.StatusOK, nil, nil
			}
			return http.StatusInternalServerError, nil, nil
		})
		defer w.close()
		w.create("orders")
		for n := range 4 {
			w.publish(w.store, fmt.Sprint("fails-", n), "")
			pass(time.Hour)
		}
		well.Store(true)
		w.publish(w.store, "succeeds", "")
		pass(time.Hour)
		well.Store(false)
		w.publish(w.store, "fails again", "")
		pass(time.Hour)
		if hook := w.webhooks()[0]; hook.Disabled || hook.Health.Failures != 1 || hook.Health.Hours != 1 {
			t.Errorf("%v, %+v", hook.Disabled, hook.Health)
		}
	})
}
