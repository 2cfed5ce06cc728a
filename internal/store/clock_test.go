package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestClockIsSetUnderAHold: a clock that was a day ahead gives an event up that
// waits for its receipt, and it is sent once all the same when that comes.
func TestClockIsSetUnderAHold(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "orders", URL: "u"})
	held := awaited(t, "held", "t-1", hashOf("a"))
	held.HoldUntil = now.Add(12 * time.Hour)
	publish(t, s, held, "orders")
	for _, jump := range []struct {
		to      time.Duration
		expires int
	}{{-time.Hour, 0}, {24 * time.Hour, 1}, {time.Hour, 0}, {13 * time.Hour, 0}} {
		if n, err := s.Expire(t.Context(), now.Add(jump.to)); err != nil || n != jump.expires {
			t.Errorf("set to %s, %d events expire, not %d (%v)", jump.to, n, jump.expires, err)
		}
	}
	prune(t, s, store.Retention{Events: month}, now.Add(24*time.Hour))
	for range 2 {
		if err := s.Attach(t.Context(), "acme", "held", outcome(hashOf("a"), false), now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	found, _, err := s.Deliveries(t.Context(), webhook.DeliveryQuery{Organization: "acme"})
	if err != nil || len(found) != 1 {
		t.Errorf("%d deliveries come of it (%v)", len(found), err)
	}
}

// TestClockIsSetUnderRetention: a clock that was ahead takes what ended earlier
// by as much, and no work; what it accepted itself holds nobody up when it is
// right again, and stays until its own time has come.
func TestClockIsSetUnderRetention(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "orders", URL: "u"})
	const year = 365 * 24 * time.Hour
	ids := []string{"before", "ahead", "after", "pending"}
	for n, at := range []time.Time{now, now.Add(year), now.Add(time.Hour), now.Add(time.Hour)} {
		e := event(t, ids[n], `{}`)
		e.At = at
		key := publish(t, s, e, "orders").Deliveries[0]
		if ids[n] != "pending" {
			finish(t, s, key.Webhook, webhook.Delivered, at)
		}
	}
	keep := store.Retention{Bodies: month, Attempts: month, Events: month}
	for _, sweep := range []struct {
		at     time.Duration
		pruned int
	}{{-time.Hour, 0}, {month, 0}, {month + 24*time.Hour, 2}, {month - time.Hour, 0}, {year + month + time.Hour, 1}} {
		if p := prune(t, s, keep, now.Add(sweep.at)); p.Events != sweep.pruned {
			t.Errorf("at %s %d events are pruned, not %d", sweep.at, p.Events, sweep.pruned)
		}
	}
	for _, id := range ids {
		e, err := s.Event(t.Context(), "acme", id)
		if err != nil || e.Pruned != (id != "pending") {
			t.Errorf("%s is pruned: %t (%v)", id, e.Pruned, err)
		}
	}
}

// TestSessionMadeFarAhead: it is forgotten, so that it doesn't begin to count
// when its time has come.
func TestSessionMadeFarAhead(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	for n, made := range []time.Time{now, now.Add(24 * time.Hour), now.Add(365 * 24 * time.Hour)} {
		session, _ := access.NewSession("", made)
		session.Digest = access.Digest{byte(n)}
		if _, err := s.AddSession(t.Context(), access.User{ID: "u", Created: now}, session); err != nil {
			t.Fatal(err)
		}
		if gone, err := s.Tidy(t.Context(), now); err != nil || gone != int64(n/2) {
			t.Errorf("%d sessions are forgotten (%v)", gone, err)
		}
	}
}
