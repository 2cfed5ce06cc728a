package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

const month = 30 * 24 * time.Hour

// publish stores an event for some webhooks only and returns its deliveries.
func publish(t testing.TB, s *store.Store, p webhook.Publication, to ...string) webhook.Publishing {
	t.Helper()
	p.To = append([]string{}, to...)
	results, err := s.Publish(t.Context(), []webhook.Publication{p})
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results[0].Err)
	}
	return results[0]
}

// finish ends the next attempt of a webhook that was not tried or is due.
func finish(t testing.TB, s *store.Store, seq int64, state webhook.DeliveryState, at time.Time) {
	t.Helper()
	works, err := s.First(t.Context(), seq, 0, 1)
	if err == nil && len(works) == 0 {
		works, err = s.Due(t.Context(), seq, at, 1)
	}
	if err != nil || len(works) != 1 {
		t.Fatalf("no work for webhook %d (%v)", seq, err)
	}
	o := &webhook.Outcome{Work: works[0], State: state, Due: at, Attempt: webhook.Attempt{N: works[0].Attempts + 1, At: at, Status: 200, Response: []byte("answer")}}
	if stale, err := s.Finish(t.Context(), []*webhook.Outcome{o}); err != nil || len(stale) > 0 {
		t.Fatal(err, stale)
	}
}

