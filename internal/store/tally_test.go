package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sealpost/internal/bounds"
	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestPendingIsBounded fills an organization up and empties it again: past the
// bound new events are refused and nothing else is.
func TestPendingIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s, err := store.Open(t.Context(), store.Options{Path: path, Create: true, Migrate: true, Bounds: bounds.Values{bounds.Pending: 3}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	create(t, s, "other", webhook.Config{Name: "x", URL: "u"})
	publish := func(from *store.Store, organization, id string, at time.Time) webhook.Publishing {
		t.Helper()
		p := event(t, id, `{}`)
		p.Organization, p.At = organization, at
		results, err := from.Publish(t.Context(), []webhook.Publication{p})
		if err != nil {
			t.Fatal(err)
		}
		return results[0]
	}
	deliver := func(p webhook.Publishing) {
		t.Helper()
		outcome := &webhook.Outcome{
			Work: &webhook.Work{Key: p.Deliveries[0], EventID: p.ID}, State: webhook.Delivered,
			Attempt: webhook.Attempt{N: 1, At: now, Status: 200},
		}
		if stale, err := s.Finish(t.Context(), []*webhook.Outcome{outcome}); err != nil || len(stale) > 0 {
			t.Fatalf("%v stale (%v)", stale, err)
		}
	}
	refused := func(p webhook.Publishing) bool { return webhook.CodeOf(p.Err) == webhook.CodeLimitReached }

	var taken []webhook.Publishing
	for n := range 3 {
		p := publish(s, "acme", fmt.Sprintf("e%d", n), now)
		if p.Err != nil {
			t.Fatal(p.Err)
		}
		taken = append(taken, p)
	}
	if p := publish(s, "acme", "e3", now); !refused(p) {
		t.Fatalf("a fourth pending delivery was taken: %+v", p)
	}
	if p := publish(s, "acme", "e1", now); p.Err != nil || !p.Repeated {
		t.Errorf("an event that is there already was refused: %+v", p)
	}
	if p := publish(s, "other", "e3", now); p.Err != nil {
		t.Errorf("another organization was refused: %v", p.Err)
	}
	deliver(taken[0])
	if p := publish(s, "acme", "e3", now); p.Err != nil {
		t.Errorf("there is room again, and still: %v", p.Err)
	}

	// Another process goes by what is on file, and what it cancels makes room.
	second, err := store.Open(t.Context(), store.Options{Path: path, Bounds: bounds.Values{bounds.Pending: 3}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = second.Close() })
	if p := publish(second, "acme", "e4", now); !refused(p) {
		t.Errorf("another process took a fourth one: %+v", p)
	}
	if err := second.DeleteWebhook(t.Context(), "acme", "x", now, func(webhook.Webhook) error { return nil }); err != nil {
		t.Fatal(err)
	}
	create(t, second, "acme", webhook.Config{Name: "x", URL: "u"})
	if p := publish(s, "acme", "e4", now.Add(11*time.Second)); p.Err != nil {
		t.Errorf("the deliveries of a deleted webhook still count: %v", p.Err)
	}
}

// TestPendingAfterClockSetBack: room that was made counts, whatever the clock
// says of when the last count was.
func TestPendingAfterClockSetBack(t *testing.T) {
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "s.db"), Create: true, Migrate: true, Bounds: bounds.Values{bounds.Pending: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	key := publish(t, s, event(t, "e1", `{}`), "x").Deliveries[0]
	if err := s.CancelDelivery(t.Context(), "acme", key); err != nil {
		t.Fatal(err)
	}
	p := event(t, "e2", `{}`)
	p.At = now.Add(-time.Hour)
	publish(t, s, p, "x")
}

// bounded opens a store whose organizations have bounds.
func bounded(t *testing.T, path string, values bounds.Values) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: path, Create: true, Migrate: true, Bounds: values})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// try publishes an event and returns what was answered.
func try(t *testing.T, s *store.Store, p webhook.Publication) webhook.Publishing {
	t.Helper()
	results, err := s.Publish(t.Context(), []webhook.Publication{p})
	if err != nil {
		t.Fatal(err)
	}
	return results[0]
}

