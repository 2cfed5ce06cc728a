package deliver_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/webhook"
)

// TestPanicEndsOneDelivery has the client panic over one event: that delivery
// is dead at once and tells why, what waits behind it goes on, and neither time
// nor a restart tries it again. A person may.
func TestPanicEndsOneDelivery(t *testing.T) {
	const private = "do-not-tell"
	for name, raise := range map[string]func(){
		"runtime error": func() { var none []int; none[len(private)]++ },
		"value":         func() { panic(private) },
		"error":         func() { panic(fmt.Errorf("%s", private)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var panics []deliver.Observation
				mended := false
				w := newWorld(t, deliver.Options{Policy: exact(), Observe: func(o deliver.Observation) {
					mu.Lock()
					defer mu.Unlock()
					if o.Panic != nil {
						panics = append(panics, o)
					}
				}}, func(r *http.Request, _ int) (int, http.Header, error) {
					if r.Header.Get("webhook-id") == "evil" && !mended {
						raise()
					}
					return http.StatusOK, nil, nil
				})
				w.create("orders")
				evil := w.publish(w.store, "evil", "tx-1")
				behind := w.publish(w.store, "behind", "tx-1")
				other := w.publish(w.store, "other", "tx-2")
				pass(10 * 24 * time.Hour)
				w.stop()
				w.start()
				pass(10 * 24 * time.Hour)
				d := w.delivery(evil)
				if d.State != webhook.Dead || !strings.HasPrefix(d.Reason, deliver.Quarantined) || d.Count != 1 || strings.Contains(d.Reason, private) {
					t.Errorf("the evil one is %s after %d attempts: %s", d.State, d.Count, d.Reason)
				}
				for _, good := range []webhook.Publishing{behind, other} {
					if d := w.delivery(good); d.State != webhook.Delivered {
						t.Errorf("%s is %s: %s", good.ID, d.State, d.Reason)
					}
				}
				if len(panics) != 1 || strings.Contains(panics[0].Panic.What, private) || strings.Contains(panics[0].Panic.Stack, private) ||
					!strings.Contains(panics[0].Panic.Stack, "poison_test.go") {
					t.Errorf("%d panics are told of: %+v", len(panics), panics)
				}
				if stats := w.engine.Stats(); stats.InFlight != 0 || stats.Queued != 0 {
					t.Errorf("something is left in hand: %+v", stats)
				}
				mended = true
				if err := w.store.RetryDelivery(t.Context(), "acme", evil.Deliveries[0], time.Now()); err != nil {
					t.Fatal(err)
				}
				pass(time.Second)
				if d := w.delivery(evil); d.State != webhook.Delivered {
					t.Errorf("retried by hand it is %s: %s", d.State, d.Reason)
				}
				w.close()
			})
		})
	}
}

// TestPanicInTheForeground: it is an error of its own kind, and tells no value.
func TestPanicInTheForeground(t *testing.T) {
	to := &receivers{answer: func(*http.Request, int) (int, http.Header, error) { panic("do-not-tell") }}
	work := &webhook.Work{EventID: "e", Type: "a.b", Bytes: []byte("{}")}
	_, err := deliver.Foreground{Client: to, Policy: exact(), Receiver: at("https://x.example.com/")}.Deliver(t.Context(), work)
	if webhook.CodeOf(err) != webhook.CodeInternal || strings.Contains(err.Error(), "do-not-tell") {
		t.Errorf("it ends with %v", err)
	}
}

// TestPanicOfTheListener: who hears of attempts can't keep them from being
// recorded.
func TestPanicOfTheListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deliver.Options{Policy: exact(), Observe: func(deliver.Observation) { panic("ouch") }}, always(200))
		defer w.close()
		w.create("orders")
		result := w.publish(w.store, "a", "tx-1")
		pass(time.Second)
		if d := w.delivery(result); d.State != webhook.Delivered || len(w.to.requests()) != 1 {
			t.Errorf("it is %s after %d requests", d.State, len(w.to.requests()))
		}
	})
}

