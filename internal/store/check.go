package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"sealpost/internal/secret"
)

// Checked is what one check of a database has found.
type Checked struct {
	Name   string   // one word
	What   string   // what is to be so
	Faults []string // what is not; at most ten
}

// inspection is one check: it returns what is wrong.
type inspection struct {
	name, what string
	run        func(context.Context, *sql.DB) ([]string, error)
}

// Check reads a whole database, beside whatever works on it, and says what is
// not as it must be. The error is that it could not be read at all.
func Check(ctx context.Context, path string, text secret.Text) ([]Checked, error) {
	key, err := newSealKey(text)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, missing(path)
	}
	db, err := connect(path, true)
	if err != nil {
		return nil, fault(path, err)
	}
	defer db.Close() //nolint:errcheck // it was only read
	db.SetMaxOpenConns(1)
	if err := migrate(ctx, db, Options{Path: path}); err != nil { // changes nothing: tells of another file, or schema
		return nil, fault(path, err)
	}
	is, err := keyFits(ctx, db, key, path)
	if err != nil {
		return nil, fault(path, err)
	}
	var found []Checked
	for _, i := range inspections(key, is) {
		faults, err := i.run(ctx, db)
		if damaged(err) {
			faults, err = append(faults, err.Error()), nil
		}
		if err != nil {
			return found, fault(path, err)
		}
		found = append(found, Checked{i.name, i.what, faults})
	}
	return found, nil
}

func inspections(key *sealKey, is sealState) []inspection {
	return []inspection{
		{"file", "pages, indexes and references are in order", integrity},
		{"states", "every event and delivery is in a state that there is", none(
			`SELECT 'event ' || id || ' has the state ' || state FROM event WHERE state NOT BETWEEN 0 AND 4 LIMIT 10`,
			`SELECT 'a delivery of event number ' || event || ' has the state ' || state FROM delivery WHERE state NOT BETWEEN 0 AND 3 LIMIT 10`)},
		{"deliveries", "every event has its deliveries, and every delivery its event", eachHasItsDeliveries},
		{"work", "what waits has a body, and what is held waits for something", none(
			`SELECT 'event ' || e.id || ' has deliveries pending and no body' FROM delivery d JOIN event e ON e.seq = d.event JOIN webhook w ON w.seq = d.webhook
				WHERE d.state = 0 AND w.deleted_at IS NULL AND e.bytes IS NULL LIMIT 10`,
			`SELECT 'event ' || e.id || ' is held for nothing' FROM event e LEFT JOIN hold h ON h.event = e.seq WHERE e.state = 1 AND (h.event IS NULL OR e.bytes IS NULL) LIMIT 10`)},
		{"attempts", "every attempt and answer belongs to a delivery, and is counted by it", none(
			`SELECT 'attempt ' || a.n || ' of event number ' || a.event || ' is not counted' FROM attempt a
				LEFT JOIN delivery d ON d.webhook = a.webhook AND d.event = a.event AND d.run = a.run WHERE d.webhook IS NULL OR a.n >= d.attempts LIMIT 10`,
			`SELECT 'answer ' || a.n || ' of event number ' || a.event || ' belongs to no attempt' FROM response a
				LEFT JOIN delivery d ON d.webhook = a.webhook AND d.event = a.event AND d.run = a.run WHERE d.webhook IS NULL OR a.n > d.attempts LIMIT 10`)},
		{"webhooks", "every webhook has one current secret", none(
			`SELECT 'webhook ' || o.slug || '/' || w.name || ' has ' || (SELECT count(*) FROM signing_secret WHERE webhook = w.seq AND ends_at IS NULL) || ' current secrets'
				FROM webhook w JOIN organization o ON o.seq = w.organization
				WHERE w.deleted_at IS NULL AND (SELECT count(*) FROM signing_secret WHERE webhook = w.seq AND ends_at IS NULL) != 1 LIMIT 10`)},
		{"secrets", "every sealed secret opens", func(ctx context.Context, db *sql.DB) (faults []string, err error) {
			names, err := closedSecrets(ctx, db, key, is)
			for _, name := range names[:min(len(names), maxFaults)] {
				faults = append(faults, fmt.Sprintf("the secret of %s does not open", name))
			}
			return faults, err
		}},
	}
}

