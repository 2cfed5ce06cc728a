package store

import (
	"context"

	"sealpost/internal/webhook"
)

// Watched lists held events that wait for the receipt of a known transaction, in
// order of their numbers, from the one after.
func (s *Store) Watched(ctx context.Context, after int64, limit int) (found []webhook.Watched, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT e.seq, o.id, e.id, h.transaction_hash FROM hold h JOIN event e ON e.seq = h.event JOIN organization o ON o.seq = e.organization
		WHERE h.status IS NULL AND h.transaction_hash IS NOT NULL AND h.receipt = 1 AND h.event > ? AND e.state = 1 ORDER BY h.event LIMIT ?`, after, limit)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var w webhook.Watched
		if err := rows.Scan(&w.Seq, &w.Organization, &w.ID, &w.TransactionHash); err != nil {
			return nil, fault(s.path, err)
		}
		found = append(found, w)
	}
	return found, nil
}
