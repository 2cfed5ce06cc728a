package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// later are wishes of when to come again, each made once for each delivery.
var later = map[string]struct {
	status int
	value  func(now time.Time) string
	least  time.Duration // the next attempt comes no sooner
	parks  bool          // and not before most of a day has passed
}{
	"seconds":     {http.StatusTooManyRequests, fixed("2"), 2 * time.Second, false},
	"padded":      {http.StatusServiceUnavailable, fixed("  2 "), 2 * time.Second, false},
	"date":        {http.StatusServiceUnavailable, in(3*time.Second, http.TimeFormat), 2 * time.Second, false},
	"olddate":     {http.StatusTooManyRequests, in(3*time.Second, "Monday, 02-Jan-06 15:04:05 GMT"), 2 * time.Second, false},
	"past":        {http.StatusServiceUnavailable, in(-time.Hour, http.TimeFormat), 0, false},
	"zero":        {http.StatusTooManyRequests, fixed("0"), 0, false},
	"negative":    {http.StatusTooManyRequests, fixed("-86400"), 0, false},
	"fraction":    {http.StatusServiceUnavailable, fixed("3600.5"), 0, false},
	"hexadecimal": {http.StatusTooManyRequests, fixed("0xffff"), 0, false},
	"nonsense":    {http.StatusServiceUnavailable, fixed("soon, or never"), 0, false},
	"empty":       {http.StatusServiceUnavailable, fixed(""), 0, false},
	"another":     {http.StatusInternalServerError, fixed("3600"), 0, false}, // it counts on 429 and 503 alone
	"huge":        {http.StatusTooManyRequests, fixed("99999999999999999999999999"), 0, true},
	"century":     {http.StatusServiceUnavailable, fixed("3155760000"), 0, true},
	"future":      {http.StatusServiceUnavailable, in(100*365*24*time.Hour, http.TimeFormat), 0, true},
}

func fixed(value string) func(time.Time) string { return func(time.Time) string { return value } }

func in(d time.Duration, form string) func(time.Time) string {
	return func(now time.Time) string { return now.Add(d).UTC().Format(form) }
}

const (
	gone   = "gone"   // answers 410 until somebody enables it
	closed = "closed" // nobody listens there for a while
)

func laterNames() []string {
	list := []string{gone, closed}
	for name := range later {
		list = append(list, name)
	}
	return list
}

// wait sends events to receivers that say when to come again, or that they are
// gone, or nothing since they are not there.
func wait(ctx context.Context, w *world) error {
	for name, wish := range later {
		w.receiver.behave(name, first(1, func(n int, rw http.ResponseWriter, r *http.Request) int {
			return status(wish.status, "Retry-After", wish.value(time.Now()))(n, rw, r)
		}))
	}
	var back atomic.Bool
	w.receiver.behave(gone, func(n int, rw http.ResponseWriter, r *http.Request) int {
		if back.Load() {
			return http.StatusOK
		}
		return status(http.StatusGone)(n, rw, r)
	})
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := errors.Join(nobody.Close(), w.json(ctx, nil, "webhook", "update", closed, "--url", "http://"+nobody.Addr().String()+"/"+closed)); err != nil {
		return err
	}
	if err := w.start(ctx); err != nil {
		return err
	}
	if n := w.client.many(eventsOfEach); n != eventsOfEach {
		return fmt.Errorf("only %d of %d events were taken", n, eventsOfEach)
	}
	if err := w.attempted(ctx, closed, 1); err != nil {
		return err
	}
	opens, err := net.Listen("tcp", nobody.Addr().String())
	if err != nil {
		return err
	}
	defer opens.Close() //nolint:errcheck // the server closes it too
	web := &http.Server{Handler: w.receiver, ReadHeaderTimeout: time.Minute}
	defer web.Close()                    //nolint:errcheck // the scenario is over
	go func() { _ = web.Serve(opens) }() // until it is closed
	var faults []error
	for name, wish := range later {
		if wish.parks {
			faults = append(faults, w.tomorrow(ctx, name))
		}
	}
	faults = append(faults, w.attempted(ctx, gone, 0))
	parked, err := w.told(gone)
	faults = append(faults, err)
	for _, d := range parked {
		if d.State != "parked" || len(d.Attempts) > 1 {
			faults = append(faults, fmt.Errorf("at a receiver that is gone a delivery is %s after %d attempts", d.State, len(d.Attempts)))
		}
	}
	back.Store(true)
	faults = append(faults, w.json(ctx, nil, "webhook", "update", gone, "--enable"), w.rest(ctx))
	for name, wish := range later {
		faults = append(faults, w.expect(name, fmt.Sprint(wish.status), "delivered"), w.patient(name, wish.least))
	}
	faults = append(faults, w.expect(closed, "connection_refused", "delivered"))
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return end(ctx, w)
}

// attempted waits until each of a webhook's deliveries has had so many
// attempts; with none, until it is not pending any more.
func (w *world) attempted(ctx context.Context, webhook string, attempts int) error {
	err := until(ctx, patience, func() (bool, error) {
		found, err := w.told(webhook)
		yes := len(found) == eventsOfEach
		for _, d := range found {
			yes = yes && len(d.Attempts) >= attempts && (attempts > 0 || d.State != "pending")
		}
		return yes, err
	})
	if err != nil {
		return fmt.Errorf("%d attempts at %s: %w", attempts, webhook, err)
	}
	return nil
}

// tomorrow wants what a receiver has put off to be due in a day, and no later. It
// has deliveries tried again by hand, which ends the pause of the webhook each time,
// until all are delivered: the next one to be tried may be put off like the first.
func (w *world) tomorrow(ctx context.Context, webhook string) error {
	return until(ctx, 2*patience, func() (bool, error) {
		found, err := w.told(webhook)
		delivered := 0
		for _, d := range found {
			switch wait := time.Until(d.Next); {
			case err != nil:
				return false, err
			case d.State == "delivered":
				delivered++
			case d.State != "pending" || len(d.Attempts) != 1:
			case wait > 24*time.Hour || wait > 0 && wait < 23*time.Hour:
				return false, breach("schedule", "%s: a delivery is due in %s", webhook, wait)
			default:
				if err = w.json(ctx, nil, "delivery", "retry", d.ID); err != nil && strings.Contains(err.Error(), `"code":"conflict"`) {
					err = nil // it has been delivered meanwhile
				}
			}
		}
		pass(ctx, 2*policy.Base) // the judge knows nothing of hands
		return delivered == eventsOfEach, err
	})
}

// patient wants a webhook's second attempts to have come no sooner than asked.
func (w *world) patient(webhook string, least time.Duration) error {
	last := map[string]time.Time{}
	for _, r := range w.receiver.log() {
		if r.Webhook != webhook {
			continue
		}
		if before, again := last[r.ID]; again && r.At.Sub(before) < least {
			return fmt.Errorf("%s asked for %s, and was called again after %s", webhook, least, r.At.Sub(before))
		}
		last[r.ID] = r.At
	}
	return nil
}
