package store

import (
	"context"
	"slices"
	"strings"

	"sealpost/internal/webhook"
)

// filter is a condition on the rows of a list, with its arguments.
type filter struct {
	where []string
	args  []any
}

func (f *filter) add(clause string, args ...any) {
	f.where, f.args = append(f.where, clause), append(f.args, args...)
}

// clause is the condition as SQL goes on after another one.
func (f *filter) clause() string {
	if len(f.where) == 0 {
		return ""
	}
	return " AND " + strings.Join(f.where, " AND ")
}

// Events lists an organization's events without their bytes, the newest first,
// and where the next page begins; next is empty when there is nothing after it.
// A page can be short, even empty, with more to come.
func (s *Store) Events(ctx context.Context, q webhook.EventQuery) (found []webhook.Event, next string, err error) {
	org, err := s.organizationOf(ctx, q.Organization)
	if err != nil || org == 0 {
		return nil, "", err
	}
	from := int64(beginning)
	if q.Cursor != "" {
		before, err := s.ids.eventCursor(ctx, s, org, q.Cursor)
		if err != nil {
			return nil, "", err
		}
		from = before - 1
	}
	var fits filter
	if q.Type != "" {
		fits.add(`e.type = ?`, q.Type)
	}
	if q.State == webhook.Accepted { // all other states have an index of their own
		fits.add(`e.state = ?`, eventAccepted)
	}
	if q.Transaction != "" {
		fits.add(`e.subject = ?`, q.Transaction)
	}
	if q.Publisher != "" {
		fits.add(`e.publisher = ?`, q.Publisher)
	}
	if !q.Since.IsZero() {
		fits.add(`e.accepted_at >= ?`, millis(q.Since))
	}
	w, size, cost := events(org, q.State, from), webhook.Page(q.Limit), began()
	lowest, known := int64(0), fits.where == nil // of the strip under way
	for {
		if !known {
			if lowest, err = w.strip(ctx, s, &cost, q.Since); err != nil {
				return nil, "", err
			}
			known = true
		}
		limit := min(size+1-len(found), fetched())
		some, err := s.someEvents(ctx, w, lowest, fits, limit)
		if err != nil {
			return nil, "", err
		}
		found = append(found, some...)
		cost.rows += len(some)
		last := lowest
		switch {
		case len(found) > size:
			found = found[:size]
			next, err = s.ids.sealEvent(ctx, s, org, found[size-1].Seq)
			return found, next, err
		case len(some) == limit: // the strip may have more
			last = some[limit-1].Seq
		case w.ended || fits.where == nil:
			return found, "", nil
		default:
			known = false
		}
		if w.from = last - 1; cost.over() {
			next, err = s.ids.sealEvent(ctx, s, org, last)
			return found, next, err
		}
	}
}

// someEvents reads the next events of a walk that fit, not below lowest.
func (s *Store) someEvents(ctx context.Context, w *eventWalk, lowest int64, fits filter, limit int) (found []webhook.Event, err error) {
	rows, err := s.rows(ctx, `SELECT `+eventColumns+` FROM event e INDEXED BY `+w.index+` LEFT JOIN hold h ON h.event = e.seq
		WHERE `+w.where+` AND e.seq BETWEEN ? AND ?`+fits.clause()+` ORDER BY e.seq DESC LIMIT ?`,
		slices.Concat(w.args, []any{lowest, w.from}, fits.args, []any{limit})...)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		e, err := scanEvent(rows)
		if err != nil {
			return nil, fault(s.path, err)
		}
		found = append(found, e)
	}
	return found, nil
}
