package store_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// reasonOf is the reason with which a provider's event of a declined transaction goes
// out at a time.
func reasonOf(t *testing.T, s *store.Store, id, transaction string, at time.Time) (reason string) {
	t.Helper()
	in := incoming(t, id, "u", `{"id":"`+id+`"}`)
	in.Declined, in.At = transaction, at
	publish := in.Publication
	in.Publication = func(c webhook.Credential, left string) (webhook.Publication, error) {
		reason = left
		return publish(c, left)
	}
	if taken, err := s.Take(t.Context(), in); err != nil || taken.Result() != webhook.IntakeAccepted {
		t.Fatalf("%+v (%v)", taken, err)
	}
	return reason
}

// TestDecline: the newest reason of a transaction counts, for its organization alone,
// for 30 days, and then it is removed.
func TestDecline(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	create(t, s, "other", webhook.Config{Name: "x", URL: "u"})
	link(t, s, "u")
	leave := func(organization, transaction, reason string, at time.Time) {
		t.Helper()
		if err := s.Decline(t.Context(), organization, transaction, reason, at); err != nil {
			t.Fatal(err)
		}
	}
	leave("acme", "tx", "first", now.Add(-time.Hour))
	leave("acme", "tx", "second", now)
	leave("other", "tx", "theirs", now)
	leave("other", "elsewhere", "theirs", now)
	for n, step := range []struct {
		transaction string
		after       time.Duration
		want        string
	}{
		{"tx", 0, "second"}, {"", 0, ""}, {"elsewhere", 0, ""}, {"tx", store.KeepDeclines - time.Millisecond, "second"}, {"tx", store.KeepDeclines, ""},
	} {
		if got := reasonOf(t, s, fmt.Sprint("e", n), step.transaction, now.Add(step.after)); got != step.want {
			t.Errorf("%q after %s: the reason is %q, not %q", step.transaction, step.after, got, step.want)
		}
	}
	if gone, err := s.Tidy(t.Context(), now.Add(store.KeepDeclines-time.Millisecond)); err != nil || gone != 0 {
		t.Errorf("%d went before their time (%v)", gone, err)
	}
	if gone, err := s.Tidy(t.Context(), now.Add(store.KeepDeclines)); err != nil || gone != 3 {
		t.Errorf("%d went after 30 days, not 3 (%v)", gone, err)
	}
}

// TestDeclineIsBounded: past the bound the oldest reasons of the organization go. A
// reason that is changed adds none, and others' reasons stay.
func TestDeclineIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	if s.Declines() != store.MaxDeclines || store.MaxDeclines != 100_000 {
		t.Errorf("%d reasons are kept", s.Declines())
	}
	s.KeepDeclines(3)
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	create(t, s, "other", webhook.Config{Name: "x", URL: "u"})
	link(t, s, "u")
	for n, left := range []struct{ organization, transaction string }{
		{"other", "t"}, {"acme", "a"}, {"acme", "b"}, {"acme", "c"}, {"acme", "a"}, {"acme", "a"}, {"acme", "d"}, {"acme", "e"},
	} {
		if err := s.Decline(t.Context(), left.organization, left.transaction, left.transaction, now.Add(time.Duration(n)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	for transaction, want := range map[string]string{"a": "a", "b": "", "c": "", "d": "d", "e": "e"} {
		if got := reasonOf(t, s, "e-"+transaction, transaction, now.Add(time.Minute)); got != want {
			t.Errorf("of %s the reason is %q, not %q", transaction, got, want)
		}
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it was only read
	var rows, counted int
	if err := db.QueryRow(`SELECT (SELECT count(*) FROM decline), (SELECT sum(n) FROM decline_count)`).Scan(&rows, &counted); err != nil || rows != 4 || counted != 4 {
		t.Errorf("%d reasons are kept, %d are counted (%v)", rows, counted, err)
	}
}
