package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// together has operations share one commit, in their order: a change of the
// webhook x keeps the writer until all of them have been handed in.
func together(t *testing.T, s *store.Store, operations ...func()) {
	t.Helper()
	var g sync.WaitGroup
	all := make(chan struct{})
	g.Go(func() {
		if _, _, err := s.ChangeWebhook(t.Context(), "acme", "x", secret.Text{}, now, func(*webhook.Webhook) (*webhook.Config, error) {
			<-all
			return nil, nil
		}); err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	for _, operation := range operations {
		g.Go(operation)
		synctest.Wait()
	}
	close(all)
	g.Wait()
	synctest.Wait() // publishers are answered before the engine hears of it
}

// alter changes a file behind a store's back.
func alter(t testing.TB, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // what counts is the statement
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// ends is a trigger's body that fails as a full or broken disk does: SQLite ends
// the whole transaction, with all of its savepoints, on its own.
const ends = ` BEGIN SELECT RAISE(ROLLBACK, 'the disk failed'); END`

// TestTransactionEndedBySQLite: when one operation's failure has taken the
// transaction from those that share it, each is carried out by itself, whole, and
// the engine hears of it.
func TestTransactionEndedBySQLite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s.db")
		s := open(t, path)
		create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
		alter(t, path, `CREATE TRIGGER disk BEFORE INSERT ON webhook WHEN new.name = 'fails'`+ends)
		told := 0
		s.Notify(func(c webhook.Committed) { told += len(c.Work) })
		one := func(id string) func() {
			return func() {
				results, err := s.Publish(t.Context(), []webhook.Publication{event(t, id, `{}`)})
				if err = errors.Join(err, results[0].Err); err != nil || results[0].Repeated {
					t.Errorf("%s: %+v (%v)", id, results[0], err)
				}
			}
		}
		together(t, s, one("before"), func() {
			err := s.CreateWebhook(t.Context(), "acme", webhook.Config{Name: "fails", URL: "u"}, secret.Generate(), now)
			if webhook.CodeOf(err) != webhook.CodeUnavailable {
				t.Errorf("what failed was answered with %v", err)
			}
		}, one("after"))
		found, _, err := s.Deliveries(t.Context(), webhook.DeliveryQuery{Organization: "acme"})
		if err != nil || len(found) != 2 || told != 2 {
			t.Errorf("%d deliveries are there, and the engine heard of %d, not of both (%v)", len(found), told, err)
		}
	})
}

// TestNothingIsWrittenAfterAFailure: once SQLite has ended an operation's
// transaction, none of its later statements counts by itself.
func TestNothingIsWrittenAfterAFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	results, err := s.Publish(t.Context(), []webhook.Publication{event(t, "e1", `{}`)})
	if err != nil {
		t.Fatal(err)
	}
	alter(t, path, `CREATE TRIGGER disk_secret BEFORE UPDATE ON signing_secret`+ends)
	alter(t, path, `CREATE TRIGGER disk_response BEFORE INSERT ON response`+ends)

	if _, err := s.Rotate(t.Context(), "acme", "x", webhook.Rotation{Secret: secret.New("second"), Overlap: time.Hour}, now); err == nil {
		t.Error("a rotation that failed was answered as done")
	}
	if found, err := s.Secrets(t.Context(), "acme", "x"); err != nil || len(found) != 1 || found[0].Value.Reveal() == "second" {
		t.Errorf("after a rotation that failed there are %d secrets (%v)", len(found), err)
	}

	work := &webhook.Work{Key: results[0].Deliveries[0], EventID: "e1"}
	gone := &webhook.Outcome{Work: work, State: webhook.Dead, Disable: "it is gone", Attempt: webhook.Attempt{N: 1, At: now, Status: 410, Response: []byte("gone")}}
	if _, err := s.Finish(t.Context(), []*webhook.Outcome{gone}); err == nil {
		t.Error("an outcome that was not recorded was answered as such")
	}
	if w, err := s.Webhook(t.Context(), "acme", "x"); err != nil || w.Disabled {
		t.Errorf("the webhook was disabled by an outcome that was not recorded (%v)", err)
	}
}

