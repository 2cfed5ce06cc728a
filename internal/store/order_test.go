package store_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/webhook"
)

// TestNothingOvertakesReleased: what comes of a transaction after a released
// event, which the engine finds by its time, is found behind it, for as long as
// that one has not been tried.
func TestNothingOvertakesReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, filepath.Join(t.TempDir(), "s.db"))
		create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
		var offered []string
		s.Notify(func(c webhook.Committed) {
			for _, work := range c.Work {
				offered = append(offered, work.EventID)
			}
		})
		x := publish(t, s, spend(t, "earlier", "tx"), "x").Deliveries[0].Webhook
		finish(t, s, x, webhook.Delivered, now)
		publish(t, s, awaited(t, "held", "tx", hashOf("a")), "x")
		publish(t, s, spend(t, "behind", "tx"), "x")
		later := now.Add(time.Minute)
		if err := s.Attach(t.Context(), "acme", "held", outcome(hashOf("a"), false), later); err != nil {
			t.Fatal(err)
		}
		for n, id := range []string{"set-back", "later"} { // by a clock that was set back, too
			p := spend(t, id, "tx")
			p.At = now.Add(time.Duration(n) * time.Hour)
			publish(t, s, p, "x")
		}
		publish(t, s, spend(t, "another", "tx-2"), "x")
		publish(t, s, event(t, "none", `{}`), "x")
		want := func(when string, due ...string) {
			t.Helper()
			works, err := s.Due(t.Context(), x, now.Add(2*time.Hour), 10)
			var found []string
			for _, work := range works {
				found = append(found, work.EventID)
			}
			if err != nil || !slices.Equal(found, due) {
				t.Errorf("%s %v are due, not %v (%v)", when, found, due, err)
			}
		}
		want("at first", "held", "behind", "set-back", "later")
		for range 2 { // of those that go by their number
			finish(t, s, x, webhook.Delivered, later)
		}
		for range 3 {
			finish(t, s, x, webhook.Pending, later.Add(time.Hour))
		}
		publish(t, s, spend(t, "last-but-one", "tx"), "x")
		want("before the retries", "later", "last-but-one", "held", "behind", "set-back")
		for range 5 {
			finish(t, s, x, webhook.Delivered, later.Add(time.Hour))
		}
		publish(t, s, spend(t, "last", "tx"), "x")
		want("in the end")
		synctest.Wait()
		if all := []string{"earlier", "another", "none", "last"}; !slices.Equal(offered, all) {
			t.Errorf("%v went by their number, not %v", offered, all)
		}
	})
}

// TestManyReleased: where more was released than is compared, everything of a
// transaction lines up.
func TestManyReleased(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	batch := []webhook.Publication{awaited(t, "held", "tx", hashOf("a"))}
	for n := range 255 {
		batch = append(batch, spend(t, fmt.Sprint("behind-", n), "tx"))
	}
	if _, err := s.Publish(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if err := s.Attach(t.Context(), "acme", "held", outcome(hashOf("a"), false), now); err != nil {
		t.Fatal(err)
	}
	x := publish(t, s, spend(t, "another", "tx-2"), "x").Deliveries[0].Webhook
	publish(t, s, event(t, "none", `{}`), "x")
	due, err := s.Due(t.Context(), x, now, 1000)
	if err != nil || len(due) != 257 || due[256].EventID != "another" {
		t.Errorf("%d are due, and not the one that came last of a transaction (%v)", len(due), err)
	}
}
