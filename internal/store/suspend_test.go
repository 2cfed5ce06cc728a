package store_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// TestSuspend: whatever is written to the webhooks of a suspended organization, its
// deliveries stay parked, and resume brings back what was wanted meanwhile.
func TestSuspend(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	for _, name := range []string{"on", "off", "enabled-later", "disabled-later"} {
		create(t, s, "acme", webhook.Config{Name: name, URL: "u", Disabled: name == "off" || name == "enabled-later"})
	}
	create(t, s, "other", webhook.Config{Name: "on", URL: "u"})
	if o, err := s.Suspend(t.Context(), "acme", now); err != nil || o.Suspended != now {
		t.Fatal(o, err)
	}
	set := func(name string, disabled bool) {
		t.Helper()
		if _, _, err := s.ChangeWebhook(t.Context(), "acme", name, secret.Text{}, now, func(found *webhook.Webhook) (*webhook.Config, error) {
			next := found.Config
			next.Disabled, next.URL = disabled, "v"
			return &next, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	set("enabled-later", false)
	set("disabled-later", true)
	set("on", false)
	create(t, s, "acme", webhook.Config{Name: "new", URL: "u"})
	if _, err := s.Suspend(t.Context(), "acme", now); err != nil { // twice is once
		t.Fatal(err)
	}
	states := func(organization string) (states []string) {
		t.Helper()
		found, err := s.Webhooks(t.Context(), organization)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range found {
			r, err := s.Receiver(t.Context(), w.Seq)
			if err != nil {
				t.Fatal(err)
			}
			states = append(states, fmt.Sprintf("%s %t %t", w.Name, !w.Disabled, !r.Disabled))
		}
		return states
	}
	want := []string{"disabled-later false false", "enabled-later true false", "new true false", "off false false", "on true false"}
	if got := states("acme"); !slices.Equal(got, want) {
		t.Errorf("suspended: %q", got)
	}
	if got := states("other"); !slices.Equal(got, []string{"on true true"}) {
		t.Errorf("another organization: %q", got)
	}
	if _, err := s.Publish(t.Context(), []webhook.Publication{event(t, "e", `{}`)}); err != nil {
		t.Fatal(err)
	}
	parked, _, err := s.Deliveries(t.Context(), webhook.DeliveryQuery{Organization: "acme", State: webhook.Parked})
	if err != nil || len(parked) != 5 {
		t.Errorf("parked: %v, %v", parked, err)
	}
	if o, err := s.Resume(t.Context(), "acme", now); err != nil || !o.Suspended.IsZero() {
		t.Fatal(o, err)
	}
	want = []string{"disabled-later false false", "enabled-later true true", "new true true", "off false false", "on true true"}
	if got := states("acme"); !slices.Equal(got, want) {
		t.Errorf("resumed: %q", got)
	}
	pending, _, err := s.Deliveries(t.Context(), webhook.DeliveryQuery{Organization: "acme", State: webhook.Pending})
	if err != nil || len(pending) != 3 {
		t.Errorf("pending: %v, %v", pending, err)
	}
}

// TestDeleteOrganization: nothing of a deleted organization is left in the file but the
// slug and the ids and hashes of its events, whichever step a crash came after.
func TestDeleteOrganization(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const canary = "do-not-keep"
	create(t, s, "acme", webhook.Config{Name: "a", URL: "https://" + canary + ".example.com"})
	create(t, s, "acme", webhook.Config{Name: "gone", URL: "https://" + canary + ".example.com"})
	create(t, s, "other", webhook.Config{Name: "a", URL: "https://other.example.com"})
	const events = 700 // more than one step
	var batch []webhook.Publication
	for i := range events {
		batch = append(batch, event(t, fmt.Sprintf("e%d", i), `{"text":"`+canary+`"}`))
	}
	held := event(t, "held", `{"text":"`+canary+`"}`)
	held.Draft.Await = true
	kept := event(t, "kept", `{"text":"kept"}`)
	kept.Organization = "other"
	_, err := s.Publish(t.Context(), append(batch, held, kept))
	must(err)
	must(s.DeleteWebhook(t.Context(), "acme", "gone", now, nil))
	for n, user := range []string{"u", "u", "u", "others", "nobody's"} { // kept, since nobody has linked them yet
		text := canary
		if user != "u" {
			text = "stays"
		}
		_, err := s.Take(t.Context(), incoming(t, fmt.Sprint("p", n), user, `{"text":"`+text+`"}`))
		must(err)
	}
	must(s.LinkCredentials(t.Context(), "acme", now, webhook.Credential{Provider: "panda", User: "u", ID: canary}))
	must(s.LinkCredentials(t.Context(), "other", now, webhook.Credential{Provider: "panda", User: "others", ID: "c"}))
	for n := range 300 { // more than one step
		must(s.Decline(t.Context(), "acme", fmt.Sprint("tx-", n), canary, now))
	}
	must(s.Decline(t.Context(), "other", "tx", "stays", now))
	must(s.AddToken(t.Context(), "acme", access.Token{ID: "t", Name: "t", Role: access.Owner, Created: now}))
	acme, err := s.Organization(t.Context(), "acme")
	must(err)

	if err := s.DeleteOrganization(t.Context(), "acme", false, now); webhook.CodeOf(err) != webhook.CodeConflict {
		t.Fatalf("deleted with work that has not ended: %v", err)
	}
	must(s.DeleteOrganization(t.Context(), "acme", true, now))
	late := incoming(t, "late", "u", `{"text":"after"}`) // belongs to nobody
	late.At = now.Add(time.Second)
	_, err = s.Take(t.Context(), late)
	must(err)
	for _, name := range []string{"acme", acme.ID} {
		if _, err := s.Organization(t.Context(), name); webhook.CodeOf(err) != webhook.CodeNotFound {
			t.Errorf("%s is found: %v", name, err)
		}
		if unfinished, err := s.Deleted(t.Context(), name); err != nil || !unfinished {
			t.Errorf("%s is finished: %v", name, err)
		}
	}
	if token, err := s.Token(t.Context(), "t"); err != nil || token.Revoked.IsZero() {
		t.Errorf("the token: %+v, %v", token, err)
	}
	again := event(t, "e0", `{}`)
	again.Organization = acme.ID
	if results, err := s.Publish(t.Context(), []webhook.Publication{again}); err != nil || webhook.CodeOf(results[0].Err) != webhook.CodeNotFound {
		t.Errorf("published to it: %v, %v", results, err)
	}
	must(s.Close())

	s = open(t, path) // after a crash
	must(s.Purge(t.Context(), false, now))
	must(s.Purge(t.Context(), false, now))
	if unfinished, err := s.Deleted(t.Context(), "acme"); err != nil || unfinished {
		t.Errorf("not finished: %v", err)
	}
	stranger := webhook.Organization{ID: "org_stranger", Slug: "acme", Name: "x", Type: "integrator", Created: now}
	var fault *access.Error
	err = s.AddOrganization(t.Context(), stranger, access.NewMembership(stranger, access.User{ID: "usr_1", Created: now}, access.Owner, now), access.Digest{})
	if fault, _ = err.(*access.Error); fault == nil || fault.Code != access.CodeOrganizationExists { //nolint:errorlint // it is not wrapped
		t.Errorf("its slug by signing up: %v", err)
	}
	if left, err := s.Event(t.Context(), "other", "kept"); err != nil || left.Pruned {
		t.Errorf("another organization's event: %+v, %v", left, err)
	}
	if linked, err := s.Credentials(t.Context(), "other"); err != nil || len(linked) != 1 {
		t.Error(linked, err)
	}
	for user, want := range map[string]int{"u": 1, "others": 1, "nobody's": 1} {
		if n, err := s.KeptUnlinked(t.Context(), "panda", user, time.Time{}); err != nil || n != want {
			t.Errorf("%d events of the user %s are kept, not %d: %v", n, user, want, err)
		}
	}
	leftOf(t, path, acme.ID, canary, events+1)
	if _, err := s.CreateOrganization(t.Context(), "acme", "Acme", now); err != nil {
		t.Errorf("its slug on the machine: %v", err)
	}
}

// leftOf looks through every table for rows of a deleted organization that are none of
// those that may stay, so that a new table is in it by itself.
func leftOf(t *testing.T, path, id, canary string, events int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it was only read
	var seq, known int
	if err := db.QueryRow(`SELECT seq FROM organization WHERE id = ?`, id).Scan(&seq); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow(`SELECT count(*) FROM event WHERE organization = ? AND bytes IS NULL AND fanout IS NULL AND length(hash) = 32`, seq).Scan(&known); err != nil || known != events {
		t.Errorf("%d tombstones, not %d: %v", known, events, err)
	}
	rows, err := db.Query(`SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'`)
	if err != nil {
		t.Fatal(err)
	}
	columns := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		columns[table] = append(columns[table], column)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	stays := []string{"event", "webhook", "token", "deletion"}
	for table, names := range columns {
		var n int
		if slices.Contains(names, "organization") && !slices.Contains(stays, table) {
			if err := db.QueryRow(`SELECT count(*) FROM `+table+` WHERE organization = ?`, seq).Scan(&n); err != nil || n > 0 {
				t.Errorf("%d rows of %s stay: %v", n, table, err)
			}
		}
		text := make([]string, len(names))
		for i, name := range names {
			text[i] = "coalesce(CAST(" + name + " AS TEXT), '')"
		}
		if err := db.QueryRow(`SELECT count(*) FROM `+table+` WHERE instr(`+strings.Join(text, " || ")+`, ?) > 0`, canary).Scan(&n); err != nil || n > 0 {
			t.Errorf("%d rows of %s hold content: %v", n, table, err)
		}
	}
}

// TestPurgeSteps: a step is bounded, and each goes on where the last one ended, also in
// another process.
func TestPurgeSteps(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "a", URL: "u"})
	for round := range 5 {
		var batch []webhook.Publication
		for i := range 400 {
			batch = append(batch, event(t, fmt.Sprintf("e-%d-%d", round, i), `{}`))
		}
		if _, err := s.Publish(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteOrganization(t.Context(), "acme", true, now); err != nil {
		t.Fatal(err)
	}
	most := 0
	s.Measure(func(_, rows int, _ time.Duration) { most = max(most, rows) })
	if err := s.Purge(t.Context(), false, now); err != nil {
		t.Fatal(err)
	}
	if most > 3000 {
		t.Errorf("a step wrote %d rows", most)
	}
}