// enable changes whether a webhook is enabled.
func enable(t *testing.T, s *store.Store, name string, enabled bool) {
	t.Helper()
	_, _, err := s.ChangeWebhook(t.Context(), "acme", name, secret.Text{}, now, func(found *webhook.Webhook) (*webhook.Config, error) {
		next := found.Config
		next.Disabled = !enabled
		return &next, nil
	})
	if err != nil {
		t.Fatalf("enabled %v: %v", enabled, err)
	}
}

// TestParkedIsNotPending: what waits for a disabled webhook does not keep others
// from publishing, from the commit that disables it on, after a restart too.
// Enabling it is never refused, and then its work is pending.
func TestParkedIsNotPending(t *testing.T) {
	path, values := filepath.Join(t.TempDir(), "s.db"), bounds.Values{bounds.Pending: 2}
	s := bounded(t, path, values)
	create(t, s, "acme", webhook.Config{Name: "gone", URL: "u"})
	first := try(t, s, event(t, "e1", `{}`))
	if p := try(t, s, event(t, "e2", `{}`)); p.Err != nil {
		t.Fatal(p.Err)
	}
	if p := try(t, s, event(t, "e3", `{}`)); webhook.CodeOf(p.Err) != webhook.CodeLimitReached {
		t.Fatalf("a third pending delivery: %+v", p)
	}
	outcome := &webhook.Outcome{
		Work: &webhook.Work{Key: first.Deliveries[0], EventID: "e1"}, State: webhook.Pending, Due: now.Add(time.Second), Disable: "410 Gone",
		Attempt: webhook.Attempt{N: 1, At: now, Status: 410},
	}
	if stale, err := s.Finish(t.Context(), []*webhook.Outcome{outcome}); err != nil || len(stale) > 0 {
		t.Fatalf("%v stale (%v)", stale, err)
	}
	for n := range 4 {
		if p := try(t, s, event(t, fmt.Sprintf("p%d", n), `{}`)); p.Err != nil || p.Count != 1 {
			t.Fatalf("right after disabling, event %d: %+v", n, p)
		}
	}
	again := bounded(t, path, values)
	if p := try(t, again, event(t, "r1", `{}`)); p.Err != nil {
		t.Fatalf("after a restart: %v", p.Err)
	}
	enable(t, s, "gone", true)
	for who, open := range map[string]*store.Store{"the process that enabled it": s, "another": bounded(t, path, values)} {
		p := try(t, open, event(t, "e4", `{}`))
		if webhook.CodeOf(p.Err) != webhook.CodeLimitReached {
			t.Errorf("%s: enabled again, and its work does not count: %+v", who, p)
		}
	}
	enable(t, s, "gone", false)
	if p := try(t, s, event(t, "e4", `{}`)); p.Err != nil {
		t.Errorf("disabled again: %v", p.Err)
	}
}

// TestRefusalNamesTheHeaviest: past the bound, those who may read webhooks are
// told which one holds most, and nobody else is.
func TestRefusalNamesTheHeaviest(t *testing.T) {
	s := bounded(t, filepath.Join(t.TempDir(), "s.db"), bounds.Values{bounds.Pending: 5})
	create(t, s, "acme", webhook.Config{Name: "some", URL: "u", Only: []string{"order.*"}})
	create(t, s, "acme", webhook.Config{Name: "most", URL: "u"})
	one := event(t, "e1", `{}`)
	one.To = []string{"most"}
	for _, p := range []webhook.Publication{one, event(t, "e2", `{}`), event(t, "e3", `{}`)} {
		if got := try(t, s, p); got.Err != nil {
			t.Fatal(got.Err)
		}
	}
	for _, named := range []bool{false, true} {
		p := event(t, "e4", `{}`)
		p.Named = named
		err := try(t, s, p).Err
		var refusal *webhook.Error
		if !errors.As(err, &refusal) || refusal.Code != webhook.CodeLimitReached || !refusal.Waiting {
			t.Fatalf("%v", err)
		}
		text := err.Error()
		if !strings.Contains(text, "publish.max_pending") || !strings.Contains(text, "allows 5") || !strings.Contains(text, "has 5") {
			t.Errorf("the bound, its value and the use are missing: %s", text)
		}
		if strings.Contains(text, `"most"`) != named || strings.Contains(text, `"some"`) {
			t.Errorf("named %v: %s", named, text)
		}
	}
}