func prune(t testing.TB, s *store.Store, keep store.Retention, at time.Time) store.Pruned {
	t.Helper()
	dry, err := s.Prune(t.Context(), store.PruneOptions{Retention: keep, Now: at, DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	pruned, err := s.Prune(t.Context(), store.PruneOptions{Retention: keep, Now: at})
	if err != nil {
		t.Fatal(err)
	}
	if pruned != dry {
		t.Errorf("pruned %+v, where %+v was announced", pruned, dry)
	}
	if again, err := s.Prune(t.Context(), store.PruneOptions{Retention: keep, Now: at}); err != nil || again.Events+again.Bodies+again.Attempts > 0 {
		t.Errorf("again, %+v (%v)", again, err)
	}
	return pruned
}

// TestPruneSparesWork has one event of each kind grow old.
func TestPruneSparesWork(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	for _, name := range []string{"done", "dead", "pending", "parked", "deleted", "late"} {
		create(t, s, "acme", webhook.Config{Name: name, URL: "u"})
	}
	seqs := make(map[string]int64)
	for _, name := range []string{"done", "dead", "pending", "parked", "deleted", "late"} {
		seqs[name] = publish(t, s, event(t, name, `{}`), name).Deliveries[0].Webhook
	}
	publish(t, s, event(t, "unwanted", `{}`))
	held := event(t, "held", `{}`)
	held.Draft.Await, held.HoldUntil = true, now.Add(365*24*time.Hour)
	publish(t, s, held)
	expired := event(t, "expired", `{}`)
	expired.Draft.Await, expired.HoldUntil = true, now.Add(24*time.Hour)
	publish(t, s, expired)
	finish(t, s, seqs["done"], webhook.Delivered, now)
	finish(t, s, seqs["dead"], webhook.Dead, now)
	disable := func(name string, enabled bool) {
		change := func(found *webhook.Webhook) (*webhook.Config, error) {
			found.Disabled = !enabled
			return &found.Config, nil
		}
		if _, _, err := s.ChangeWebhook(t.Context(), "acme", name, secret.Text{}, now, change); err != nil {
			t.Fatal(err)
		}
	}
	disable("parked", false)
	if err := s.DeleteWebhook(t.Context(), "acme", "deleted", now, func(webhook.Webhook) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Expire(t.Context(), now.Add(25*time.Hour)); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	finish(t, s, seqs["late"], webhook.Delivered, now.Add(20*24*time.Hour))

	keep := store.Retention{Bodies: month, Attempts: month, Events: month}
	pruned := func() (ids []string) {
		events, _, err := s.Events(t.Context(), webhook.EventQuery{Organization: "acme"})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Pruned {
				ids = append(ids, e.ID)
			}
		}
		slices.Sort(ids)
		return ids
	}
	if p := prune(t, s, keep, now.Add(month)); p.Events != 0 {
		t.Errorf("pruned too early: %+v %v", p, pruned())
	}
	p := prune(t, s, keep, now.Add(month+2*24*time.Hour))
	if got := strings.Join(pruned(), " "); got != "dead deleted done expired unwanted" || p.Events != 5 || p.Kept != 4 {
		t.Errorf("pruned %s: %+v", got, p)
	}
	if p = prune(t, s, keep, now.Add(month+21*24*time.Hour)); p.Events != 1 || !slices.Contains(pruned(), "late") {
		t.Errorf("what ended late is not pruned in the end: %v", pruned())
	}
	// Work that was left behind goes once it has ended long enough ago.
	ended := now.Add(3 * month)
	disable("parked", true)
	finish(t, s, seqs["parked"], webhook.Delivered, ended)
	finish(t, s, seqs["pending"], webhook.Dead, ended)
	if p = prune(t, s, keep, ended.Add(time.Hour)); p.Events != 0 {
		t.Errorf("pruned an hour after its end: %v", pruned())
	}
	if p = prune(t, s, keep, ended.Add(month+time.Hour)); p.Events != 2 {
		t.Errorf("stragglers stay for ever: %v", pruned())
	}
	if got := strings.Join(pruned(), " "); strings.Contains(got, "held") {
		t.Errorf("a held event was pruned: %s", got)
	}
}

// TestPrunedIDStaysKnown publishes again what was pruned.
func TestPrunedIDStaysKnown(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	create(t, s, "acme", webhook.Config{Name: "y", URL: "u"})
	first := publish(t, s, event(t, "e1", `{"n":1}`), "x", "y")
	for _, d := range first.Deliveries {
		finish(t, s, d.Webhook, webhook.Delivered, now)
	}
	later := now.Add(month + time.Hour)
	prune(t, s, store.Retention{Events: month}, later)

	again, err := s.Publish(t.Context(), []webhook.Publication{event(t, "e1", `{"n":1}`), event(t, "e1", `{"n":2}`)})
	if err != nil {
		t.Fatal(err)
	}
	if got := again[0]; got.Err != nil || !got.Repeated || got.Count != 2 || got.State != webhook.Accepted {
		t.Errorf("the same content: %+v", got)
	}
	if code := webhook.CodeOf(again[1].Err); code != webhook.CodeEventConflict {
		t.Errorf("other content: %v", again[1].Err)
	}
	if works, err := s.First(t.Context(), first.Deliveries[0].Webhook, 0, 10); err != nil || len(works) != 0 {
		t.Errorf("%d deliveries came of it (%v)", len(works), err)
	}
	if _, err := s.Resend(t.Context(), "acme", "e1", nil, later); webhook.CodeOf(err) != webhook.CodeConflict {
		t.Errorf("resending: %v", err)
	}
	if _, err := s.Delivery(t.Context(), "acme", first.Deliveries[0]); webhook.CodeOf(err) != webhook.CodeNotFound {
		t.Errorf("its delivery: %v", err)
	}
	if next := publish(t, s, event(t, "e2", `{}`), "x"); next.Seq != first.Seq+1 {
		t.Errorf("the next event is number %d after %d", next.Seq, first.Seq)
	}
}

// TestStagesOfRetention lets bodies go before attempts before events.
func TestStagesOfRetention(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	create(t, s, "acme", webhook.Config{Name: "y", URL: "u"})
	publish(t, s, event(t, "waits", `{}`), "y")
	p := publish(t, s, event(t, "e1", `{"n":1}`), "x")
	key := p.Deliveries[0]
	finish(t, s, key.Webhook, webhook.Pending, now)
	finish(t, s, key.Webhook, webhook.Dead, now.Add(time.Second))
	day := 24 * time.Hour
	keep := store.Retention{Bodies: 7 * day, Attempts: 14 * day, Events: 28 * day}
	look := func(at time.Time) string {
		got := prune(t, s, keep, at)
		e, err := s.Event(t.Context(), "acme", "e1")
		if err != nil {
			t.Fatal(err)
		}
		found, err := s.EventDeliveries(t.Context(), e.Seq)
		if err != nil {
			t.Fatal(err)
		}
		attempts, answers := 0, 0
		for _, d := range found {
			for _, a := range d.Attempts {
				attempts++
				if a.Response != nil {
					answers++
				}
			}
		}
		return fmt.Sprintf("%d %d %d: body %d, deliveries %d, attempts %d, answers %d", got.Bodies, got.Attempts, got.Events, len(e.Bytes), len(found), attempts, answers)
	}
	for _, test := range []struct {
		days int
		want string
	}{
		{6, "0 0 0: body 100, deliveries 1, attempts 2, answers 2"},
		{8, "1 0 0: body 0, deliveries 1, attempts 2, answers 0"},
		{15, "0 1 0: body 0, deliveries 1, attempts 1, answers 0"},
		{29, "0 0 1: body 0, deliveries 0, attempts 0, answers 0"},
	} {
		if got := look(now.Add(time.Duration(test.days) * day)); got != test.want {
			t.Errorf("after %d days %s, not %s", test.days, got, test.want)
		}
		if test.days == 8 {
			if err := s.RetryDelivery(t.Context(), "acme", key, now.Add(8*day)); webhook.CodeOf(err) != webhook.CodeConflict {
				t.Errorf("a delivery without a body can be retried: %v", err)
			}
		}
		if e, err := s.Event(t.Context(), "acme", "waits"); err != nil || len(e.Bytes) == 0 {
			t.Errorf("after %d days the body is gone of what is still to be sent (%v)", test.days, err)
		}
	}
}

// TestReceiptAfterPruning knows the receipt of a pruned event, and completes
// no expired one.
func TestReceiptAfterPruning(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u", Only: []string{"nothing.*"}})
	receipt := webhook.ReceiptOutcome{Receipt: webhook.Receipt{TransactionHash: "0x" + strings.Repeat("ab", 32), BlockNumber: 97}}
	for _, id := range []string{"sent", "expired"} {
		p := event(t, id, `{}`)
		p.Draft.Await, p.HoldUntil = true, now.Add(time.Hour)
		publish(t, s, p)
	}
	if err := s.Attach(t.Context(), "acme", "sent", receipt, now); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Expire(t.Context(), now.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	later := now.Add(2 * month)
	if p := prune(t, s, store.Retention{Events: month}, later); p.Events != 2 {
		t.Fatalf("%+v", p)
	}
	if err := s.Attach(t.Context(), "acme", "sent", receipt, later); err != nil {
		t.Errorf("the same receipt again: %v", err)
	}
	other := receipt
	other.BlockNumber++
	if err := s.Attach(t.Context(), "acme", "sent", other, later); webhook.CodeOf(err) != webhook.CodeConflict {
		t.Errorf("another receipt: %v", err)
	}
	if err := s.Attach(t.Context(), "acme", "expired", receipt, later); webhook.CodeOf(err) != webhook.CodeConflict {
		t.Errorf("a receipt for an event without a body: %v", err)
	}
}

// TestPrunedSpaceIsUsedAgain fills a file, prunes it and fills it once more.
func TestPrunedSpaceIsUsedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	body := `{"text":"` + strings.Repeat("x", 900) + `"}`
	fill := func(round int) {
		t.Helper()
		var batch []webhook.Publication
		for n := range 1000 {
			p := event(t, fmt.Sprintf("e%d-%d", round, n), body)
			p.At = now.Add(time.Duration(round) * 2 * month)
			batch = append(batch, p)
		}
		results, err := s.Publish(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		works, err := s.First(t.Context(), results[0].Deliveries[0].Webhook, 0, 1000)
		if err != nil || len(works) != 1000 {
			t.Fatal(len(works), err)
		}
		var outcomes []*webhook.Outcome
		for _, w := range works {
			outcomes = append(outcomes, &webhook.Outcome{Work: w, State: webhook.Delivered, Attempt: webhook.Attempt{N: 1, At: batch[0].At, Status: 200}})
		}
		if _, err := s.Finish(t.Context(), outcomes); err != nil {
			t.Fatal(err)
		}
	}
	pages := func() (n int) {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close() //nolint:errcheck // the test goes on or fails
		if err := db.QueryRow(`PRAGMA page_count`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	fill(0)
	before := pages()
	for round := 1; round <= 3; round++ {
		if p := prune(t, s, store.Retention{Events: month}, now.Add(time.Duration(round)*2*month)); p.Events != 1000 {
			t.Fatalf("%+v", p)
		}
		fill(round)
	}
	if after := pages(); after > before*2 {
		t.Errorf("%d pages have become %d, where the tombstones of 3000 events need some 150", before, after)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	large, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Wipe(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if small, err := os.Stat(path); err != nil || small.Size() >= large.Size() {
		t.Errorf("%d bytes are not less than %d (%v)", small.Size(), large.Size(), err)
	}
}

// TestTidy forgets what has outlived its time, and nothing else.
func TestTidy(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	ctx := t.Context()
	for n := range 2 {
		at := now.Add(time.Duration(n) * time.Hour)
		if _, err := s.Rotate(ctx, "acme", "x", webhook.Rotation{Secret: secret.Generate(), Force: true}, at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.UseNonce(ctx, access.NonceID{1}, now.Add(time.Hour), now); err != nil {
		t.Fatal(err)
	}
	session := access.Session{ID: "s", Digest: access.Digest{1}, Created: now, Updated: now, Expires: now.Add(time.Hour)}
	if _, err := s.AddSession(ctx, access.User{ID: "u", Created: now}, session); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PlaceInvitation(ctx, "acme", func([]access.Invitation, int64) (access.Invitation, bool, error) {
		return access.Invitation{ID: "i", Email: "a@example.com", Role: access.Member, Status: "pending", Created: now, Expires: now.Add(time.Hour)}, false, nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		after time.Duration
		gone  int64
	}{{time.Minute, 0}, {time.Hour, 2}, {month + 30*time.Minute, 1}, {month + 2*time.Hour, 2}, {2 * month, 0}} {
		if gone, err := s.Tidy(ctx, now.Add(test.after)); err != nil || gone != test.gone {
			t.Errorf("after %s %d rows go, not %d (%v)", test.after, gone, test.gone, err)
		}
	}
	if kept, err := s.Secrets(ctx, "acme", "x"); err != nil || len(kept) != 1 {
		t.Errorf("%d secrets are left (%v)", len(kept), err)
	}
}

// TestPruneStops ends a sweep with its context; what it did stays done.
func TestPruneStops(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	for n := range 200 {
		publish(t, s, event(t, fmt.Sprint("e", n), `{}`))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	keep := store.Retention{Events: month}
	p, err := s.Prune(ctx, store.PruneOptions{Retention: keep, Now: now.Add(2 * month), Each: func(store.Pruned) { cancel() }})
	if err == nil || p.Events == 0 || p.Events == 200 {
		t.Fatalf("%+v (%v)", p, err)
	}
	if rest := prune(t, s, keep, now.Add(2*month)); rest.Events != 200-p.Events {
		t.Errorf("%d and then %d", p.Events, rest.Events)
	}
}
