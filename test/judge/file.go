package judge

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// State is a delivery's state as people see it.
type State string

// The states that matter here.
const (
	Pending   State = "pending"
	Delivered State = "delivered"
	Dead      State = "dead"
	Cancelled State = "cancelled"
	Parked    State = "parked"
)

// Event is an event on file.
type Event struct {
	ID         string
	Bytes      []byte // nil when it was pruned
	Count      int    // deliveries that it was accepted with
	Deliveries []Delivery
}

// pruned tells that nothing but a tombstone is left.
func (e Event) pruned() bool { return e.Bytes == nil && len(e.Deliveries) == 0 }

// Delivery is one on file.
type Delivery struct {
	Webhook  string
	State    State
	Attempts int
	Due      time.Time // of the next attempt; zero when that is the first, or there is none
}

// File is what the database says after everything.
type File struct {
	Events    []Event
	Integrity string // ok, or what is wrong
}

// Read reads a database file that nobody writes to any more.
func Read(ctx context.Context, path string) (f *File, err error) {
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: "_pragma=busy_timeout(5000)"}).String()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	f = &File{}
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check`).Scan(&f.Integrity); err != nil {
		return nil, err
	}
	places := make(map[int64]int)
	rows, err := db.QueryContext(ctx, `SELECT seq, id, bytes, deliveries FROM event ORDER BY seq`)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var seq int64
		var e Event
		if err := rows.Scan(&seq, &e.ID, &e.Bytes, &e.Count); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		places[seq] = len(f.Events)
		f.Events = append(f.Events, e)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	rows, err = db.QueryContext(ctx, `SELECT d.event, w.name, d.attempts, CASE WHEN d.state = 0 THEN d.due ELSE 0 END, CASE
			WHEN d.state = 0 AND w.deleted_at IS NOT NULL THEN 'cancelled'
			WHEN d.state = 0 AND w.disabled IS NOT NULL THEN 'parked'
			WHEN d.state = 0 THEN 'pending' WHEN d.state = 1 THEN 'delivered' WHEN d.state = 2 THEN 'dead' ELSE 'cancelled' END
		FROM delivery d JOIN webhook w ON w.seq = d.webhook WHERE d.run = 0`)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var seq, due int64
		var d Delivery
		if err := rows.Scan(&seq, &d.Webhook, &d.Attempts, &due, &d.State); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		if due > 0 {
			d.Due = time.UnixMilli(due)
		}
		if place, found := places[seq]; found {
			f.Events[place].Deliveries = append(f.Events[place].Deliveries, d)
		}
	}
	return f, errors.Join(rows.Err(), rows.Close())
}
