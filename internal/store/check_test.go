package store_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"testing"

	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestCheckFinds breaks a sound database in one way at a time.
func TestCheckFinds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	create(t, s, "acme", webhook.Config{Name: "y", URL: "u"})
	key := publish(t, s, event(t, "e1", `{}`), "x").Deliveries[0]
	finish(t, s, key.Webhook, webhook.Pending, now)
	finish(t, s, key.Webhook, webhook.Delivered, now)
	publish(t, s, event(t, "e2", `{}`), "x", "y")
	held := event(t, "e3", `{}`)
	held.Draft.Await = true
	publish(t, s, held)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ broken, name, fault string }{
		{`SELECT 1`, "", ""},
		{`UPDATE event SET state = 9 WHERE id = 'e1'`, "states", "event e1 has the state 9"},
		{`UPDATE delivery SET state = 7 WHERE event = 2 AND webhook = 1`, "states", "a delivery of event number 2 has the state 7"},
		{`DELETE FROM delivery WHERE event = 2 AND webhook = 1`, "deliveries", "event e2 has 1 deliveries instead of 2"},
		{`INSERT INTO delivery (webhook, event, run, state) VALUES (2, 1, 0, 2)`, "deliveries", "a delivery is there of event number 1 to webhook number 2, to which it never went"},
		{`INSERT INTO delivery (webhook, event, run, state) VALUES (2, 99, 0, 2)`, "deliveries", "a delivery is there of event number 99 to webhook number 2, to which it never went"},
		{`UPDATE event SET bytes = NULL WHERE id = 'e2'`, "work", "event e2 has deliveries pending and no body"},
		{`DELETE FROM hold`, "work", "event e3 is held for nothing"},
		{`UPDATE attempt SET n = 2`, "attempts", "attempt 2 of event number 1 is not counted"},
		{`UPDATE response SET n = 3 WHERE n = 2`, "attempts", "answer 3 of event number 1 belongs to no attempt"},
		{`UPDATE signing_secret SET ends_at = 5 WHERE webhook = 1`, "webhooks", "webhook acme/x has 0 current secrets"},
		{`UPDATE signing_secret SET sealed = 1 WHERE webhook = 1`, "secrets", "the secret of acme/x does not open"},
		{`PRAGMA foreign_keys = 0; UPDATE webhook SET organization = 77 WHERE name = 'y'`, "file", "1 rows of webhook refer to no row of organization"},
	} {
		broken := filepath.Join(t.TempDir(), "b.db")
		if _, err := store.Backup(t.Context(), path, broken, nil); err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("sqlite", broken)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(test.broken); err != nil {
			t.Fatalf("%s: %v", test.broken, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		found, err := store.Check(t.Context(), broken, secret.Text{})
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, c := range found {
			if c.Name == test.name {
				told = c.Faults
			} else if test.name == "" && len(c.Faults) > 0 {
				t.Errorf("%s: %v", c.Name, c.Faults)
			}
		}
		if test.fault != "" && !slices.Contains(told, test.fault) {
			t.Errorf("%s: %q, not %q", test.broken, told, test.fault)
		}
	}
}
