package store

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"time"

	"sealpost/internal/webhook"
)

// How much one page of a list may cost. A filter that few rows fit makes a walk
// over many; the walk stops at either bound, and the page is then short, even
// empty, with a cursor that goes on where the walk stopped.
// Tests set them, so that every page ends at a bound.
var (
	strip    = 2_000                 // rows that one query looks at; between two queries the bounds are checked
	pageRows = 50_000                // rows of an index that a page looks at
	pageTime = 25 * time.Millisecond // after its beginning a page looks at no further rows
)

// fetched is how many rows of a table one query fetches. A row may stand on a page of
// its own, so it costs as much as ten rows of an index.
func fetched() int { return max(strip/10, 1) }

// walked is what a page has cost so far.
type walked struct {
	began time.Time
	rows  int
}

func began() walked { return walked{began: time.Now()} }

// over reports whether a page has looked at as much as it may.
func (w *walked) over() bool { return w.rows >= pageRows || time.Since(w.began) >= pageTime }

// organizationOf is the number of an organization that is named by id or slug; 0
// when there is none.
func (s *Store) organizationOf(ctx context.Context, name string) (org int64, err error) {
	err = s.row(ctx, `SELECT seq FROM organization o WHERE `+isNamed("?1"), []any{name}, &org)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return org, fault(s.path, err)
}

// beginning is where a list without a cursor begins: after every event that
// there can be.
const beginning = math.MaxInt64

// eventWalk goes through an organization's events from a number downwards.
type eventWalk struct {
	index string // that has the events in order
	where string // what its rows have in common
	args  []any  // of where
	from  int64  // the highest number that has not been looked at
	ended bool   // nothing is left to look at
}

// events begins a walk over the events that may be in a state; "" is any.
func events(org int64, state webhook.EventState, from int64) *eventWalk {
	w := &eventWalk{index: "event_listed", where: `e.organization = ?`, args: []any{org}, from: from}
	for n, known := range eventStates {
		if known == state && n != eventAccepted {
			w.index, w.where = "event_unusual", `e.organization = ? AND e.state <> 0 AND e.state = ?`
			w.args = append(w.args, n)
		}
	}
	return w
}

// strip finds the lowest number of the next rows of the walk, and ends the walk
// where there are no more, or where events are older than what is asked for.
func (w *eventWalk) strip(ctx context.Context, s *Store, cost *walked, since time.Time) (lowest int64, err error) {
	var accepted int64
	err = s.row(ctx, `SELECT e.seq, e.accepted_at FROM event e INDEXED BY `+w.index+` WHERE `+w.where+` AND e.seq <= ? ORDER BY e.seq DESC LIMIT 1 OFFSET ?`,
		slices.Concat(w.args, []any{w.from, strip - 1}), &lowest, &accepted)
	cost.rows += strip
	if errors.Is(err, sql.ErrNoRows) {
		w.ended = true
		return 0, nil
	}
	// Numbers follow the order of acceptance, times do so but for a clock that was set.
	w.ended = !since.IsZero() && accepted < millis(since.Add(-clockSlack))
	return lowest, fault(s.path, err)
}
