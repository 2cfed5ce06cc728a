package deliver_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"sealpost/internal/webhook"
)

// witness is the receivers: it answers as a story wants it, and counts.
type witness struct {
	mu    sync.Mutex
	how   map[string]string    // by webhook
	tally map[string]*tally    // by webhook and event
	came  map[string]time.Time // the latest attempt, by webhook
	under map[string]int       // attempts under way, by host
	most  map[string]int       // the most of those

	pauses map[string]*pause // by webhook
	policy webhook.RetryPolicy
}

// tally is what a receiver saw of one event.
type tally struct {
	requests int
	well     int             // of those, answered with success
	under    int             // under way
	atOnce   int             // the most of those
	first    time.Time       // when the first one came
	answered time.Time       // and when it was answered
	last     time.Time       // when the latest one was answered
	asks     time.Duration   // and for which pause it asked
	waits    []time.Duration // from an answer to the next request
}

func newWitness() *witness {
	return &witness{how: make(map[string]string), tally: make(map[string]*tally), came: make(map[string]time.Time),
		under: make(map[string]int), most: make(map[string]int), pauses: make(map[string]*pause)}
}

func (w *witness) set(host, how string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.how[host] = how
}

// of tells what a host saw of an event.
func (w *witness) of(host, id string) tally {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t := w.tally[host+" "+id]; t != nil {
		return *t
	}
	return tally{}
}

func (w *witness) answer(r *http.Request, _ int) (int, http.Header, error) {
	host, _, _ := strings.Cut(r.URL.Host, ".")
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	id := r.Header.Get("webhook-id")
	how, count := w.arrived(host, name, id)
	status, asks, err := http.StatusOK, time.Duration(0), error(nil)
	switch how {
	case "fails":
		status = http.StatusInternalServerError
	case "gone":
		status = http.StatusGone
	case "asks for a minute":
		status, asks, err = http.StatusTooManyRequests, time.Minute, after(r.Context(), 20*time.Millisecond)
	case "asks for hours":
		status, asks, err = http.StatusServiceUnavailable, 2*time.Hour, after(r.Context(), 20*time.Millisecond)
	case "slow":
		err = after(r.Context(), 5*time.Second)
	case "hangs":
		err = after(r.Context(), time.Hour)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.under[host]--
	w.pauseOf(name).answered(id, time.Now(), asks, err)
	count.under--
	count.last, count.asks = time.Now(), asks
	if count.answered.IsZero() {
		count.answered = count.last
	}
	if err == nil && status == http.StatusOK {
		count.well++
	}
	return status, seconds(asks), err
}

// arrived counts a request and says how to answer it.
func (w *witness) arrived(host, name, id string) (how string, count *tally) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := name + " " + id
	if count = w.tally[key]; count == nil {
		count = new(tally)
		w.tally[key] = count
	}
	now := time.Now()
	var due []string
	if w.pauseOf(name).alone {
		due = w.due(name, id, now)
	}
	if count.requests == 0 {
		count.first = now
	} else {
		count.waits = append(count.waits, now.Sub(count.last))
	}
	count.requests++
	count.under++
	count.atOnce = max(count.atOnce, count.under)
	w.came[name] = now
	w.under[host]++
	w.most[host] = max(w.most[host], w.under[host])
	w.pauseOf(name).arrives(name, id, now, due)
	return w.how[name], count
}

// after is a receiver that takes so long, unless the request is cut.
func after(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
