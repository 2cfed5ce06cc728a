package store_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
	"sealpost/test/bigfile"
)

// manyRows is a file of an older version with enough rows that walks go on over
// several queries, brought up to date. Its deliveries are in all states, some
// events were sent again, and one webhook's name was given to another one.
func manyRows(t *testing.T, deliveries int) (path string, s *store.Store) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sealpost.db")
	if err := bigfile.Make(t.Context(), path, bigfile.Spec{Deliveries: deliveries, Organizations: 6, Body: 40}); err != nil {
		t.Fatal(err)
	}
	alter(t, path, `
		UPDATE delivery SET state = 2 WHERE event % 37 = 5;
		UPDATE delivery SET state = 3, reason = 'cancelled by hand' WHERE event % 41 = 7;
		UPDATE delivery SET state = 0, due = CASE WHEN event % 2 THEN 0 ELSE 4000000000000 END WHERE event % 43 = 8;
		INSERT INTO delivery (webhook, event, run, state, created) SELECT webhook, event, 1, 1, 1700000000000 FROM delivery WHERE event % 29 = 3 AND run = 0;
		INSERT INTO delivery (webhook, event, run, state, due) SELECT webhook, event, 2, 0, 4000000000000 FROM delivery WHERE event % 58 = 3 AND run = 1;
		UPDATE webhook SET deleted_at = 1700000000000 WHERE name = 'hook-4';
		UPDATE webhook SET name = 'hook-4' WHERE name = 'hook-5';`)
	return path, open(t, path)
}

// fitting asks the file for all keys that a query should list, in order, with no
// index and no page.
func fitting(t *testing.T, path string, q webhook.DeliveryQuery) (keys []string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it was only read
	rows, err := db.QueryContext(t.Context(), `SELECT d.webhook, d.event, d.run,
			CASE WHEN d.state = 0 AND w.deleted_at IS NOT NULL THEN 'cancelled' WHEN d.state = 0 AND w.disabled IS NOT NULL THEN 'parked'
				WHEN d.state = 0 THEN 'pending' WHEN d.state = 1 THEN 'delivered' WHEN d.state = 2 THEN 'dead' ELSE 'cancelled' END AS shown
		FROM delivery d JOIN event e ON e.seq = d.event JOIN webhook w ON w.seq = d.webhook JOIN organization o ON o.seq = e.organization
		WHERE o.slug = ?1 AND (?2 = '' OR shown = ?2) AND (?3 = '' OR w.name = ?3) AND (?4 = '' OR e.type = ?4) AND (?5 = '' OR e.publisher = ?5)
			AND e.accepted_at >= ?6 AND (?7 = '' OR e.id = ?7)
		ORDER BY d.event DESC, d.webhook, d.run DESC`,
		q.Organization, string(q.State), q.Webhook, q.Type, q.Publisher, q.Since.UnixMilli(), q.Event)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		var key webhook.DeliveryKey
		var shown string
		if err := rows.Scan(&key.Webhook, &key.Event, &key.Run, &shown); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key.String()+" "+shown)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return keys
}

