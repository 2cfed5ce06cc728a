package store_test

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// incoming is an event of a provider that becomes one of ours.
func incoming(t testing.TB, id, user, body string) webhook.Incoming {
	t.Helper()
	return webhook.Incoming{Provider: "panda", ID: id, Content: sha256.Sum256([]byte(body)), Raw: []byte(body), User: user, At: now, KeepUnlinked: time.Hour,
		Publication: func(c webhook.Credential, _ string) (webhook.Publication, error) {
			p := event(t, "", body)
			p.Organization = c.Organization
			return p, nil
		}}
}

func link(t testing.TB, s *store.Store, user string) {
	t.Helper()
	if err := s.LinkCredentials(t.Context(), "acme", now, webhook.Credential{Provider: "panda", User: user, ID: "c"}); err != nil {
		t.Fatal(err)
	}
}

// TestTakeBesidePublished has a provider's event meet one of ours that has its
// id already. With the same resource, action and body it is that one, whatever is
// said of its receipt. With other content it goes out under a derived id, with a
// number behind it where that is taken as well.
func TestTakeBesidePublished(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	link(t, s, "u")
	received := event(t, "receipt", `{"n":1}`)
	received.Draft.Receipt = &webhook.Receipt{BlockNumber: 1, TransactionHash: "0x" + strings.Repeat("a", 64)}
	held := event(t, "held", `{"n":1}`)
	held.Draft.Await = true
	whole := event(t, "whole", `{"n":1}`)
	whole.Draft.Whole = []byte(`{"id":"whole","timestamp":"2026-01-05T10:20:30Z","resource":"order","action":"paid", "body":{ "n":1.0 }}`)
	taken := webhook.ProviderEventID("panda", "twice", 1)
	mine := []webhook.Publication{event(t, "same", `{"n":1}`), received, held, whole, event(t, "other", `{"n":1}`), event(t, "twice", `{"n":1}`), event(t, taken, `{"n":7}`), event(t, taken+"-2", `{"n":8}`)}
	published, err := s.Publish(t.Context(), mine)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range published {
		if p.Err != nil {
			t.Fatalf("%s: %v", mine[i].Draft.ID, p.Err)
		}
	}
	for id, body := range map[string]string{"same": `{"n":1}`, "receipt": `{"n":1}`, "held": `{"n":1}`, "whole": `{"n":1}`} {
		for again := range 2 {
			got, err := s.Take(t.Context(), incoming(t, id, "u", body))
			if err != nil || got.Repeated != (again == 1) || again == 0 && (!got.Event.Repeated || got.Event.ID != id) {
				t.Errorf("%s: %+v %v", id, got, err)
			}
		}
	}
	for id, want := range map[string]string{
		"other": webhook.ProviderEventID("panda", "other", 1), "twice": taken + "-3", "with space": webhook.ProviderEventID("panda", "with space", 1),
		"with.dot": webhook.ProviderEventID("panda", "with.dot", 1), strings.Repeat("ü", 200): webhook.ProviderEventID("panda", strings.Repeat("ü", 200), 1), "free": "free",
	} {
		got, err := s.Take(t.Context(), incoming(t, id, "u", `{"n":2}`))
		if err != nil || got.Repeated || got.Event.Repeated || got.Event.ID != want {
			t.Errorf("%.20s: %+v %v", id, got, err)
		}
		found, err := s.Event(t.Context(), "acme", id)
		if ours := id == "other" || id == "twice"; err != nil || ours && found.ID != id || !ours && found.ID != want { // our own id comes first
			t.Errorf("%.20s is found as %q (%v)", id, found.ID, err)
		}
		if again, err := s.Take(t.Context(), incoming(t, id, "u", `{"n":2}`)); err != nil || !again.Repeated {
			t.Errorf("%.20s again: %+v %v", id, again, err)
		}
		if other, err := s.Take(t.Context(), incoming(t, id, "u", `{"n":3}`)); err != nil || !other.Conflicting || !other.Kept {
			t.Errorf("%.20s with other content: %+v %v", id, other, err)
		}
	}
}