// TestFanOutCountsWhole: an event, and one that is sent anew, is taken with all
// of its deliveries or not at all.
func TestFanOutCountsWhole(t *testing.T) {
	s := bounded(t, filepath.Join(t.TempDir(), "s.db"), bounds.Values{bounds.Pending: 5})
	for n := range 3 {
		create(t, s, "acme", webhook.Config{Name: fmt.Sprintf("w%d", n), URL: "u"})
	}
	if p := try(t, s, event(t, "e1", `{}`)); p.Err != nil {
		t.Fatal(p.Err)
	}
	if p := try(t, s, event(t, "e2", `{}`)); webhook.CodeOf(p.Err) != webhook.CodeLimitReached {
		t.Fatalf("3 pending, and 3 more with a bound of 5: %+v", p)
	}
	if _, err := s.Event(t.Context(), "acme", "e2"); webhook.CodeOf(err) != webhook.CodeNotFound {
		t.Errorf("what was refused was stored: %v", err)
	}
	resend := func(at time.Time, to ...string) (webhook.Publishing, error) {
		return s.Resend(t.Context(), "acme", "e1", to, at)
	}
	if _, err := resend(now); webhook.CodeOf(err) != webhook.CodeLimitReached {
		t.Errorf("resent to 3 with room for 2: %v", err)
	}
	if got, err := resend(now, "w0", "w1"); err != nil || got.Count != 2 {
		t.Errorf("resent to 2: %+v (%v)", got, err)
	}
	if _, err := resend(now.Add(time.Minute), "w2"); webhook.CodeOf(err) != webhook.CodeLimitReached {
		t.Errorf("there is no room left: %v", err)
	}
	if p := try(t, s, event(t, "e1", `{}`)); p.Err != nil || !p.Repeated {
		t.Errorf("an event that is known: %+v", p)
	}
	unwanted := event(t, "e3", `{}`)
	unwanted.To = []string{}
	if p := try(t, s, unwanted); p.Err != nil {
		t.Errorf("an event that adds no delivery: %v", p.Err)
	}
	owed := event(t, "e4", `{}`)
	owed.Owed = true
	if p := try(t, s, owed); p.Err != nil || p.Count != 3 {
		t.Errorf("an event that has to be taken: %+v", p)
	}
}

// TestTooManyWebhooksForOneEvent: where one event alone is past the bound, nobody
// is told to wait.
func TestTooManyWebhooksForOneEvent(t *testing.T) {
	s := bounded(t, filepath.Join(t.TempDir(), "s.db"), bounds.Values{bounds.Pending: 1})
	for n := range 2 {
		create(t, s, "acme", webhook.Config{Name: fmt.Sprintf("w%d", n), URL: "u"})
	}
	var refusal *webhook.Error
	if err := try(t, s, event(t, "e1", `{}`)).Err; !errors.As(err, &refusal) || refusal.Code != webhook.CodeLimitReached || refusal.Waiting {
		t.Errorf("%v", err)
	}
}

