package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"sealpost/internal/webhook"
)

// maxQuarantine bounds the events of providers that are kept in quarantine; the
// oldest go first.
const maxQuarantine = 1000

// quarantine keeps an event that does not fit, once however often it comes, and
// counts what had to go for it.
func (s *session) quarantine(in *webhook.Incoming, faults []string, dropped *int64) error {
	digest := sha256.Sum256(in.Raw)
	seq, err := s.insert(`INSERT INTO quarantine (provider, digest, bytes, faults, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		in.Provider, digest[:], in.Raw, strings.Join(faults, "\n"), millis(in.At))
	if err != nil || seq == 0 {
		return err
	}
	// Not by the number alone: one that comes again uses a number up.
	*dropped, err = s.changed(`DELETE FROM quarantine WHERE seq <= (SELECT seq FROM quarantine ORDER BY seq DESC LIMIT 1 OFFSET ?)`, maxQuarantine)
	return err
}

// Quarantine lists events of providers that did not fit, the newest first and
// without their bytes.
func (s *Store) Quarantine(ctx context.Context) (found []webhook.QuarantinedIntake, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT seq, provider, faults, at FROM quarantine ORDER BY seq DESC`)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var q webhook.QuarantinedIntake
		var faults string
		var at int64
		if err := rows.Scan(&q.Seq, &q.Provider, &faults, &at); err != nil {
			return nil, fault(s.path, err)
		}
		q.Faults, q.At = strings.Split(faults, "\n"), fromMillis(at)
		found = append(found, q)
	}
	return found, nil
}

// Quarantined is one of them, as it came.
func (s *Store) Quarantined(ctx context.Context, seq int64) (provider string, raw []byte, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT provider, bytes FROM quarantine WHERE seq = ?`, seq).Scan(&provider, &raw)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil, webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("nothing is in quarantine under %d", seq)).
			WithHint("`sealpost quarantine list` shows what is")
	}
	return provider, raw, fault(s.path, err)
}

// DropQuarantined removes an event from quarantine, after it was taken.
func (s *Store) DropQuarantined(ctx context.Context, seq int64) error {
	return s.always(ctx, func(tx *session) error { return tx.exec(`DELETE FROM quarantine WHERE seq = ?`, seq) })
}
