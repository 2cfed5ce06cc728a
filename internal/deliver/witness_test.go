package deliver_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
)

// witness is the receivers: it answers as a story wants it, and counts.
type witness struct {
	mu    sync.Mutex
	how   map[string]string // by host
	tally map[string]*tally // by host and event
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
	waits    []time.Duration // from an answer to the next request
}

func newWitness() *witness {
	return &witness{how: make(map[string]string), tally: make(map[string]*tally)}
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
	how, count := w.arrived(host, r.Header.Get("webhook-id"))
	status, err := http.StatusOK, error(nil)
	switch how {
	case "fails":
		status = http.StatusInternalServerError
	case "gone":
		status = http.StatusGone
	case "slow":
		err = after(r.Context(), 5*time.Second)
	case "hangs":
		err = after(r.Context(), time.Hour)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	count.under--
	count.last = time.Now()
	if count.answered.IsZero() {
		count.answered = count.last
	}
	if err == nil && status == http.StatusOK {
		count.well++
	}
	return status, nil, err
}

// arrived counts a request and says how to answer it.
func (w *witness) arrived(host, id string) (how string, count *tally) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := host + " " + id
	if count = w.tally[key]; count == nil {
		count = new(tally)
		w.tally[key] = count
	}
	now := time.Now()
	if count.requests == 0 {
		count.first = now
	} else {
		count.waits = append(count.waits, now.Sub(count.last))
	}
	count.requests++
	count.under++
	count.atOnce = max(count.atOnce, count.under)
	return w.how[host], count
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
