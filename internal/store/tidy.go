package store

import (
	"context"
	"fmt"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/webhook"
)

// KeepInvitations is how long an invitation is kept after its end, so that who
// comes too late is told so.
const KeepInvitations = 30 * 24 * time.Hour

// outlived are the rows that only their time ends, with which rows of the table
// these are before a time.
var outlived = []struct {
	table, where string
	keep         time.Duration
}{
	{"session", `expires_at <= ?`, 0},
	{"session", `expires_at > ? + ` + fmt.Sprint(access.SessionMost.Milliseconds()), 0}, // made far ahead of its time
	{"used_nonce", `expires_at <= ?`, 0},
	{"invitation", `expires_at <= ?`, KeepInvitations},
	{"signing_secret", `ends_at < ?`, webhook.KeepRotated},
	{"decline", `at <= ?`, KeepDeclines},
}

// Tidy forgets sessions and nonces that have ended, sessions that a clock far
// ahead has made, invitations 30 days after
// their end, rotated secrets 30 days after theirs ([webhook.KeepRotated]), and the
// reasons of declined transactions 30 days after they were left.
// It returns how many rows went.
func (s *Store) Tidy(ctx context.Context, now time.Time) (gone int64, err error) {
	for _, o := range outlived {
		var any bool
		before := millis(now.Add(-o.keep))
		if err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM `+o.table+` WHERE `+o.where+`)`, before).Scan(&any); err != nil {
			return gone, fault(s.path, err)
		}
		if !any {
			continue // an operation for nothing would have everybody look everything up anew
		}
		err := s.always(ctx, func(tx *session) error {
			n, err := tx.changed(`DELETE FROM `+o.table+` WHERE `+o.where, before)
			gone += n
			return err
		})
		if err != nil {
			return gone, err
		}
	}
	return gone, nil
}
