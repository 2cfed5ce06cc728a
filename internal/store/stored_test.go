package store_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/bounds"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// storedBytes is the counter of the organization acme, and what it should be.
func storedBytes(t *testing.T, path string) (counted, is int64) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing was written
	err = db.QueryRowContext(t.Context(), `SELECT (SELECT bytes FROM stored WHERE organization = 1),
		(SELECT coalesce(sum(length(bytes)), 0) FROM event WHERE organization = 1) +
		(SELECT coalesce(sum(length(body)), 0) FROM response WHERE webhook IN (SELECT seq FROM webhook WHERE organization = 1))`).Scan(&counted, &is)
	if err != nil {
		t.Fatal(err)
	}
	return counted, is
}

// TestStoredBytes: bodies and answers count until they are pruned. Past the bound
// nothing more is published, but what has to be taken is.
func TestStoredBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := bounded(t, path, bounds.Values{bounds.StoredBytes: 20_000})
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	body := `{"text":"` + strings.Repeat("x", 5000) + `"}`
	check := func(after string) {
		t.Helper()
		if counted, is := storedBytes(t, path); counted != is {
			t.Errorf("after %s: %d bytes are counted of %d", after, counted, is)
		}
	}
	first := try(t, s, event(t, "e1", body))
	check("an event")
	outcome := &webhook.Outcome{Work: &webhook.Work{Key: first.Deliveries[0], EventID: "e1"}, State: webhook.Delivered,
		Attempt: webhook.Attempt{N: 1, At: now, Status: 200, Response: []byte(strings.Repeat("y", 6000))}}
	if stale, err := s.Finish(t.Context(), []*webhook.Outcome{outcome}); err != nil || len(stale) > 0 {
		t.Fatal(stale, err)
	}
	check("an answer")
	held := event(t, "e2", body)
	held.Draft.Await = true
	for n, p := range []webhook.Publication{held, event(t, "e1", body)} {
		if got := try(t, s, p); got.Err != nil {
			t.Fatal(n, got.Err)
		}
	}
	check("a held event, and one that is known")
	refused := try(t, s, event(t, "e3", body))
	if webhook.CodeOf(refused.Err) != webhook.CodeLimitReached || !strings.Contains(refused.Err.Error(), "limits.stored_bytes") {
		t.Errorf("past the bound: %+v", refused)
	}
	if got := try(t, s, event(t, "e1", body)); got.Err != nil || !got.Repeated {
		t.Errorf("a known event past the bound: %+v", got)
	}
	owed := event(t, "e4", body)
	owed.Owed = true
	if got := try(t, s, owed); got.Err != nil {
		t.Errorf("an event that has to be taken: %v", got.Err)
	}
	receipt := webhook.ReceiptOutcome{Receipt: webhook.Receipt{BlockNumber: 7, TransactionHash: "0x" + strings.Repeat("ab", 32)}}
	if err := s.Attach(t.Context(), "acme", "e2", receipt, now); err != nil {
		t.Errorf("a receipt past the bound: %v", err)
	}
	check("a receipt")
	if _, err := s.Prune(t.Context(), store.PruneOptions{Retention: store.Retention{Bodies: time.Hour}, Now: now.Add(100 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	check("pruning")
	if got := try(t, s, event(t, "e3", body)); got.Err != nil {
		t.Errorf("pruning made no room: %v", got.Err)
	}
	again := bounded(t, path, bounds.Values{bounds.StoredBytes: 20_000})
	if got := try(t, again, event(t, "e5", body)); webhook.CodeOf(got.Err) != webhook.CodeLimitReached {
		t.Errorf("another process does not know the bound: %+v", got)
	}
	if _, err := s.Prune(t.Context(), store.PruneOptions{Retention: store.Retention{Bodies: time.Minute, Events: time.Hour}, Now: now.Add(1000 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	check("pruning events")
}

// TestStoredOncePerCommit: however many events share a commit, the counter of their
// organization is written once.
func TestStoredOncePerCommit(t *testing.T) {
	s := bounded(t, filepath.Join(t.TempDir(), "s.db"), bounds.Values{})
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	var rows []int
	s.Measure(func(_, n int, _ time.Duration) { rows = append(rows, n) })
	for _, size := range []int{1, 10} {
		var batch []webhook.Publication
		for n := range size {
			batch = append(batch, event(t, fmt.Sprintf("e%d-%d", size, n), `{}`))
		}
		if _, err := s.Publish(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if rows[0] != 3 || rows[1] != 21 {
		t.Errorf("rows of a commit with 1 event, and with 10: %v", rows)
	}
}

// TestParkedBound: past the bound a disabled webhook gets no new deliveries. The
// events are stored, others get theirs, and it is told what was missed. Sending
// what was missed takes it up again, in steps that may be repeated.
func TestParkedBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	values := bounds.Values{bounds.Parked: 2, bounds.Pending: 9}
	s := bounded(t, path, values)
	create(t, s, "acme", webhook.Config{Name: "off", URL: "u", Disabled: true})
	create(t, s, "acme", webhook.Config{Name: "on", URL: "u"})
	for n := range 5 {
		p := event(t, fmt.Sprintf("e%d", n), `{}`)
		p.At = now.Add(time.Duration(n) * time.Second)
		want := 2
		if n >= 2 {
			want = 1
		}
		if got := try(t, s, p); got.Err != nil || got.Count != want {
			t.Fatalf("event %d: %+v", n, got)
		}
	}
	gap := func(events int64, since time.Time) {
		t.Helper()
		w, err := s.Webhook(t.Context(), "acme", "off")
		if err != nil || w.Missed.Events != events || !w.Missed.Since.Equal(since) {
			t.Errorf("%+v was missed, not %d since %s (%v)", w.Missed, events, since, err)
		}
	}
	gap(3, now.Add(2*time.Second))
	if _, err := s.Prune(t.Context(), store.PruneOptions{Retention: store.Retention{Bodies: time.Hour, Events: time.Hour}, Now: now.Add(1000 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	send := func(from string) webhook.Progress {
		t.Helper()
		got, err := s.ResendMissing(t.Context(), "acme", webhook.MissingQuery{Cursor: from}, now)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := send(""); got.Done != 0 {
		t.Errorf("still disabled, with no room: %+v", got)
	}
	enable(t, s, "off", true) // 5 are pending for the one that is on, 2 for this one
	got := send("")
	if got.Matched != 3 || got.Done != 2 || got.Next == "" {
		t.Errorf("with room for 2: %+v", got)
	}
	gap(1, now.Add(2*time.Second))
	if _, err := s.ResendMissing(t.Context(), "acme", webhook.MissingQuery{Cursor: got.Next}, now); webhook.CodeOf(err) != webhook.CodeLimitReached {
		t.Errorf("without room: %v", err)
	}
	ten := int64(10)
	if err := s.SetBounds(t.Context(), "acme", map[bounds.Kind]*int64{bounds.Pending: &ten}); err != nil {
		t.Fatal(err)
	}
	if got := send(""); got.Done != 1 || got.Next != "" {
		t.Errorf("with room for the rest: %+v", got)
	}
	if got := send(""); got.Matched != 0 || got.Done != 0 {
		t.Errorf("once more: %+v", got)
	}
	gap(0, time.Time{})
	found, _, err := s.Deliveries(t.Context(), webhook.DeliveryQuery{Organization: "acme", Webhook: "off", Limit: 100})
	if err != nil || len(found) != 5 {
		t.Errorf("%d deliveries of 5 events (%v)", len(found), err)
	}
}

// TestStoredBytesByMaker: what was made over the API has a bound by itself, until
// the setting or the operator says otherwise.
func TestStoredBytesByMaker(t *testing.T) {
	s := bounded(t, filepath.Join(t.TempDir(), "s.db"), bounds.Defaults())
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	o := webhook.Organization{ID: "org_api", Slug: "stranger", Name: "Stranger", Type: "integrator", Created: now}
	user := access.NewUser(access.Address{1}, now)
	if err := s.AddOrganization(t.Context(), o, access.NewMembership(o, user, access.Owner, now), access.Digest{1}); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]int64{"acme": 0, "org_api": bounds.FromAPI} {
		values, err := s.Bounds(t.Context(), id)
		if err != nil || values[bounds.StoredBytes] != want {
			t.Errorf("%s: %d, not %d (%v)", id, values[bounds.StoredBytes], want, err)
		}
	}
}