// TestTakeBesideTombstone: of a pruned event the hash alone is left.
func TestTakeBesideTombstone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	link(t, s, "u")
	if _, err := s.Publish(t.Context(), []webhook.Publication{event(t, "same", `{"n":1}`), event(t, "other", `{"n":1}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Prune(t.Context(), store.PruneOptions{Retention: store.Retention{Events: time.Hour}, Now: now.Add(48 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Take(t.Context(), incoming(t, "same", "u", `{"n":1}`)); err != nil || !got.Event.Repeated || got.Event.ID != "same" {
		t.Errorf("the same: %+v %v", got, err)
	}
	if got, err := s.Take(t.Context(), incoming(t, "other", "u", `{"n":2}`)); err != nil || got.Event.ID != webhook.ProviderEventID("panda", "other", 1) {
		t.Errorf("another: %+v %v", got, err)
	}
}

// TestDerivedID pins the form that the contract fixes: the first 32 hex digits of
// SHA-256 over the provider, a zero byte and the id.
func TestDerivedID(t *testing.T) {
	sum := sha256.Sum256([]byte("panda\x00ev 1"))
	want := fmt.Sprintf("panda_%x", sum)[:len("panda_")+32]
	if got := webhook.ProviderEventID("panda", "ev 1", 1); got != want {
		t.Errorf("%s, not %s", got, want)
	}
	if got := webhook.ProviderEventID("panda", "ev 1", 2); got != want+"-2" {
		t.Error(got)
	}
}

// TestUnlinkedAreKept keeps the events of users whom nobody has linked: so many
// of a user, so many in all, once each, the oldest go first.
func TestUnlinkedAreKept(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	take := func(id, user string) webhook.Taking {
		t.Helper()
		taken, err := s.Take(t.Context(), incoming(t, id, user, fmt.Sprintf(`{"id":%q}`, id)))
		if err != nil || !taken.Waiting || taken.Result() != webhook.IntakeUnknownUser {
			t.Fatalf("%s of %s: %+v %v", id, user, taken, err)
		}
		return taken
	}
	for i := range 103 {
		for range 2 {
			if taken := take(fmt.Sprintf("a-%d", i), "a"); taken.Forgotten > 0 && i < 100 {
				t.Fatalf("%d had to go for number %d", taken.Forgotten, i)
			}
		}
	}
	if n, err := s.KeptUnlinked(t.Context(), "panda", "a", now.Add(-time.Second)); err != nil || n != 100 {
		t.Errorf("%d are kept of the user: %v", n, err)
	}
	if _, raw, found, err := s.NextUnlinked(t.Context(), "panda", "a", 0, now.Add(-time.Second)); err != nil || !found || string(raw) != `{"id":"a-3"}` {
		t.Errorf("the oldest is %s: %v", raw, err)
	}
	if _, _, found, err := s.NextUnlinked(t.Context(), "panda", "a", 0, now); err != nil || found {
		t.Errorf("one is kept too long: %v", err)
	}
	none := incoming(t, "none", "b", `{}`)
	none.KeepUnlinked = 0
	if taken, err := s.Take(t.Context(), none); err != nil || taken.Waiting {
		t.Errorf("kept although it is off: %+v %v", taken, err)
	}
	for user := range 100 {
		var together sync.WaitGroup
		for i := range 100 {
			together.Go(func() { take(fmt.Sprintf("u-%d-%d", user, i), fmt.Sprintf("u-%d", user)) })
		}
		together.Wait()
	}
	if n, err := s.KeptUnlinked(t.Context(), "panda", "a", now.Add(-time.Second)); err != nil || n != 0 {
		t.Errorf("%d of the oldest stay beyond the bound in all: %v", n, err)
	}
	if n, err := s.KeptUnlinked(t.Context(), "panda", "u-0", now.Add(-time.Second)); err != nil || n != 100 {
		t.Errorf("%d of the next ones stay: %v", n, err)
	}
	// What is sent is kept no longer; the others are.
	link(t, s, "u-7")
	if taken, err := s.Take(t.Context(), incoming(t, "u-7-3", "u-7", `{"id":"u-7-3"}`)); err != nil || taken.Repeated || taken.Event.ID != "u-7-3" {
		t.Errorf("sent again after linking: %+v %v", taken, err)
	}
	if n, err := s.KeptUnlinked(t.Context(), "panda", "u-7", now.Add(-time.Second)); err != nil || n != 99 {
		t.Errorf("%d are kept after one was sent: %v", n, err)
	}
	if gone, err := s.ForgetUnlinked(t.Context(), now); err != nil || gone != 9999 {
		t.Errorf("%d are forgotten: %v", gone, err)
	}
}

// TestUnlinkedIsBounded has more users without a credential than are counted:
// those who are, go on to be.
func TestUnlinkedIsBounded(t *testing.T) {
	const most = 1000
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	var together sync.WaitGroup
	for worker := range 100 {
		together.Go(func() {
			for i := range most/100 + 1 {
				user := fmt.Sprintf("u-%d-%d", worker, i)
				if taken, err := s.Take(t.Context(), incoming(t, user, user, fmt.Sprintf("{%q:1}", user))); err != nil || taken.Result() != webhook.IntakeUnknownUser {
					t.Errorf("%s: %+v %v", user, taken, err)
				}
			}
		})
	}
	together.Wait()
	found, err := s.Unlinked(t.Context())
	if err != nil || len(found) != most {
		t.Fatalf("%d users: %v", len(found), err)
	}
	known := found[0].User
	if _, err := s.Take(t.Context(), incoming(t, "again", known, `{}`)); err != nil {
		t.Fatal(err)
	}
	link(t, s, found[1].User)
	after := map[string]int{}
	if found, err = s.Unlinked(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, u := range found {
		after[u.User] = u.Events
	}
	if len(after) != most-1 || after[known] != 2 {
		t.Errorf("%d users, the known one with %d events", len(after), after[known])
	}
}

// TestMisfitAgain has one misfit come more often than misfits are kept: it is
// kept once, and no other one goes for it.
func TestMisfitAgain(t *testing.T) {
	const most = 1000
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	misfit := func(raw string) webhook.Taking {
		t.Helper()
		taken, err := s.Take(t.Context(), webhook.Incoming{Provider: "panda", At: now, Raw: []byte(raw), Faults: []string{"no"}})
		if err != nil || !taken.Kept {
			t.Fatalf("%+v (%v)", taken, err)
		}
		return taken
	}
	misfit("first")
	for range most + 1 {
		misfit("again")
	}
	for n := range most - 2 {
		if taken := misfit(fmt.Sprint(n)); taken.Dropped != 0 {
			t.Fatalf("%d dropped for number %d", taken.Dropped, n+2)
		}
	}
	if taken := misfit("last"); taken.Dropped != 1 {
		t.Errorf("%d dropped for the last", taken.Dropped)
	}
	if kept, err := s.Quarantine(t.Context()); err != nil || len(kept) != most {
		t.Errorf("%d are kept (%v)", len(kept), err)
	}
}
