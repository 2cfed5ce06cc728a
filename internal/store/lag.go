package store

import (
	"context"
	"os"

	"sealpost/internal/webhook"
)

// Counted bounds how many pending deliveries of one webhook are looked at.
const Counted = 10_000

// Lags lists the webhooks that have deliveries pending or parked, those with the
// oldest first. It looks at no more than 10,000 deliveries of a webhook; of one
// that has more, the number and the age are at least what is given.
func (s *Store) Lags(ctx context.Context) (found []webhook.Lag, err error) {
	rows, err := s.read.QueryContext(ctx, `WITH RECURSIVE w(seq) AS (
			SELECT min(webhook) FROM delivery WHERE state = 0
			UNION ALL
			SELECT (SELECT min(webhook) FROM delivery WHERE state = 0 AND webhook > w.seq) FROM w WHERE w.seq IS NOT NULL),
		some(webhook, n, first) AS (
			SELECT seq, (SELECT count(*) FROM (SELECT 1 FROM delivery WHERE webhook = w.seq AND state = 0 LIMIT ?1)),
				(SELECT min(event) FROM (SELECT event FROM delivery WHERE webhook = w.seq AND state = 0 LIMIT ?1))
			FROM w WHERE seq IS NOT NULL)
		SELECT o.slug, h.name, h.disabled IS NOT NULL, some.n, e.accepted_at
		FROM some JOIN webhook h ON h.seq = some.webhook JOIN organization o ON o.seq = h.organization JOIN event e ON e.seq = some.first
		WHERE h.deleted_at IS NULL ORDER BY e.accepted_at`, Counted)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var lag webhook.Lag
		var oldest int64
		if err := rows.Scan(&lag.Organization, &lag.Webhook, &lag.Parked, &lag.Pending, &oldest); err != nil {
			return nil, fault(s.path, err)
		}
		lag.Oldest = fromMillis(oldest)
		found = append(found, lag)
	}
	return found, nil
}

// LogBytes is the size of the write-ahead log, 0 when there is none.
func (s *Store) LogBytes() int64 {
	info, err := os.Stat(s.path + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}

// Disabled counts the webhooks of all organizations that are disabled though no person
// did it by hand.
func (s *Store) Disabled(ctx context.Context) (n int, err error) {
	err = s.row(ctx, `SELECT count(*) FROM webhook WHERE disabled IS NOT NULL AND disabled <> ? AND deleted_at IS NULL`, []any{webhook.DisabledByHand}, &n)
	return n, fault(s.path, err)
}
