package store_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// incoming is an event of a provider that becomes one of ours.
func incoming(t testing.TB, id, user, body string) webhook.Incoming {
	t.Helper()
	return webhook.Incoming{Provider: "panda", ID: id, User: user, At: now, Publication: func(c webhook.Credential) (webhook.Publication, error) {
		p := event(t, "panda_"+id, body)
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
// id already: with the same content it is that one; with other content it is
// refused, and stays unknown, so that it can be taken another time.
func TestTakeBesidePublished(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	link(t, s, "u")
	if _, err := s.Publish(t.Context(), []webhook.Publication{event(t, "panda_a", `{"n":1}`), event(t, "panda_b", `{"n":1}`)}); err != nil {
		t.Fatal(err)
	}
	same, err := s.Take(t.Context(), incoming(t, "a", "u", `{"n":1}`))
	if err != nil || same.Repeated || !same.Event.Repeated {
		t.Errorf("the same: %+v %v", same, err)
	}
	for range 2 {
		if other, err := s.Take(t.Context(), incoming(t, "b", "u", `{"n":2}`)); webhook.CodeOf(err) != webhook.CodeEventConflict || other.Repeated {
			t.Errorf("another: %+v %v", other, err)
		}
	}
	if again, err := s.Take(t.Context(), incoming(t, "a", "u", `{"n":2}`)); err != nil || !again.Repeated {
		t.Errorf("again: %+v %v", again, err)
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
				if taken, err := s.Take(t.Context(), incoming(t, user, user, `{}`)); err != nil || taken.Result() != webhook.IntakeUnknownUser {
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
