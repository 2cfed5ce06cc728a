package deliver_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// crowd answers for receivers of which some hang, and keeps count of who has
// requests open.
type crowd struct {
	mu    sync.Mutex
	hangs bool // those whose name says so
	open  map[string]int
	most  map[string]int // open at a time, by receiver
	all   int
	peak  int // open at a time, of those that hang
}

func newCrowd(hangs bool) *crowd {
	return &crowd{hangs: hangs, open: make(map[string]int), most: make(map[string]int)}
}

func (c *crowd) answer(r *http.Request, _ int) (int, http.Header, error) {
	name, _, _ := strings.Cut(r.URL.Host, ".")
	c.mu.Lock()
	hangs := c.hangs && strings.HasPrefix(name, "hangs")
	c.open[name]++
	c.most[name] = max(c.most[name], c.open[name])
	if hangs {
		c.all++
		c.peak = max(c.peak, c.all)
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.open[name]--
		if hangs {
			c.all--
		}
	}()
	if hangs {
		<-r.Context().Done()
		return 0, nil, r.Context().Err()
	}
	pass(10 * time.Millisecond)
	return http.StatusOK, nil, nil
}

func (c *crowd) hang() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hangs = true
}

// counts says how often each receiver was called.
func (w *world) counts() map[string]int {
	counts := map[string]int{}
	for _, r := range w.to.requests() {
		name, _, _ := strings.Cut(r.host, ".")
		counts[name]++
	}
	return counts
}

// TestReceiversThatNeverAnswered: many more of them than there is room for
// requests leave a quarter of it, so that a receiver which works is served while
// all of them hang; and all of them get their turn.
func TestReceiversThatNeverAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const room, many = 64, 150
		c := newCrowd(true)
		w := newWorld(t, deliver.Options{Policy: exact(), Timeout: time.Minute, MaxInFlight: room}, c.answer)
		defer w.close()
		w.create("healthy")
		w.publish(w.store, "evt-first", "tx-first")
		pass(time.Second)
		for n := range many {
			w.create(fmt.Sprintf("hangs-%d", n))
		}
		for n := range 3 {
			w.publish(w.store, fmt.Sprintf("evt-%d", n), fmt.Sprintf("tx-%d", n))
		}
		pass(30 * time.Second) // nobody has run out yet
		if n := w.counts()["healthy"]; n != 4 {
			t.Errorf("%d of 4 deliveries to the healthy one while others hang", n)
		}
		c.mu.Lock()
		if c.peak != room*3/4 {
			t.Errorf("%d requests to receivers that nobody knows were open at a time, not %d", c.peak, room*3/4)
		}
		c.mu.Unlock()
		pass(10 * time.Minute)
		counts := w.counts()
		c.mu.Lock()
		defer c.mu.Unlock()
		for n := range many {
			if name := fmt.Sprintf("hangs-%d", n); counts[name] == 0 || c.most[name] != 1 {
				t.Errorf("%s was called %d times, %d at a time", name, counts[name], c.most[name])
			}
		}
	})
}

// TestReceiversThatHangAtOnce: receivers that worked, and had wide windows
// because of it, all hang. What they take shrinks as the room does, long before
// their attempts run out.
func TestReceiversThatHangAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const room, many = 96, 16
		c := newCrowd(false)
		w := newWorld(t, deliver.Options{Policy: exact(), Timeout: time.Minute, MaxInFlight: room}, c.answer)
		defer w.close()
		w.create("healthy")
		for n := range many {
			w.create(fmt.Sprintf("hangs-%d", n))
		}
		for n := range 60 { // windows grow
			w.publish(w.store, fmt.Sprintf("before-%d", n), fmt.Sprintf("tx-%d", n))
		}
		pass(time.Minute)
		c.hang()
		for n := range 60 {
			w.publish(w.store, fmt.Sprintf("after-%d", n), fmt.Sprintf("ty-%d", n))
		}
		pass(30 * time.Second)
		if n := w.counts()["healthy"]; n != 120 {
			t.Errorf("%d of 120 deliveries to the healthy one while others hang", n)
		}
		c.mu.Lock()
		if c.peak < room/2 || c.peak >= room {
			t.Errorf("%d of %d requests were open at a time to those that hang", c.peak, room)
		}
		c.mu.Unlock()
		pass(10 * time.Minute)
		for n := range many {
			if name := fmt.Sprintf("hangs-%d", n); w.counts()[name] <= 60 {
				t.Errorf("%s was not called any more", name)
			}
		}
	})
}

