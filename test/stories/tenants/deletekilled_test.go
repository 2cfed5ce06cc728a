package tenants

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver

	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
	"sealpost/test/story"
)

// canary stands in all that an organization has which is deleted.
const canary = "do-not-keep"

const deletedEvents = 900 // several steps

// tenant makes a file in which acme has events, reasons of declined transactions and
// events of a user that came before the user was linked. The organization other has one
// of each.
func tenant(t *testing.T, path string) {
	t.Helper()
	at := time.Now().Add(-time.Minute)
	s, err := store.Open(t.Context(), store.Options{Path: path, Create: true, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for organization, events := range map[string]int{"acme": deletedEvents, "other": 1} {
		text := "stays"
		if organization == "acme" {
			text = canary
		}
		body := []byte(`{"text":"` + text + `"}`)
		must(s.CreateWebhook(t.Context(), organization, webhook.Config{Name: "a", URL: "https://" + text + ".example.com"}, secret.Generate(), at))
		var batch []webhook.Publication
		for n := range events {
			d, err := webhook.NewDraft("order.paid", body)
			must(err)
			d.ID = fmt.Sprint("e", n)
			batch = append(batch, webhook.Publication{Organization: organization, Draft: d, At: at})
		}
		_, err := s.Publish(t.Context(), batch)
		must(err)
		for n := range events {
			must(s.Decline(t.Context(), organization, fmt.Sprint("tx-", n), text, at))
		}
		taken, err := s.Take(t.Context(), webhook.Incoming{Provider: "panda", ID: organization, Content: sha256.Sum256(body), Raw: body, User: organization, At: at, KeepUnlinked: time.Hour})
		if must(err); !taken.Waiting {
			t.Fatalf("%+v", taken)
		}
		must(s.LinkCredentials(t.Context(), organization, at, webhook.Credential{Provider: "panda", User: organization, ID: text}))
	}
	must(s.Close())
}

// TestDeleteKilled kills `org delete` at calls that touch the disk, all over it. The
// organization is then whole or out of sight, and the same command again finishes it.
func TestDeleteKilled(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole.db")
	tenant(t, whole)
	text, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	program := story.New(t, nil)
	killed, unfinished := 0, 0
	for _, call := range []string{"pwrite64", "fsync,fdatasync"} {
		for n := 1; ; n = n*3/2 + 1 {
			path := filepath.Join(t.TempDir(), "s.db")
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			died := program.KilledAt(call, n, "org", "delete", "acme", "--cancel", "-y", "--database", path)
			_, listed, _ := program.Run("", "org", "list", "--database", path)
			done := ended(t, path, fmt.Sprintf("killed at %s %d (%s)", call, n, listed))
			if _, errs, code := program.Run("", "org", "delete", "acme", "--cancel", "-y", "--database", path); code != 0 && (code != 3 || !done) {
				t.Fatalf("killed at %s %d, then: %d %s", call, n, code, errs)
			}
			if !ended(t, path, "finished") {
				t.Errorf("killed at %s %d: it is not finished", call, n)
			}
			if out, errs, code := program.Run("", "db", "check", "--database", path); code != 0 {
				t.Errorf("killed at %s %d: %s%s", call, n, out, errs)
			}
			if !died {
				break
			}
			if killed++; !done {
				unfinished++
			}
		}
	}
	if killed < 10 || unfinished < 5 {
		t.Errorf("killed %d times, %d of them before the end", killed, unfinished)
	}
}

// ended reports whether nothing of acme is left. Before its end it is whole, or nothing
// of it is in sight; the other organization has all it had.
func ended(t *testing.T, path, when string) bool {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it was only read
	count := func(query string, args ...any) (n int) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
			t.Fatal(when, query, err)
		}
		return n
	}
	holds := func(text string) (n int) {
		for _, where := range []string{"event WHERE instr(CAST(bytes AS TEXT), ?)", "webhook WHERE instr(url, ?)", "decline WHERE instr(reason, ?)",
			"unlinked_event WHERE instr(CAST(bytes AS TEXT), ?)", "credential WHERE instr(credential, ?)"} {
			n += count("SELECT count(*) FROM "+where, text)
		}
		return n
	}
	if n := holds("stays"); n != 5 {
		t.Errorf("%s: %d rows of the other organization are left, not 5", when, n)
	}
	if n := count(`SELECT count(*) FROM event WHERE id LIKE 'e%' AND length(hash) = 32`); n != deletedEvents+1 {
		t.Errorf("%s: %d event ids are known, not %d", when, n, deletedEvents+1)
	}
	left := holds(canary)
	visible := count(`SELECT count(*) FROM organization WHERE slug = 'acme' AND deleted_at IS NULL`) == 1
	seen := count(`SELECT count(*) FROM webhook w WHERE w.deleted_at IS NULL AND instr(w.url, ?)`, canary) + count(`SELECT count(*) FROM signing_secret s JOIN webhook w ON w.seq = s.webhook WHERE w.name = 'a' AND w.deleted_at IS NOT NULL`)
	switch {
	case visible && left != 2*deletedEvents+3:
		t.Errorf("%s: it is in sight with %d of its %d rows", when, left, 2*deletedEvents+3)
	case !visible && seen != 0:
		t.Errorf("%s: it is out of sight, and %d of its webhooks and secrets are not", when, seen)
	}
	return !visible && left == 0 && count(`SELECT count(*) FROM deletion WHERE ended_at IS NULL`) == 0
}