// TestCountsAfterRefusals: calls that are refused and rolled back leave the counts
// right.
func TestCountsAfterRefusals(t *testing.T) {
	s := bounded(t, filepath.Join(t.TempDir(), "s.db"), bounds.Values{bounds.Pending: 2})
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	key := try(t, s, event(t, "e1", `{}`)).Deliveries[0]
	for range 3 {
		if err := s.CancelDelivery(t.Context(), "acme", webhook.DeliveryKey{Webhook: 1, Event: 99}); webhook.CodeOf(err) != webhook.CodeNotFound {
			t.Fatal(err)
		}
	}
	if p := try(t, s, event(t, "e2", `{}`)); p.Err != nil {
		t.Fatal(p.Err)
	}
	if err := s.CancelDelivery(t.Context(), "acme", key); err != nil {
		t.Fatal(err)
	}
	if p := try(t, s, event(t, "e3", `{}`)); p.Err != nil {
		t.Errorf("a cancelled delivery makes room at once: %v", p.Err)
	}
	if err := s.RetryDelivery(t.Context(), "acme", key, now.Add(time.Hour)); webhook.CodeOf(err) != webhook.CodeLimitReached {
		t.Errorf("a delivery that is retried past the bound: %v", err)
	}
	if err := s.DeleteWebhook(t.Context(), "acme", "x", now, nil); err != nil {
		t.Fatal(err)
	}
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	for n := range 2 {
		if p := try(t, s, event(t, fmt.Sprintf("d%d", n), `{}`)); p.Err != nil {
			t.Errorf("a deleted webhook's work still counts: %v", p.Err)
		}
	}
}

// TestOneRetryASecond: a person makes a delivery due by hand once a second; an
// earlier call changes nothing.
func TestOneRetryASecond(t *testing.T) {
	s := bounded(t, filepath.Join(t.TempDir(), "s.db"), bounds.Values{})
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	key := try(t, s, event(t, "e1", `{}`)).Deliveries[0]
	attempts := 0
	for tenth := range 50 { // of a second
		at := now.Add(time.Duration(tenth) * 100 * time.Millisecond)
		if err := s.RetryDelivery(t.Context(), "acme", key, at); err != nil {
			t.Fatal(err)
		}
		work, err := s.Due(t.Context(), key.Webhook, at, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range work {
			attempts++
			outcome := &webhook.Outcome{Work: w, State: webhook.Dead, Reason: "500", Attempt: webhook.Attempt{N: w.Attempts + 1, At: at, Status: 500}}
			if attempts%2 == 0 {
				outcome.State, outcome.Due = webhook.Pending, at.Add(time.Hour)
			}
			if stale, err := s.Finish(t.Context(), []*webhook.Outcome{outcome}); err != nil || len(stale) > 0 {
				t.Fatalf("%v stale (%v)", stale, err)
			}
		}
	}
	if attempts != 5 {
		t.Errorf("%d attempts in 5 seconds", attempts)
	}
	if err := s.RetryDelivery(t.Context(), "acme", key, now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if work, err := s.Due(t.Context(), key.Webhook, now.Add(-time.Hour), 10); err != nil || len(work) != 1 {
		t.Errorf("after the clock was set back: %d due (%v)", len(work), err)
	}
}

// TestOneResendASecond: an event is sent anew to a webhook once a second; an
// earlier call is answered with what was made then.
func TestOneResendASecond(t *testing.T) {
	s := bounded(t, filepath.Join(t.TempDir(), "s.db"), bounds.Values{})
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	create(t, s, "acme", webhook.Config{Name: "y", URL: "u"})
	seq := try(t, s, event(t, "e1", `{}`)).Seq
	for _, step := range []struct {
		after time.Duration
		to    []string
		made  int
	}{{0, []string{"x"}, 1}, {0, []string{"x"}, 1}, {999, nil, 2}, {1000, nil, 3}, {1998, nil, 3}, {1999, nil, 4}} {
		got, err := s.Resend(t.Context(), "acme", "e1", step.to, now.Add(step.after*time.Millisecond))
		if want := max(len(step.to), 2-len(step.to)); err != nil || got.Count != want || len(got.Deliveries) != want {
			t.Errorf("after %d ms: %+v (%v)", step.after, got, err)
		}
		found, err := s.EventDeliveries(t.Context(), seq)
		if err != nil || len(found)-2 != step.made {
			t.Errorf("after %d ms: %d deliveries made anew, not %d (%v)", step.after, len(found)-2, step.made, err)
		}
	}
}
