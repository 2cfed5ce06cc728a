package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Health is what the file says of itself.
type Health struct {
	Problems []string  // of SQLite's quick check, the first few; nil when it found none
	Checked  bool      // false: the time was up before the quick check had ended
	Schema   int       // number of the newest migration
	Plain    int       // signing secrets that stand in the file as they are
	Sealed   int       // and those that are sealed
	Newest   time.Time // of what is written with a time: the newest event or attempt
	Held     int       // events that wait for a receipt
	Kept     int       // provider events in quarantine
	Dead     int       // deliveries that failed for good, counted up to 10,000
}

// Health examines the file, within the time that ctx gives. It changes
// nothing.
func (s *Store) Health(ctx context.Context) (h Health, err error) {
	var event, attempt sql.NullInt64
	for _, one := range []struct {
		query string
		into  any
	}{
		{`PRAGMA user_version`, &h.Schema},
		{`SELECT count(*) FROM signing_secret WHERE sealed = 0`, &h.Plain},
		{`SELECT count(*) FROM signing_secret WHERE sealed = 1`, &h.Sealed},
		{`SELECT accepted_at FROM event ORDER BY seq DESC LIMIT 1`, &event},
		{`SELECT max(at) FROM (SELECT d.at FROM event e JOIN delivery d ON d.event = e.seq AND d.webhook IN (SELECT seq FROM webhook) ORDER BY e.seq DESC LIMIT 100)`, &attempt},
		{`SELECT count(*) FROM hold WHERE status IS NULL`, &h.Held},
		{`SELECT count(*) FROM quarantine`, &h.Kept},
		{fmt.Sprintf(`SELECT count(*) FROM (SELECT 1 FROM delivery WHERE state IN (2, 3) AND state = 2 LIMIT %d)`, Counted), &h.Dead},
	} {
		if err := s.read.QueryRowContext(ctx, one.query).Scan(one.into); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return h, fault(s.path, err)
		}
	}
	h.Newest = fromMillis(max(event.Int64, attempt.Int64))
	h.Problems, h.Checked, err = s.quickCheck(ctx)
	return h, err
}

// maxProblems bounds what a check tells.
const maxProblems = 20

func (s *Store) quickCheck(ctx context.Context) (problems []string, whole bool, err error) {
	rows, err := s.read.QueryContext(ctx, fmt.Sprintf(`PRAGMA quick_check(%d)`, maxProblems))
	if err == nil {
		defer closeRows(rows, &err)
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				break
			}
			if line != "ok" {
				problems = append(problems, line)
			}
		}
		err = rows.Err()
	}
	if ctx.Err() != nil {
		return problems, false, nil
	}
	return problems, err == nil, fault(s.path, err)
}
