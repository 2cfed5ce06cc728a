package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"math"
)

// walk goes through the events of a stage by number: those that have not been
// looked at, or the late ones, which were left behind.
type walk struct {
	stage stage
	late  bool
	after int64
	end   int64 // of the late ones: the last that was there when the sweep began
}

// querier is a connection or a pool.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// helping is what one step looks at.
type helping struct {
	events []grown
	ripe   []grown // those that go
	unripe []grown // and those that stay behind
	bytes  int64   // size of the bodies of ripe
	last   bool    // nothing comes after it
}

// grown is an event that is old enough by its own time.
type grown struct {
	seq    int64
	size   int64 // of its body; 0 when that is gone
	fanout []int64
	missed []int64 // webhooks that did not get it
	kept   bool    // waits, or has not ended long enough ago
	gone   bool    // nothing is left to take
}

// helping reads the next events of a walk, which are size rows with their
// deliveries or else one event, and judges which are ripe.
func (w *walk) helping(ctx context.Context, q querier, size int) (h helping, err error) {
	from, bound := `event e LEFT JOIN hold h ON h.event = e.seq WHERE e.seq > ?3 AND e.seq <= ?4 ORDER BY e.seq`, int64(math.MaxInt64)
	if w.late {
		from, bound = `straggler s JOIN event e ON e.seq = s.event LEFT JOIN hold h ON h.event = e.seq WHERE s.stage = ?1 AND s.event > ?3 AND s.event <= ?4 ORDER BY s.event`, w.end
	}
	rows, err := q.QueryContext(ctx, `SELECT e.seq, coalesce(length(e.bytes), 0), e.fanout, e.missed, e.state IN (1, 4) OR coalesce(h.until, 0) >= ?2 AND e.state = 3, e.bytes IS NULL AND e.fanout IS NULL, e.accepted_at >= ?2, e.accepted_at > ?6
		FROM `+from+` LIMIT ?5`, w.stage.name, w.stage.before, w.after, bound, size, w.stage.ahead)
	if err != nil {
		return h, err
	}
	if err := h.scan(rows, size, w.late); err != nil {
		return h, err
	}
	busy, err := w.busy(ctx, q, h.events)
	if err != nil {
		return h, err
	}
	for _, e := range h.events {
		switch {
		case e.gone:
		case e.kept || busy[e.seq]:
			h.unripe = append(h.unripe, e)
		default:
			h.ripe = append(h.ripe, e)
			h.bytes += e.size
		}
	}
	return h, nil
}

// scan gathers a helping, up to the first event that is too young or too much.
func (h *helping) scan(rows *sql.Rows, size int, late bool) (err error) {
	defer closeRows(rows, &err)
	bytes, taken, n := int64(0), 0, 0
	for rows.Next() {
		var e grown
		var packed, missed []byte
		var young, ahead bool
		if err := rows.Scan(&e.seq, &e.size, &packed, &missed, &e.kept, &e.gone, &young, &ahead); err != nil {
			return err
		}
		n++
		if young && !ahead && !late {
			h.last = true
			return nil
		}
		e.kept = e.kept || young
		e.fanout, e.missed = decodeFanout(packed), decodeFanout(missed)
		bytes += e.size
		taken += 1 + len(e.fanout)
		if len(h.events) > 0 && (bytes > pruneBytes || taken > size) {
			return nil
		}
		h.events = append(h.events, e)
	}
	h.last = n < size
	return nil
}

// busy tells which of some events have deliveries that are pending or parked,
// or had an attempt or were made anew not long enough ago.
func (w *walk) busy(ctx context.Context, q querier, events []grown) (busy map[int64]bool, err error) {
	busy = make(map[int64]bool)
	for target, seqs := range byTarget(events) {
		rows, err := q.QueryContext(ctx, `SELECT DISTINCT d.event FROM json_each(?2) j CROSS JOIN delivery d ON d.webhook = ?1 AND d.event = j.value CROSS JOIN webhook w ON w.seq = ?1
			WHERE d.state = 0 AND (w.deleted_at IS NULL OR w.deleted_at >= ?3) OR d.at >= ?3 OR d.created >= ?3`, target, list(seqs), w.stage.before)
		if err != nil {
			return nil, err
		}
		if err := scanSet(rows, busy); err != nil {
			return nil, err
		}
	}
	for _, e := range events { // a webhook that is there may be sent what it missed
		if len(e.missed) == 0 {
			continue
		}
		rows, err := q.QueryContext(ctx, `SELECT ?1 WHERE EXISTS (SELECT 1 FROM missing WHERE webhook IN (SELECT value FROM json_each(?2)))`, e.seq, list(e.missed))
		if err != nil {
			return nil, err
		}
		if err := scanSet(rows, busy); err != nil {
			return nil, err
		}
	}
	return busy, nil
}