// poisons are rows that this program would never write, for webhook 1 of
// organization 1. Each ends the engine's interest in it: dead, out of reach,
// or sent as it is.
var poisons = map[string][]string{
	"bytes gone":             {`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES (101, 1, 'p101', 'a.b', NULL, NULL, 0, 1, 1, X'01', X'00', NULL)`, `INSERT INTO delivery (webhook, event, run, state) VALUES (1, 101, 0, 0)`},
	"malformed JSON":         {`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES (102, 1, 'p102', 'a.b', NULL, NULL, 0, 1, 1, X'01', X'00', X'7B225B')`, `INSERT INTO delivery (webhook, event, run, state) VALUES (1, 102, 0, 0)`},
	"no bytes at all":        {`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES (103, 1, 'p103', 'a.b', NULL, NULL, 0, 1, 1, X'01', X'00', X'')`, `INSERT INTO delivery (webhook, event, run, state) VALUES (1, 103, 0, 0)`},
	"no type":                {`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES (104, 1, 'p104', '', NULL, NULL, 0, 1, 1, X'01', X'00', X'7B7D')`, `INSERT INTO delivery (webhook, event, run, state) VALUES (1, 104, 0, 0)`},
	"a type of many parts":   {`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES (105, 1, 'p105', '..' || char(0, 10, 13) || 'x.y.z', NULL, NULL, 0, 1, 1, X'01', X'00', X'7B7D')`, `INSERT INTO delivery (webhook, event, run, state) VALUES (1, 105, 0, 0)`},
	"an id that splits":      {`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES (106, 1, 'p106' || char(13, 10) || 'X-Forged: 1', 'a.b', NULL, NULL, 0, 1, 1, X'01', X'00', X'7B7D')`, `INSERT INTO delivery (webhook, event, run, state) VALUES (1, 106, 0, 0)`},
	"an unknown event state": {`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES (107, 1, 'p107', 'a.b', NULL, NULL, 99, 1, 1, X'01', X'00', X'7B7D')`, `INSERT INTO delivery (webhook, event, run, state) VALUES (1, 107, 0, 0)`},
	"a broken fan-out":       {`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES (108, 1, 'p108', 'a.b', NULL, NULL, 0, 1, 1, X'FFFFFFFFFFFFFFFFFFFFFFFF', X'00', X'7B7D')`, `INSERT INTO delivery (webhook, event, run, state) VALUES (1, 108, 0, 0)`},
	"no event":               {`INSERT INTO delivery (webhook, event, run, state) VALUES (1, 109, 0, 0)`},
	"no webhook":             {`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES (110, 1, 'p110', 'a.b', NULL, NULL, 0, 1, 1, X'63', X'00', X'7B7D')`, `INSERT INTO delivery (webhook, event, run, state) VALUES (99, 110, 0, 0)`},
	"attempts without end":   {`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES (111, 1, 'p111', 'a.b', NULL, NULL, 0, 1, 1, X'01', X'00', X'7B7D')`, `INSERT INTO delivery (webhook, event, run, state, attempts, due) VALUES (1, 111, 0, 0, 9223372036854775806, 1)`},
	"more spent than made":   {`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES (112, 1, 'p112', 'a.b', NULL, NULL, 0, 1, 1, X'01', X'00', X'7B7D')`, `INSERT INTO delivery (webhook, event, run, state, attempts, spent, due) VALUES (1, 112, 0, 0, 1, 9000000000000000000, 1)`},
	"due before time began":  {`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES (113, 1, 'p113', 'a.b', NULL, NULL, 0, 1, 1, X'01', X'00', X'7B7D')`, `INSERT INTO delivery (webhook, event, run, state, due) VALUES (1, 113, 0, 0, -5)`},
	"an unknown state":       {`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES (114, 1, 'p114', 'a.b', NULL, NULL, 0, 1, 1, X'01', X'00', X'7B7D')`, `INSERT INTO delivery (webhook, event, run, state) VALUES (1, 114, 0, 77)`},
	"times out of bounds":    {`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES (115, 1, 'p115', 'a.b', NULL, NULL, 0, 9223372036854775807, 1, X'01', X'00', X'7B7D')`, `INSERT INTO delivery (webhook, event, run, state, created, at) VALUES (1, 115, 0, 0, -9223372036854775808, 9223372036854775807)`},
	"a hold without parts": {`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES (116, 1, 'p116', 'a.b', 'tx-9', NULL, 1, 1, 0, NULL, X'00', X'00')`, `INSERT INTO hold VALUES (116, 1, NULL, 1, NULL, NULL, NULL)`,
		`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES (117, 1, 'p117', 'a.b', 'tx-9', NULL, 1, 1, 0, NULL, X'00', NULL)`, `INSERT INTO hold VALUES (117, 1, '0x', 1, -1, 'success', X'FF')`},
}

// TestPoisonedRows starts over a file with rows that were never ours, and with
// good ones before and after them.
func TestPoisonedRows(t *testing.T) {
	for name, statements := range poisons {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, deliver.Options{Policy: exact()}, always(200))
				w.create("orders")
				w.stop()
				before := w.publish(w.store, "before", "tx-1")
				if err := w.store.Close(); err != nil {
					t.Fatal(err)
				}
				db, err := sql.Open("sqlite", w.path)
				if err != nil {
					t.Fatal(err)
				}
				for _, statement := range statements {
					if _, err := db.Exec(statement); err != nil {
						t.Fatal(err)
					}
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				w.store = w.openStore()
				after := w.publish(w.store, "after", "tx-1")
				w.start()
				defer w.close()
				pass(time.Minute)
				later := w.publish(w.store, "later", "tx-2")
				if _, err := w.store.Expire(t.Context(), time.Now()); err != nil {
					t.Errorf("expiring: %v", err)
				}
				pass(30 * 24 * time.Hour)
				for _, good := range []webhook.Publishing{before, after, later} {
					if d := w.delivery(good); d.State != webhook.Delivered {
						t.Errorf("%s is %s: %s", good.ID, d.State, d.Reason)
					}
				}
				counts := map[string]int{}
				for _, r := range w.to.requests() {
					if counts[r.id]++; r.id == "p101" {
						t.Errorf("a body that is gone was sent as %q", r.body)
					}
				}
				for id, n := range counts {
					if n > 25 {
						t.Errorf("%q was sent %d times", id, n)
					}
				}
				w.looks(t)
			})
		})
	}
}

// looks has a person look at everything.
func (w *world) looks(t *testing.T) {
	t.Helper()
	events, _, err := w.store.Events(t.Context(), webhook.EventQuery{Organization: "acme"})
	if err != nil || len(events) < 3 {
		t.Errorf("%d events are listed (%v)", len(events), err)
	}
	for _, e := range events {
		if one, err := w.store.Event(t.Context(), "acme", e.ID); err != nil {
			t.Errorf("event %q: %v", e.ID, err)
		} else {
			one.View(true)
		}
	}
	found, _, err := w.store.Deliveries(t.Context(), webhook.DeliveryQuery{Organization: "acme"})
	if err != nil || len(found) < 3 {
		t.Errorf("%d deliveries are listed (%v)", len(found), err)
	}
	for _, d := range found {
		if _, err := w.store.Delivery(t.Context(), "acme", d.Key); err != nil {
			t.Errorf("delivery %s: %v", d.Key, err)
		}
	}
}
