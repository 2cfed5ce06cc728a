package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

var now = time.Date(2026, 1, 5, 10, 20, 30, 0, time.UTC)

func open(t testing.TB, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: path, Create: true, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func create(t testing.TB, s *store.Store, org string, config webhook.Config) {
	t.Helper()
	if err := s.CreateWebhook(t.Context(), org, config, secret.Generate(), now); err != nil {
		t.Fatal(err)
	}
}

func event(t testing.TB, id, body string) webhook.Publication {
	t.Helper()
	d, err := webhook.NewDraft("order.paid", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	d.ID = id
	return webhook.Publication{Organization: "acme", Draft: d, At: now}
}

func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	sqlite := func(name, statement string) string {
		path := filepath.Join(folder, name)
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close() //nolint:errcheck // the test goes on or fails
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours := filepath.Join(folder, "ours.db")
	open(t, ours)
	newer := filepath.Join(folder, "newer.db")
	if err := open(t, newer).Close(); err != nil {
		t.Fatal(err)
	}
	sqlite("newer.db", fmt.Sprintf("PRAGMA user_version = %d", store.SchemaVersion()+1))
	older := filepath.Join(folder, "older.db")
	if err := open(t, older).Close(); err != nil {
		t.Fatal(err)
	}
	sqlite("older.db", "PRAGMA user_version = 1")
	for _, test := range []struct{ path, want string }{
		{filepath.Join(folder, "none.db"), "there is no database at"},
		{folder, "is a folder"},
		{write("text.db", strings.Repeat("no database at all ", 100)), "is not an SQLite database"},
		{write("empty.db", ""), "is empty"},
		{sqlite("other.db", "CREATE TABLE x (y)"), "but not sealpost's"},
		{newer, "this program knows schemas up to"},
		{older, "has the older schema 1"},
	} {
		_, err := store.Open(t.Context(), store.Options{Path: test.path})
		var fault *webhook.Error
		if !errors.As(err, &fault) || fault.Code != webhook.CodeUnavailable || !strings.Contains(fault.Error(), test.want) || fault.Hint == "" {
			t.Errorf("%s: %v, not %q", test.path, err, test.want)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "none.db")); err == nil {
		t.Error("opening to read made a file")
	}
	if info, err := os.Stat(ours); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v (%v)", info.Mode(), err)
	}
}

func TestPublishAnswersEachByItself(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "all", URL: "u"})
	create(t, s, "acme", webhook.Config{Name: "cards", URL: "u", Only: []string{"card.*"}})
	create(t, s, "other", webhook.Config{Name: "all", URL: "u"})
	named := event(t, "e3", `{"n":3}`)
	named.To, named.Named = []string{"nobody"}, true
	results, err := s.Publish(t.Context(), []webhook.Publication{
		event(t, "e1", `{"n":1}`), event(t, "e1", `{"n":1}`), event(t, "e1", `{"n":2}`), named, event(t, "e2", `{"n":1}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		count    int
		repeated bool
		code     webhook.Code
	}{{1, false, ""}, {1, true, ""}, {0, false, webhook.CodeEventConflict}, {0, false, webhook.CodeNotFound}, {1, false, ""}} {
		got := results[i]
		code := webhook.Code("")
		if got.Err != nil {
			code = webhook.CodeOf(got.Err)
		}
		if code != want.code || got.Repeated != want.repeated || code == "" && got.Count != want.count {
			t.Errorf("%d: %+v, not %+v", i, got, want)
		}
	}
	if e, err := s.Event(t.Context(), "acme", "e1"); err != nil || string(e.Bytes) != `{"id":"e1","timestamp":"2026-01-05T10:20:30.000Z","resource":"order","action":"paid","body":{"n":1}}` {
		t.Errorf("%s (%v)", e.Bytes, err)
	}
	if _, err := s.Event(t.Context(), "other", "e1"); webhook.CodeOf(err) != webhook.CodeNotFound {
		t.Errorf("another organization sees the event: %v", err)
	}
	// A page of events of a megabyte each is not to be in memory for a list that shows none.
	events, _, err := s.Events(t.Context(), webhook.EventQuery{Organization: "acme"})
	if err != nil || len(events) != 2 {
		t.Fatal(events, err)
	}
	for _, e := range events {
		if e.Bytes != nil || e.Pruned {
			t.Errorf("a list reads %d bytes of %s, pruned: %v", len(e.Bytes), e.ID, e.Pruned)
		}
	}
}

// TestManyWritersLoseNothing lets hundreds of changes of one organization run
// at once, through two openings of the same file, as two processes would have.
func TestManyWritersLoseNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	stores := []*store.Store{open(t, path), open(t, path)}
	create(t, stores[0], "acme", webhook.Config{Name: "x", URL: "u"})
	var g errgroup.Group
	for n := range 300 {
		s := stores[n%2]
		g.Go(func() error {
			_, _, err := s.ChangeWebhook(t.Context(), "acme", "x", secret.Text{}, now, func(found *webhook.Webhook) (*webhook.Config, error) {
				next := found.Clone()
				next.SetRoute("order", fmt.Sprintf("a%d", n), "u")
				return &next, nil
			})
			return err
		})
		g.Go(func() error {
			results, err := s.Publish(t.Context(), []webhook.Publication{event(t, fmt.Sprintf("e%d", n/2), `{}`)})
			return errors.Join(err, results[0].Err)
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	w, err := stores[0].Webhook(t.Context(), "acme", "x")
	if err != nil || len(w.Routes["order"]) != 300 {
		t.Errorf("%d of 300 changes are there (%v)", len(w.Routes["order"]), err)
	}
	events, _, err := stores[1].Events(t.Context(), webhook.EventQuery{Organization: "acme", Limit: 1000})
	if err != nil || len(events) != 150 {
		t.Errorf("%d of 150 events are there (%v)", len(events), err)
	}
}

func TestNameIsTakenOnce(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	var mu sync.Mutex
	won := 0
	var g errgroup.Group
	for range 50 {
		g.Go(func() error {
			err := s.CreateWebhook(t.Context(), "acme", webhook.Config{Name: "x", URL: "u"}, secret.Generate(), now)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				won++
				return nil
			}
			if webhook.CodeOf(err) != webhook.CodeNameConflict {
				return err
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil || won != 1 {
		t.Errorf("%d creations won (%v)", won, err)
	}
}

// TestLockedFile has another process's transaction hold the file: what is
// short is waited for, what is long is told as such.
func TestLockedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	other, err := sql.Open("sqlite", path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close() //nolint:errcheck // the test is over
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		results, err := s.Publish(t.Context(), []webhook.Publication{event(t, "e1", `{}`)})
		done <- errors.Join(err, results[0].Err)
	}()
	if _, err := s.Webhooks(t.Context(), "acme"); err != nil {
		t.Errorf("reading is not possible meanwhile: %v", err)
	}
	select {
	case err := <-done:
		t.Fatalf("a write went through a lock (%v)", err)
	case <-time.After(200 * time.Millisecond):
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("after a short lock: %v", err)
	}
	if tx, err = other.Begin(); err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // the test is over
	_, err = s.Publish(t.Context(), []webhook.Publication{event(t, "e2", `{}`)})
	if webhook.CodeOf(err) != webhook.CodeUnavailable || !strings.Contains(err.Error(), "locked by another process") || !store.Busy(err) {
		t.Errorf("during a long lock: %v", err)
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

func TestAttemptsAreKeptInOrder(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	results, err := s.Publish(t.Context(), []webhook.Publication{event(t, "e1", `{}`)})
	if err != nil {
		t.Fatal(err)
	}
	key := results[0].Deliveries[0]
	for n := 1; n <= 4; n++ {
		at := now.Add(time.Duration(n) * time.Hour)
		works, err := s.First(t.Context(), key.Webhook, 0, 10)
		if n > 1 {
			works, err = s.Due(t.Context(), key.Webhook, at, 10)
		}
		if err != nil || len(works) != 1 || works[0].Attempts != n-1 {
			t.Fatalf("attempt %d: %v (%v)", n, works, err)
		}
		outcome := &webhook.Outcome{Work: works[0], State: webhook.Pending, Due: at, Attempt: webhook.Attempt{N: n, At: at, Status: 500 + n, Duration: time.Millisecond, Response: fmt.Append(nil, "r", n)}}
		if n == 4 {
			outcome.State, outcome.Reason = webhook.Dead, "enough"
		}
		if stale, err := s.Finish(t.Context(), []*webhook.Outcome{outcome}); err != nil || stale != nil {
			t.Fatal(stale, err)
		}
	}
	d, err := s.Delivery(t.Context(), "acme", key)
	if err != nil || d.State != webhook.Dead || d.Reason != "enough" || len(d.Attempts) != 4 {
		t.Fatalf("%+v (%v)", d, err)
	}
	for i, a := range d.Attempts {
		if a.N != i+1 || a.Status != 501+i || string(a.Response) != fmt.Sprint("r", i+1) {
			t.Errorf("%d: %+v", i, a)
		}
	}
}

func TestDeliveriesPageByPage(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	for _, name := range []string{"a", "b", "c"} {
		create(t, s, "acme", webhook.Config{Name: name, URL: "u"})
	}
	for n := range 40 {
		if _, err := s.Publish(t.Context(), []webhook.Publication{event(t, fmt.Sprintf("e%d", n), `{}`)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		q    webhook.DeliveryQuery
		want int
	}{
		{webhook.DeliveryQuery{}, 120}, {webhook.DeliveryQuery{Webhook: "b"}, 40}, {webhook.DeliveryQuery{Event: "e7"}, 3},
		{webhook.DeliveryQuery{State: webhook.Dead}, 0}, {webhook.DeliveryQuery{Type: "x.y"}, 0}, {webhook.DeliveryQuery{State: webhook.Pending}, 120},
	} {
		test.q.Organization, test.q.Limit = "acme", 7
		seen := map[webhook.DeliveryKey]bool{}
		for {
			page, next, err := s.Deliveries(t.Context(), test.q)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page {
				if seen[d.Key] {
					t.Errorf("%s stands on two pages", d.Key)
				}
				seen[d.Key] = true
			}
			if next == "" {
				break
			}
			test.q.Cursor = next
		}
		if len(seen) != test.want {
			t.Errorf("%+v: %d, not %d", test.q, len(seen), test.want)
		}
	}
}

func TestDaemonLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	if _, running := store.Daemon(path); running {
		t.Error("a daemon runs before one was started")
	}
	lock, err := store.LockDaemon(path, store.Owner{PID: 42, Started: now, Listen: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if owner, running := store.Daemon(path); !running || owner.PID != 42 {
		t.Errorf("%+v, %t", owner, running)
	}
	if _, err := store.LockDaemon(path, store.Owner{PID: 43}); webhook.CodeOf(err) != webhook.CodeUnavailable || !strings.Contains(err.Error(), "process 42") {
		t.Errorf("a second daemon: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if _, running := store.Daemon(path); running {
		t.Error("the lock outlives its owner")
	}
}

func TestSecretsOverARotation(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	rotate := func(text string, overlap time.Duration, force bool, at time.Time) error {
		_, err := s.Rotate(t.Context(), "acme", "x", webhook.Rotation{Secret: secret.New(text), Overlap: overlap, Force: force}, at)
		return err
	}
	if err := rotate("second", time.Hour, false, now); err != nil {
		t.Fatal(err)
	}
	if err := rotate("third", time.Hour, false, now.Add(time.Minute)); webhook.CodeOf(err) != webhook.CodeRotationInProgress {
		t.Errorf("during an overlap: %v", err)
	}
	if err := rotate("third", 0, true, now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	found, err := s.Secrets(t.Context(), "acme", "x")
	if err != nil || len(found) != 3 || found[0].Value.Reveal() != "third" || !found[0].Ends.IsZero() {
		t.Fatalf("%d secrets (%v)", len(found), err)
	}
	for _, old := range found[1:] {
		if old.Ends.After(now.Add(time.Minute)) {
			t.Errorf("an old secret signs until %s", old.Ends)
		}
	}
	if err := rotate("fourth", 0, false, now.Add(40*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if found, err = s.Secrets(t.Context(), "acme", "x"); err != nil || len(found) != 2 {
		t.Errorf("%d secrets are kept after 40 days (%v)", len(found), err)
	}
}

// TestRetryAtADeletedWebhook: what nobody would send any more is not made due.
func TestRetryAtADeletedWebhook(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	dead := publish(t, s, event(t, "dead", `{}`), "x").Deliveries[0]
	finish(t, s, dead.Webhook, webhook.Dead, now)
	cancelled := publish(t, s, event(t, "cancelled", `{}`), "x").Deliveries[0]
	if err := s.CancelDelivery(t.Context(), "acme", cancelled); err != nil {
		t.Fatal(err)
	}
	pending := publish(t, s, event(t, "pending", `{}`), "x").Deliveries[0]
	if err := s.DeleteWebhook(t.Context(), "acme", "x", now, nil); err != nil {
		t.Fatal(err)
	}
	for key, state := range map[webhook.DeliveryKey]webhook.DeliveryState{dead: webhook.Dead, cancelled: webhook.Cancelled, pending: webhook.Cancelled} {
		if err := s.RetryDelivery(t.Context(), "acme", key, now); webhook.CodeOf(err) != webhook.CodeConflict || !strings.Contains(err.Error(), "was deleted") {
			t.Errorf("a delivery that is %s: %v", state, err)
		}
		if d, err := s.Delivery(t.Context(), "acme", key); err != nil || d.State != state {
			t.Errorf("a delivery that was %s is %s (%v)", state, d.State, err)
		}
	}
}

// TestDeadClaimsAreEndedOnce: a sweep that could not write leaves the claims of
// dead processes to the next one.
func TestDeadClaimsAreEndedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	claim, lock, err := store.LockClaim(path, now)
	if err != nil {
		t.Fatal(err)
	}
	p := event(t, "e1", `{}`)
	p.Direct = claim
	key := publish(t, s, p, "x").Deliveries[0]
	if err := s.SweepDirect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d, err := s.Delivery(t.Context(), "acme", key); err != nil || d.State != webhook.Pending {
		t.Fatalf("of a process that lives: %s (%v)", d.State, err)
	}
	if err := errors.Join(lock.Unlock(), s.Close()); err != nil { // it dies
		t.Fatal(err)
	}
	if err := s.SweepDirect(t.Context()); err == nil {
		t.Fatal("a closed file was swept")
	}
	s = open(t, path)
	for range 2 {
		if err := s.SweepDirect(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d, err := s.Delivery(t.Context(), "acme", key); err != nil || d.State != webhook.Cancelled {
			t.Errorf("of a process that died: %s (%v)", d.State, err)
		}
	}
	if left, err := filepath.Glob(path + ".direct-*"); err != nil || left != nil {
		t.Errorf("%v is left (%v)", left, err)
	}
}