// TestLimitsOfAWebhook: a webhook's own limits hold, whatever it could take.
func TestLimitsOfAWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(false)
		w := newWorld(t, deliver.Options{Policy: exact()}, c.answer)
		defer w.close()
		for name, limits := range map[string]webhook.Limits{"narrow": {MaxInFlight: 3}, "paced": {Rate: 5}, "wide": {}} {
			config := webhook.Config{Name: name, URL: "https://" + name + ".example.com/hook", Limits: limits}
			if err := w.store.CreateWebhook(t.Context(), "acme", config, secret.Generate(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		const events = 100
		for n := range events {
			w.publish(w.store, fmt.Sprintf("evt-%d", n), fmt.Sprintf("tx-%d", n))
		}
		pass(time.Minute)
		for name, n := range w.counts() {
			if n != events {
				t.Errorf("%s was called %d times, not %d", name, n, events)
			}
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.most["narrow"] != 3 || c.most["wide"] != 32 {
			t.Errorf("%d and %d requests were open at a time, not 3 and 32", c.most["narrow"], c.most["wide"])
		}
		var last time.Time
		for _, r := range w.to.requests() {
			if strings.HasPrefix(r.host, "paced") {
				if gap := r.at.Sub(last); gap < 200*time.Millisecond {
					t.Errorf("two requests came within %s, at 5 a second", gap)
				}
				last = r.at
			}
		}
	})
}

// TestRateBesideALateRetry: a retry that is due in an hour does not keep a paced
// webhook from what it may have every second.
func TestRateBesideALateRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := exact()
		late.Base = time.Hour
		w := newWorld(t, deliver.Options{Policy: late}, func(_ *http.Request, n int) (int, http.Header, error) {
			if n == 1 {
				return http.StatusInternalServerError, nil, nil
			}
			return http.StatusOK, nil, nil
		})
		defer w.close()
		config := webhook.Config{Name: "paced", URL: "https://paced.example.com/hook", Limits: webhook.Limits{Rate: 1}}
		if err := w.store.CreateWebhook(t.Context(), "acme", config, secret.Generate(), time.Now()); err != nil {
			t.Fatal(err)
		}
		for n := range 20 {
			w.publish(w.store, fmt.Sprintf("evt-%d", n), fmt.Sprintf("tx-%d", n))
		}
		pass(25 * time.Second)
		if n := len(w.to.requests()); n != 20 {
			t.Errorf("%d of 20 requests at one a second came within 25 seconds", n)
		}
		pass(time.Hour)
		if n := len(w.to.requests()); n != 21 {
			t.Errorf("%d requests, not 21 with the retry", n)
		}
	})
}

// TestFailingReceiverIsProbed: one that keeps failing gets one request at a time,
// and all that it can take once it has recovered.
func TestFailingReceiverIsProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		fails, open, most := true, 0, 0
		w := newWorld(t, deliver.Options{Policy: exact()}, func(*http.Request, int) (int, http.Header, error) {
			mu.Lock()
			open++
			most = max(most, open)
			status := http.StatusOK
			if fails {
				status = http.StatusBadGateway
			}
			mu.Unlock()
			pass(100 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			open--
			return status, nil, nil
		})
		defer w.close()
		w.create("orders")
		for n := range 40 {
			w.publish(w.store, fmt.Sprintf("evt-%d", n), fmt.Sprintf("tx-%d", n))
		}
		pass(10 * time.Minute)
		mu.Lock()
		if most != 1 {
			t.Errorf("%d requests at a time to one that only ever failed", most)
		}
		fails = false
		mu.Unlock()
		for n := range 200 {
			w.publish(w.store, fmt.Sprintf("later-%d", n), fmt.Sprintf("tx-%d", n))
		}
		pass(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if most != 32 {
			t.Errorf("%d requests at a time, not 32, to one that has recovered", most)
		}
		fails = true
		mu.Unlock()
		for n := range 80 {
			if n == 40 { // it is known to fail again
				pass(time.Minute)
				mu.Lock()
				most = 0
				mu.Unlock()
			}
			w.publish(w.store, fmt.Sprintf("again-%d", n), fmt.Sprintf("tx-%d", n))
		}
		pass(time.Minute)
		mu.Lock()
		if most != 1 {
			t.Errorf("%d requests at a time to one that keeps failing", most)
		}
	})
}

// asked counts what the engine asks the store about one delivery.
type asked struct {
	deliver.Store
	claims, receivers atomic.Int64
}

func (a *asked) Claimed(ctx context.Context, key webhook.DeliveryKey, claim int64) (bool, error) {
	a.claims.Add(1)
	return a.Store.Claimed(ctx, key, claim)
}

func (a *asked) Receiver(ctx context.Context, seq int64) (*webhook.Receiver, error) {
	a.receivers.Add(1)
	return a.Store.Receiver(ctx, seq)
}

// TestNothingIsReadForAnEvent: once a receiver is known, an event that comes by
// the engine's own process is delivered without asking the file anything, also
// after something has changed: a thousand lanes that read would be ahead of it.
func TestNothingIsReadForAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deliver.Options{Policy: exact()}, always(200))
		defer w.close()
		w.stop()
		counts := &asked{Store: w.store}
		w.engine = deliver.New(counts, w.to, w.opts)
		w.store.Notify(w.engine.Offer)
		if err := w.engine.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.create("orders") // a change
		for n := range 20 {
			w.publish(w.store, fmt.Sprintf("evt-%d", n), fmt.Sprintf("tx-%d", n))
			pass(time.Second)
		}
		if len(w.to.requests()) != 20 || counts.receivers.Load() != 1 || counts.claims.Load() != 0 {
			t.Errorf("%d of 20 events came; receivers were read %d times, claims %d times", len(w.to.requests()), counts.receivers.Load(), counts.claims.Load())
		}
	})
}
