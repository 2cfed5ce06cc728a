package store

import (
	"context"
	"fmt"
	"time"
)

// UseDriver has all connections opened with another driver.
func UseDriver(name string) { driverName = name }

// SetPage changes how long a page of a list may look, at how many rows, and at how many
// of them with one query, until restore is called.
func SetPage(most time.Duration, rows, query int) (restore func()) {
	beforeTime, beforeRows, beforeStrip := pageTime, pageRows, strip
	pageTime, pageRows, strip = most, rows, query
	return func() { pageTime, pageRows, strip = beforeTime, beforeRows, beforeStrip }
}

// KeepDeclines changes how many reasons of declined transactions are kept of one
// organization.
func (s *Store) KeepDeclines(most int64) { s.declines = most }

// Declines is how many are kept as the store was opened.
func (s *Store) Declines() int64 { return s.declines }

// Fill lets the file grow no more, as a full disk would, until room is called.
func (s *Store) Fill(ctx context.Context) (room func() error, err error) {
	limit := func(pages int) error {
		return s.always(ctx, func(tx *session) error { return tx.control(fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)) })
	}
	return func() error { return limit(1 << 30) }, limit(1)
}