func scanSet(rows *sql.Rows, set map[int64]bool) (err error) {
	defer closeRows(rows, &err)
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return err
		}
		set[seq] = true
	}
	return nil
}

// byTarget turns events with their webhooks into webhooks with their events.
func byTarget(events []grown) map[int64][]int64 {
	targets := make(map[int64][]int64)
	for _, e := range events {
		for _, target := range e.fanout {
			targets[target] = append(targets[target], e.seq)
		}
	}
	return targets
}

func numbers(events []grown) []int64 {
	seqs := make([]int64, len(events))
	for i, e := range events {
		seqs[i] = e.seq
	}
	return seqs
}

// list is numbers as SQLite's json_each takes them.
func list(seqs []int64) string {
	text, err := json.Marshal(seqs)
	if err != nil {
		panic(err) // numbers can always be written
	}
	return string(text)
}

// prune takes a helping's ripe events and notes how far the walk has come.
func (s *session) prune(ctx context.Context, w *walk, h helping) error {
	if len(h.events) == 0 {
		return nil
	}
	var tables []string
	switch w.stage.name {
	case "bodies":
		tables = []string{"response"}
	case "attempts":
		tables = []string{"attempt"}
	case "events":
		tables = []string{"response", "attempt", "delivery"}
	}
	for target, seqs := range byTarget(h.ripe) {
		for _, table := range tables {
			if err := s.exec(`DELETE FROM `+table+` WHERE webhook = ?1 AND event IN (SELECT value FROM json_each(?2))`, target, list(seqs)); err != nil {
				return err
			}
		}
	}
	if w.stage.name != "attempts" {
		if err := s.shrink(ctx, numbers(h.ripe), w.stage.name == "events"); err != nil {
			return err
		}
	}
	if w.late {
		return s.exec(`DELETE FROM straggler WHERE stage = ? AND event IN (SELECT value FROM json_each(?))`, w.stage.name, list(numbers(h.ripe)))
	}
	if err := s.exec(`INSERT INTO straggler (stage, event) SELECT ?, value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`, w.stage.name, list(numbers(h.unripe))); err != nil {
		return err
	}
	return s.exec(`INSERT INTO pruning (stage, upto) VALUES (?, ?) ON CONFLICT DO UPDATE SET upto = max(upto, excluded.upto)`,
		w.stage.name, h.events[len(h.events)-1].seq)
}

// shrink takes the bodies of events away, and with tombs all but what a
// tombstone keeps. The rows are deleted and written anew: SQLite joins pages
// that deleting has left nearly empty, but not those in which rows have shrunk,
// and these would hardly ever be filled again. Rows that a hold refers to shrink
// in their place.
func (s *session) shrink(ctx context.Context, seqs []int64, tombs bool) error {
	all := list(seqs)
	rows, err := s.conn.QueryContext(ctx, `SELECT seq, organization, id, type, CASE WHEN NOT ?2 THEN subject END, publisher, state, accepted_at, deliveries, CASE WHEN NOT ?2 THEN fanout END, hash
		FROM event WHERE seq IN (SELECT value FROM json_each(?1)) AND NOT EXISTS (SELECT 1 FROM hold WHERE event = seq)`, all, tombs)
	if err != nil {
		return err
	}
	kept, err := scanRows(rows, 11)
	if err != nil {
		return err
	}
	if err := s.exec(`DELETE FROM event WHERE seq IN (SELECT value FROM json_each(?)) AND NOT EXISTS (SELECT 1 FROM hold WHERE event = seq)`, all); err != nil {
		return err
	}
	for _, row := range kept {
		if err := s.exec(`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, row...); err != nil {
			return err
		}
	}
	if len(kept) == len(seqs) {
		return nil
	}
	if err := s.exec(`UPDATE event SET bytes = NULL, subject = CASE WHEN NOT ?2 THEN subject END, fanout = CASE WHEN NOT ?2 THEN fanout END
		WHERE seq IN (SELECT value FROM json_each(?1))`, all, tombs); err != nil || !tombs {
		return err
	}
	return s.exec(`DELETE FROM hold WHERE status IS NULL AND event IN (SELECT value FROM json_each(?))`, all) // what has a receipt can still say so
}

// scanRows reads whole rows.
func scanRows(rows *sql.Rows, columns int) (found [][]any, err error) {
	defer closeRows(rows, &err)
	for rows.Next() {
		row, into := make([]any, columns), make([]any, columns)
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return found, nil
}
