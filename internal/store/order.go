package store

import (
	"database/sql"
	"time"
)

// The engine sends first attempts by the number of their events, and finds those
// of events that were released by the time at which they are due, for it is past
// their numbers. So a later event of the same transaction would overtake one that
// was released and has not been tried yet; it lines up behind it instead, and is
// due as well. The longest due goes first, and of those due at one time the event
// that was accepted first.

// maxReleased bounds how many deliveries are compared. Beyond it an event counts
// as of a transaction that is among them: it then is due by time like all others.
const maxReleased = 256

// due is when a first attempt at a webhook is due that can't go by its event's
// number; 0 for one that can. released says that this one can't in any case.
func (s *session) due(webhook int64, subject string, released bool, now time.Time) (due int64, err error) {
	var before sql.NullInt64
	var n int
	if subject != "" && s.lining {
		err = s.row(`SELECT count(*), max(CASE WHEN e.subject = ?2 THEN d.due END) FROM
				(SELECT event, due FROM delivery INDEXED BY delivery_released WHERE webhook = ?1 AND state = 0 AND run = 0 AND attempts = 0 AND due > 0 ORDER BY event DESC LIMIT ?3) d
			JOIN event e ON e.seq = d.event`, []any{webhook, subject, maxReleased}, &n, &before)
	}
	if err != nil || !released && !before.Valid && n < maxReleased {
		return 0, err
	}
	s.lining = true
	return max(millis(now), before.Int64, 1), nil
}