// none inspects by queries that find nothing when all is well.
func none(queries ...string) func(context.Context, *sql.DB) ([]string, error) {
	return func(ctx context.Context, db *sql.DB) (faults []string, err error) {
		for _, query := range queries {
			rows, err := db.QueryContext(ctx, query)
			if err != nil {
				return faults, err
			}
			lines, err := scanRows(rows, 1)
			if err != nil {
				return faults, err
			}
			for _, line := range lines {
				faults = append(faults, fmt.Sprint(line[0]))
			}
		}
		return faults, nil
	}
}

// checkedEvents is how many events are looked at in one read transaction: long
// ones keep the write-ahead log from shrinking.
const checkedEvents = 5000

// eachHasItsDeliveries compares what events say of their deliveries with the
// rows that there are.
func eachHasItsDeliveries(ctx context.Context, db *sql.DB) (faults []string, err error) {
	for after, more := int64(0), true; more && len(faults) < maxFaults && err == nil; {
		var some []string
		some, after, more, err = checkDeliveries(ctx, db, after)
		faults = append(faults, some...)
	}
	return faults[:min(len(faults), maxFaults)], err
}

// checkDeliveries looks at the events after one, in one transaction, and
// returns the last of them.
func checkDeliveries(ctx context.Context, db *sql.DB, after int64) (faults []string, last int64, more bool, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, after, false, err
	}
	defer conn.Close() //nolint:errcheck // it was only read
	if _, err := conn.ExecContext(ctx, `BEGIN`); err != nil {
		return nil, after, false, err
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`) //nolint:errcheck // it was only read
	rows, err := conn.QueryContext(ctx, `SELECT seq, id, deliveries, fanout FROM event WHERE seq > ? ORDER BY seq LIMIT ?`, after, checkedEvents)
	if err != nil {
		return nil, after, false, err
	}
	events, last, err := scanPromised(rows, after)
	if err != nil {
		return nil, after, false, err
	}
	more = len(events) == checkedEvents
	bound := last
	if !more {
		bound = 1<<63 - 1
	}
	rows, err = conn.QueryContext(ctx, `SELECT d.event, d.webhook, count(*) FROM webhook w CROSS JOIN delivery d ON d.webhook = w.seq AND d.event > ? AND d.event <= ? GROUP BY d.webhook, d.event`, after, bound)
	if err != nil {
		return nil, last, false, err
	}
	there, err := scanRows(rows, 3)
	if err != nil {
		return nil, last, false, err
	}
	for _, row := range there {
		seq := row[0].(int64)
		e := events[seq]
		if e == nil || !e.targets[row[1].(int64)] {
			faults = append(faults, fmt.Sprintf("a delivery is there of event number %d to webhook number %d, to which it never went", seq, row[1]))
			continue
		}
		e.there += row[2].(int64)
	}
	for _, e := range events {
		if len(e.targets) > 0 && e.there != e.promised {
			faults = append(faults, fmt.Sprintf("event %s has %d deliveries instead of %d", e.id, e.there, e.promised))
		}
	}
	return faults, last, more, nil
}

// promised is what an event says of its deliveries, and how many are there.
type promised struct {
	id              string
	promised, there int64
	targets         map[int64]bool // empty once it is pruned
}

func scanPromised(rows *sql.Rows, after int64) (events map[int64]*promised, last int64, err error) {
	defer closeRows(rows, &err)
	events, last = make(map[int64]*promised), after
	for rows.Next() {
		e := &promised{targets: make(map[int64]bool)}
		var packed []byte
		if err := rows.Scan(&last, &e.id, &e.promised, &packed); err != nil {
			return nil, after, err
		}
		for _, target := range decodeFanout(packed) {
			e.targets[target] = true
		}
		events[last] = e
	}
	return events, last, nil
}
