package deliver_test

import (
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

// TestLineIsServedInOrder: lanes that wait for room get it in the order in which
// they came, whatever is known of their receivers.
func TestLineIsServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := exact()
		late.Base = 12 * time.Hour
		w := newWorld(t, deliver.Options{Policy: late, MaxInFlight: 1}, func(r *http.Request, n int) (int, http.Header, error) {
			switch {
			case strings.HasPrefix(r.URL.Host, "fails") && n == 1:
				return http.StatusInternalServerError, nil, nil
			case strings.HasPrefix(r.URL.Host, "holds"):
				pass(time.Minute)
			}
			return http.StatusOK, nil, nil
		})
		defer w.close()
		came := []string{"works-2", "fails-1", "new-3", "new-1", "works-1", "fails-3", "works-3", "new-2", "fails-2"}
		for _, name := range append([]string{"holds"}, slices.Sorted(slices.Values(came))...) {
			w.create(name)
			if !strings.HasPrefix(name, "new") && name != "holds" {
				w.publish(w.store, "first-"+name, "", name)
				pass(time.Second)
			}
		}
		before := len(w.to.requests())
		for n, name := range append([]string{"holds"}, came...) {
			w.publish(w.store, fmt.Sprint("evt-", n), "", name)
			pass(time.Second)
		}
		if n := len(w.to.requests()); n != before+1 {
			t.Fatalf("%d requests came while there was room for one", n-before)
		}
		pass(2 * time.Minute)
		synctest.Wait()
		var served []string
		for _, r := range w.to.requests()[before+1:] {
			name, _, _ := strings.Cut(r.host, ".")
			served = append(served, name)
		}
		if !slices.Equal(served, came) {
			t.Errorf("lanes were served as\n%v, and came as\n%v", served, came)
		}
	})
}

// TestBacklogStandsInLine: a lane that always has more to send does not keep the
// room that others wait for.
func TestBacklogStandsInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deliver.Options{Policy: exact(), MaxInFlight: 1}, func(*http.Request, int) (int, http.Header, error) {
			pass(time.Second)
			return http.StatusOK, nil, nil
		})
		defer w.close()
		w.create("much")
		w.create("little")
		for n := range 50 {
			w.publish(w.store, fmt.Sprint("much-", n), "", "much")
		}
		w.publish(w.store, "little", "", "little")
		pass(2 * time.Minute)
		at := slices.IndexFunc(w.to.requests(), func(r seen) bool { return r.id == "little" })
		if len(w.to.requests()) != 51 || at != 1 {
			t.Errorf("of %d requests the other webhook's was number %d, not the second", len(w.to.requests()), at+1)
		}
	})
}

// TestLineGoesOnBehindASleeper: a lane that falls asleep when its turn has come
// leaves its room to the next, though nothing else happens any more.
func TestLineGoesOnBehindASleeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, late := newStaleWorld(t, func(*http.Request, int) (int, http.Header, error) {
			pass(time.Minute)
			return http.StatusOK, nil, nil
		})
		defer w.close()
		w.engine = deliver.New(late, w.to, deliver.Options{Policy: exact(), MaxInFlight: 1})
		w.store.Notify(w.engine.Offer)
		if err := w.engine.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.create("sleeps")
		w.create("waits")
		for _, name := range []string{"orders", "sleeps", "waits"} {
			w.publish(w.store, name, "", name)
			pass(time.Second)
		}
		w.change("sleeps", func(c *webhook.Config) { c.Disabled = true })
		late.receiver.Store(true) // so that what came of the first one is on file before
		pass(time.Hour)
		if requests := w.to.requests(); len(requests) != 2 || requests[1].id != "waits" {
			t.Errorf("%d requests have come after an hour, not 2", len(requests))
		}
	})
}
