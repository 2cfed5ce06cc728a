package store_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"sealpost/internal/webhook"
)

// TestOutcomeOfNoKnownState: an outcome that can't be recorded is an error and
// changes nothing, whatever else comes with it. It never makes a delivery pending
// and due at once.
func TestOutcomeOfNoKnownState(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "orders", URL: "u"})
	results, err := s.Publish(t.Context(), []webhook.Publication{event(t, "one", `{}`), event(t, "two", `{}`)})
	if err != nil {
		t.Fatal(err)
	}
	outcome := func(n int, state webhook.DeliveryState) *webhook.Outcome {
		return &webhook.Outcome{Work: &webhook.Work{Key: results[n].Deliveries[0]}, State: state, Attempt: webhook.Attempt{N: 1, At: now, Status: 500}}
	}
	for _, bad := range []*webhook.Outcome{
		outcome(0, ""), outcome(0, "delivering"), outcome(0, "Dead"), outcome(0, webhook.Parked), outcome(0, webhook.Cancelled),
		outcome(0, webhook.Pending), // no time for the next attempt
	} {
		stale, err := s.Finish(t.Context(), []*webhook.Outcome{outcome(1, webhook.Delivered), bad})
		if webhook.CodeOf(err) != webhook.CodeInternal || len(stale) > 0 {
			t.Errorf("%q is recorded: %v, %d stale", bad.State, err, len(stale))
		}
	}
	for n := range results {
		d, err := s.Delivery(t.Context(), "acme", results[n].Deliveries[0])
		if err != nil || d.State != webhook.Pending || d.Count != 0 || !d.Due.IsZero() {
			t.Errorf("delivery %d is %s after %d attempts, due %s (%v)", n, d.State, d.Count, d.Due, err)
		}
	}
	if stale, err := s.Finish(t.Context(), []*webhook.Outcome{outcome(0, webhook.Dead), outcome(1, webhook.Delivered)}); err != nil || len(stale) > 0 {
		t.Errorf("%v, %d stale", err, len(stale))
	}
}

// TestStoredStateIsNotKnown: nobody brings back to life by hand what a newer
// program has put into a state of its own.
func TestStoredStateIsNotKnown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	create(t, s, "acme", webhook.Config{Name: "orders", URL: "u"})
	results, err := s.Publish(t.Context(), []webhook.Publication{event(t, "one", `{}`)})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	for _, state := range []int{4, 77, -1} {
		if _, err := db.Exec(`UPDATE delivery SET state = ?`, state); err != nil {
			t.Fatal(err)
		}
		key := results[0].Deliveries[0]
		if err := s.RetryDelivery(t.Context(), "acme", key, now); webhook.CodeOf(err) != webhook.CodeConflict {
			t.Errorf("retry in state %d: %v", state, err)
		}
		if err := s.CancelDelivery(t.Context(), "acme", key); webhook.CodeOf(err) != webhook.CodeConflict {
			t.Errorf("cancel in state %d: %v", state, err)
		}
		d, err := s.Delivery(t.Context(), "acme", key)
		if err != nil || d.State != webhook.Dead || !strings.Contains(d.Reason, "does not know") {
			t.Errorf("state %d is shown as %s: %s (%v)", state, d.State, d.Reason, err)
		}
		var stored int
		if err := db.QueryRow(`SELECT state FROM delivery`).Scan(&stored); err != nil || stored != state {
			t.Errorf("the state %d has become %d (%v)", state, stored, err)
		}
	}
}

func TestFinishCountsOnlyUnderItsClaim(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	var works []*webhook.Work
	s.Notify(func(c webhook.Committed) { works = append(works, c.Work...) })
	results, err := s.Publish(t.Context(), []webhook.Publication{event(t, "e1", `{}`)})
	if err != nil {
		t.Fatal(err)
	}
	key := results[0].Deliveries[0]
	if err := s.CancelDelivery(t.Context(), "acme", key); err != nil {
		t.Fatal(err)
	}
	outcome := &webhook.Outcome{Work: works[0], State: webhook.Delivered, Attempt: webhook.Attempt{N: 1, At: now, Status: 200}}
	stale, err := s.Finish(t.Context(), []*webhook.Outcome{outcome})
	if err != nil || len(stale) != 1 {
		t.Errorf("an outcome counts after the delivery was cancelled (%v)", err)
	}
	if d, err := s.Delivery(t.Context(), "acme", key); err != nil || d.State != webhook.Cancelled || d.Count != 0 {
		t.Errorf("%+v (%v)", d, err)
	}
	if err := s.RetryDelivery(t.Context(), "acme", key, now); err != nil {
		t.Fatal(err)
	}
	due, err := s.Due(t.Context(), key.Webhook, now, 10)
	if err != nil || len(due) != 1 {
		t.Fatalf("%d due (%v)", len(due), err)
	}
	failed := &webhook.Outcome{Work: due[0], State: webhook.Pending, Due: now, Attempt: webhook.Attempt{N: 1, At: now, Status: 500}}
	for n := range 2 { // a commit that was said to have failed may have taken effect
		if stale, err = s.Finish(t.Context(), []*webhook.Outcome{failed}); err != nil || len(stale) != n {
			t.Errorf("recorded for the time %d, %d outcomes are stale (%v)", n+1, len(stale), err)
		}
	}
	if due, err = s.Due(t.Context(), key.Webhook, now, 10); err != nil || len(due) != 1 || due[0].Attempts != 1 {
		t.Fatalf("one attempt was recorded, tried twice: %+v (%v)", due, err)
	}
	outcome.Work = due[0]
	if stale, err = s.Finish(t.Context(), []*webhook.Outcome{outcome, outcome}); err != nil || len(stale) != 1 {
		t.Errorf("%d of two equal outcomes are stale, not one (%v)", len(stale), err)
	}
	if err := s.RetryDelivery(t.Context(), "acme", key, now); webhook.CodeOf(err) != webhook.CodeConflict {
		t.Errorf("retrying what was delivered: %v", err)
	}
}