// TestPutCarriedOutTwice: a webhook that was created in a transaction that failed,
// and was there already when the change ran again by itself, was not created: the
// secret that was made for it is not its own.
func TestPutCarriedOutTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s.db")
		s := open(t, path)
		create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
		create(t, s, "acme", webhook.Config{Name: "y", URL: "u"})
		alter(t, path, `CREATE TRIGGER disk BEFORE INSERT ON webhook WHEN new.name = 'fails'`+ends)
		deletions := 0
		together(t, s, func() {
			err := s.DeleteWebhook(t.Context(), "acme", "y", now, func(webhook.Webhook) error {
				if deletions++; deletions > 1 {
					return errors.New("another time")
				}
				return nil
			})
			if err == nil {
				t.Error("a deletion that was refused was answered as done")
			}
		}, func() {
			_, created, err := s.ChangeWebhook(t.Context(), "acme", "y", secret.New("another"), now, func(*webhook.Webhook) (*webhook.Config, error) {
				return &webhook.Config{Name: "y", URL: "v"}, nil
			})
			if err != nil || created {
				t.Errorf("the webhook that was there was answered as created: %t (%v)", created, err)
			}
		}, func() {
			_ = s.CreateWebhook(t.Context(), "acme", webhook.Config{Name: "fails", URL: "u"}, secret.Generate(), now)
		})
		if found, err := s.Secrets(t.Context(), "acme", "y"); err != nil || len(found) != 1 || found[0].Value.Reveal() == "another" {
			t.Errorf("%d secrets, or another one (%v)", len(found), err)
		}
	})
}

// TestUnreadableIsNotMissing: who asks for something in a file that can't be read
// is not told that it is not there.
func TestUnreadableIsNotMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	publish(t, s, awaited(t, "held", "t", hashOf("a")), "x")
	alter(t, path, `ALTER TABLE organization RENAME TO unreadable`)
	_, rotated := s.Rotate(t.Context(), "acme", "x", webhook.Rotation{Secret: secret.New("second")}, now)
	_, resent := s.Resend(t.Context(), "acme", "held", nil, now)
	for what, err := range map[string]error{
		"receipt":  s.Attach(t.Context(), "acme", "held", outcome(hashOf("a"), false), now),
		"deletion": s.DeleteWebhook(t.Context(), "acme", "x", now, nil),
		"rotation": rotated,
		"resend":   resent,
	} {
		if webhook.CodeOf(err) != webhook.CodeUnavailable {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestCallersWhoLeave: an operation whose caller leaves is waited for once it has
// begun, and before that it is not carried out.
func TestCallersWhoLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, filepath.Join(t.TempDir(), "s.db"))
		create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
		link(t, s, "u")
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		together(t, s, func() {
			in := incoming(t, "begun", "u", `{}`)
			publication := in.Publication
			in.Publication = func(c webhook.Credential, reason string) (webhook.Publication, error) {
				leave()
				return publication(c, reason)
			}
			if taken, err := s.Take(ctx, in); err != nil || taken.Event.ID != "begun" {
				t.Errorf("what is on file was answered with %+v (%v)", taken, err)
			}
		})
		waits, give := context.WithCancel(t.Context())
		defer give()
		for _, ctx := range []context.Context{ctx, waits} {
			together(t, s, func() {
				if taken, err := s.Take(ctx, incoming(t, "waits", "u", `{}`)); !errors.Is(err, context.Canceled) {
					t.Errorf("what nobody waits for was answered with %+v (%v)", taken, err)
				}
			}, give)
		}
		if taken, err := s.Take(t.Context(), incoming(t, "waits", "u", `{}`)); err != nil || taken.Repeated {
			t.Errorf("what nobody waited for was carried out: %+v (%v)", taken, err)
		}
	})
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