// paged lists all pages of a query.
func paged(t *testing.T, s *store.Store, q webhook.DeliveryQuery) (keys []string) {
	t.Helper()
	for {
		found, next, err := s.Deliveries(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > webhook.Page(q.Limit) {
			t.Fatalf("a page of %d has %d", q.Limit, len(found))
		}
		for _, d := range found {
			keys = append(keys, d.Key.String()+" "+string(d.State))
		}
		if next == "" {
			return keys
		}
		if next == q.Cursor {
			t.Fatal("the cursor does not go on")
		}
		q.Cursor = next
	}
}

// TestDeliveryListsAreWhole checks each filter, and each pair of filters, against
// all rows of the file: nothing is left out, doubled, or out of order, whatever
// the size of a page.
func TestDeliveryListsAreWhole(t *testing.T) {
	path, s := manyRows(t, 7_000)
	since := time.UnixMilli(1_700_000_000_000 + 3_500*100)
	var queries []webhook.DeliveryQuery
	for _, org := range []string{bigfile.Large, bigfile.Small, bigfile.Empty, "nobody"} {
		for _, state := range append([]webhook.DeliveryState{""}, webhook.DeliveryStates...) {
			q := webhook.DeliveryQuery{Organization: org, State: state}
			queries = append(queries, q)
			for _, with := range []func(*webhook.DeliveryQuery){
				func(q *webhook.DeliveryQuery) { q.Webhook = "hook-4" },
				func(q *webhook.DeliveryQuery) { q.Webhook = "hook-19" },
				func(q *webhook.DeliveryQuery) { q.Webhook = "nothing" },
				func(q *webhook.DeliveryQuery) { q.Type = "card.updated" },
				func(q *webhook.DeliveryQuery) { q.Publisher = "tok_publisher" },
				func(q *webhook.DeliveryQuery) { q.Since = since },
				func(q *webhook.DeliveryQuery) { q.Webhook, q.Type = "hook-4", "transaction.created" },
				func(q *webhook.DeliveryQuery) { q.Publisher, q.Since = "tok_publisher", since },
			} {
				one := q
				with(&one)
				queries = append(queries, one)
			}
		}
	}
	for _, limit := range []int{7, webhook.MaxPage} {
		for _, q := range queries {
			q.Limit = limit
			if limit < 10 && q.Webhook == "" && q.State == "" {
				q.Limit = 97 // many pages, but not thousands
			}
			want, got := fitting(t, path, q), paged(t, s, q)
			if !slices.Equal(got, want) {
				t.Errorf("%+v: %s", q, difference(got, want))
			}
		}
	}
}

// TestPagesGoOnAfterABound: every page ends at a bound of its work, by time or by rows,
// after its first look, its second, and so on. The next page goes on where the page
// ended: nothing is left out or doubled, and the list ends.
func TestPagesGoOnAfterABound(t *testing.T) {
	const odd = 33 // rows that one query looks at, so that pages end at many places
	path, s := manyRows(t, 5_000)
	lists := map[string]struct {
		want []string
		got  func(*testing.T) []string
	}{}
	for _, q := range []webhook.DeliveryQuery{
		{Type: "no.such"}, {Type: "card.updated"}, {Webhook: "hook-4"}, {State: webhook.Delivered, Webhook: "hook-19", Publisher: "tok_publisher"},
		{State: webhook.Pending}, {State: webhook.Parked, Type: "card.updated"}, {State: webhook.Dead, Type: "card.updated"}, {State: webhook.Cancelled, Webhook: "hook-4"},
	} {
		q.Organization, q.Limit = bigfile.Large, 40
		lists[fmt.Sprintf("deliveries %s %s %s", q.State, q.Webhook, q.Type)] = struct {
			want []string
			got  func(*testing.T) []string
		}{fitting(t, path, q), func(t *testing.T) []string { return paged(t, s, q) }}
	}
	for _, q := range []webhook.EventQuery{{}, {Type: "card.updated"}, {Type: "no.such"}, {State: webhook.Held}, {State: webhook.Accepted, Publisher: "tok_publisher"}} {
		q.Organization, q.Limit = bigfile.Large, 40
		lists[fmt.Sprintf("events %s %s", q.State, q.Type)] = struct {
			want []string
			got  func(*testing.T) []string
		}{fittingEvents(t, path, q), func(t *testing.T) []string { return pagedEvents(t, s, q) }}
	}
	for name, bound := range map[string]struct {
		most time.Duration
		rows int
	}{"no time": {0, 50_000}, "one row": {time.Hour, 1}, "one query": {time.Hour, odd}, "two queries": {time.Hour, odd + 1}, "nine queries": {time.Hour, 9 * odd}} {
		t.Run(name, func(t *testing.T) {
			defer store.SetPage(bound.most, bound.rows, odd)()
			for list, test := range lists {
				if got := test.got(t); !slices.Equal(got, test.want) {
					t.Errorf("%s: %s", list, difference(got, test.want))
				}
			}
		})
	}
}

func difference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			at := func(list []string) string { return strings.Join(list[min(i, len(list)):min(i+3, len(list))], ", ") }
			return fmt.Sprintf("%d of %d; at %d there is %q, not %q", len(got), len(want), i, at(got), at(want))
		}
	}
	return ""
}

// TestEventListsAreWhole does the same for events.
func TestEventListsAreWhole(t *testing.T) {
	path, s := manyRows(t, 7_000)
	alter(t, path, `UPDATE event SET state = 2 WHERE seq % 500 = 1; UPDATE event SET state = 4 WHERE seq % 700 = 2`)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it was only read
	transaction := ""
	if err := db.QueryRow(`SELECT subject FROM event WHERE organization = 1 AND subject IS NOT NULL ORDER BY seq LIMIT 1`).Scan(&transaction); err != nil {
		t.Fatal(err)
	}
	since := time.UnixMilli(1_700_000_000_000 + 3_500*100)
	for _, org := range []string{bigfile.Large, bigfile.Small, bigfile.Empty, "nobody"} {
		for _, state := range append([]webhook.EventState{""}, webhook.EventStates...) {
			for n, q := range []webhook.EventQuery{{}, {Type: "card.updated"}, {Publisher: "tok_publisher"}, {Since: since}, {Transaction: transaction}, {Type: "user.updated", Since: since}} {
				q.Organization, q.State, q.Limit = org, state, 100
				got, want := pagedEvents(t, s, q), fittingEvents(t, path, q)
				if !slices.Equal(got, want) {
					t.Errorf("%s, %s, filter %d: %s", org, state, n, difference(got, want))
				}
			}
		}
	}
}

// fittingEvents asks the file for the ids of all events that a query should list.
func fittingEvents(t *testing.T, path string, q webhook.EventQuery) (ids []string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it was only read
	state := slices.Index([]webhook.EventState{webhook.Accepted, webhook.Held, webhook.Reverted, webhook.Expired, webhook.Quarantined}, q.State)
	rows, err := db.Query(`SELECT e.id FROM event e JOIN organization o ON o.seq = e.organization WHERE o.slug = ?1 AND (?2 < 0 OR e.state = ?2)
		AND (?3 = '' OR e.type = ?3) AND (?4 = '' OR e.publisher = ?4) AND e.accepted_at >= ?5 AND (?6 = '' OR e.subject = ?6) ORDER BY e.seq DESC`,
		q.Organization, state, q.Type, q.Publisher, q.Since.UnixMilli(), q.Transaction)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ids
}

// pagedEvents lists all pages of a query.
func pagedEvents(t *testing.T, s *store.Store, q webhook.EventQuery) (ids []string) {
	t.Helper()
	for {
		found, next, err := s.Events(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			ids = append(ids, e.ID)
		}
		if next == "" {
			return ids
		}
		if next == q.Cursor {
			t.Fatal("the cursor does not go on")
		}
		q.Cursor = next
	}
}
