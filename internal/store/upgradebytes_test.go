package store_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"sealpost/internal/store"
	"sealpost/test/bigfile"
)

// TestUpgradeCountsBytes: a file of an older program has the bytes of each organization
// counted, of events and of answers; 0 for one that has none.
func TestUpgradeCountsBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	if err := bigfile.Make(t.Context(), path, bigfile.Spec{Deliveries: 3000, Organizations: 5, Body: 20, Answer: 7}); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{Path: path, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it was only read
	rows, err := db.Query(`SELECT o.slug, (SELECT bytes FROM stored WHERE organization = o.seq),
		(SELECT coalesce(sum(length(bytes)), 0) FROM event WHERE organization = o.seq), (SELECT coalesce(sum(length(body)), 0) FROM response r JOIN webhook w ON w.seq = r.webhook WHERE w.organization = o.seq) FROM organization o`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	organizations := 0
	for rows.Next() {
		var slug string
		var counted, events, answers int64
		if err := rows.Scan(&slug, &counted, &events, &answers); err != nil {
			t.Fatal(err)
		}
		if organizations++; counted != events+answers || (slug == bigfile.Empty) != (counted == 0) || slug == bigfile.Large && answers == 0 {
			t.Errorf("%s: %d bytes are counted; events have %d, answers %d", slug, counted, events, answers)
		}
	}
	if err := rows.Err(); err != nil || organizations != 5 {
		t.Errorf("%d organizations (%v)", organizations, err)
	}
}
