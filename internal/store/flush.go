package store

import (
	"database/sql"
	"errors"

	"sealpost/internal/bounds"
)

// flush writes what a transaction's operations noted of bytes and missed events:
// one row for each organization and webhook, however many events there were.
func (s *session) flush() error {
	for org, n := range s.tallies.bytes {
		if n == 0 {
			continue
		}
		if err := s.exec(`INSERT INTO stored (organization, bytes) VALUES (?, ?) ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes`, org, n); err != nil {
			return err
		}
		if base, known := s.stored[org]; known {
			s.stored[org] = base + n
		}
	}
	for seq, g := range s.tallies.missed {
		if g.events == 0 {
			continue
		}
		if err := s.exec(`INSERT INTO missing (webhook, events, since) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET events = events + excluded.events`, seq, g.events, g.since); err != nil {
			return err
		}
		if g.events < 0 {
			if err := s.exec(`DELETE FROM missing WHERE webhook = ? AND events <= 0`, seq); err != nil {
				return err
			}
		}
	}
	return nil
}

// bytesOf is how much an organization stores, with what the transaction under way
// has added.
func (s *session) bytesOf(org int64) (int64, error) {
	base, known := s.stored[org]
	if !known {
		err := s.row(`SELECT bytes FROM stored WHERE organization = ?`, []any{org}, &base)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, err
		}
		s.stored[org] = base
	}
	return base + s.tallies.bytes[org], nil
}

// owner is the organization of a webhook, which never changes.
func (s *session) owner(webhookSeq int64) (org int64, err error) {
	if org, known := s.tallies.owners[webhookSeq]; known {
		return org, nil
	}
	err = s.row(`SELECT organization FROM webhook WHERE seq = ?`, []any{webhookSeq}, &org)
	if err == nil {
		s.tallies.owners[webhookSeq] = org
	}
	return org, err
}

// fit leaves out of a fan-out the disabled webhooks for which there is no room
// among the parked deliveries. They miss the event, which says so.
func (s *Store) fit(tx *session, org int64, f fan, now int64) (fan, error) {
	if f.parked == 0 {
		return f, nil
	}
	values, err := s.fanouts.bounds(tx, org)
	if err != nil || values[bounds.Parked] == 0 {
		return f, err
	}
	one, err := s.tallies.of(tx, org, s.fanouts, fromMillis(now))
	if err != nil || !values.Past(bounds.Parked, one.parked+f.parked) {
		return f, err
	}
	var left fan
	for i, target := range f.targets {
		if f.parking[i] && values.Past(bounds.Parked, one.parked+left.parked+1) {
			left.missed = append(left.missed, target)
			tx.tallies.note(note{organization: org, webhook: target, missed: 1, at: now})
			continue
		}
		left.add(target, f.parking[i])
	}
	return left, nil
}

// orMissed is the list of those that missed an event; NULL when nobody did.
func (f *fan) orMissed() any {
	if f.missed == nil {
		return nil
	}
	return encodeFanout(f.missed)
}
