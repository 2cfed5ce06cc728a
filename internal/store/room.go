package store

import (
	"fmt"
	"slices"
	"time"

	"sealpost/internal/bounds"
	"sealpost/internal/webhook"
)

// demand is what a call would add to an organization.
type demand struct {
	pending int64 // deliveries to enabled webhooks
	parked  int64 // deliveries to disabled webhooks, of a call that is refused past the bound
	held    int64 // events that wait
	bytes   int64 // of event bodies
	named   bool  // the caller may know webhooks' names
}

// room refuses what would take an organization past one of its bounds. A demand
// of 0 is never refused, whatever the organization uses.
func (s *Store) room(tx *session, org int64, want demand, now time.Time) error {
	values, err := s.fanouts.bounds(tx, org)
	if err != nil {
		return err
	}
	if want.pending > 0 && values[bounds.Pending] > 0 || want.parked > 0 && values[bounds.Parked] > 0 {
		one, err := s.tallies.of(tx, org, s.fanouts, now)
		if err != nil {
			return err
		}
		if want.pending > 0 && values.Past(bounds.Pending, one.pending+want.pending) {
			return s.tooMuchPending(tx, org, one, values[bounds.Pending], want)
		}
		if want.parked > 0 && values.Past(bounds.Parked, one.parked+want.parked) {
			return webhook.LimitReached(bounds.Parked, values[bounds.Parked], one.parked)
		}
	}
	if most := values[bounds.Held]; want.held > 0 && most > 0 {
		held, err := tx.held(org, most)
		if err != nil {
			return err
		}
		if held+want.held > most {
			return webhook.LimitReached(bounds.Held, most, held)
		}
	}
	if most := values[bounds.StoredBytes]; want.bytes > 0 && most > 0 {
		stored, err := tx.bytesOf(org)
		if err != nil {
			return err
		}
		if stored+want.bytes > most {
			return webhook.LimitReached(bounds.StoredBytes, most, stored)
		}
	}
	return nil
}

// tooMuchPending says how much is pending, and who holds most of it to those who
// may know. Waiting helps unless the call alone is more than the bound.
func (s *Store) tooMuchPending(tx *session, org int64, one *tally, most int64, want demand) error {
	refusal := webhook.LimitReached(bounds.Pending, most, one.pending)
	refusal.Waiting = want.pending <= most
	refusal.Hint = "try again later: receivers that fail hold deliveries back"
	if want.pending > 1 {
		refusal.Messages[0] += fmt.Sprintf(", and this call adds %d", want.pending)
	}
	if !want.named {
		return refusal
	}
	receivers, err := s.fanouts.of(tx, org)
	if err != nil {
		return err
	}
	if name, n := one.heaviest(receivers); n > 0 {
		refusal.Messages = append(refusal.Messages, fmt.Sprintf("the webhook %q holds most: %d", name, n))
	}
	return refusal
}

// held counts the events of an organization that wait, up to a bound. Nothing but
// publishing changes the number between two calls with the same s.waiting.
func (s *session) held(org, most int64) (n int64, err error) {
	if n, known := s.waiting[org]; known {
		return n, nil
	}
	err = s.row(`SELECT count(*) FROM (SELECT 1 FROM event INDEXED BY event_waiting WHERE organization = ? AND state = 1 LIMIT ?)`, []any{org, most + 1}, &n)
	if err == nil {
		s.waiting[org] = n
	}
	return n, err
}

// within refuses an operation that has added so many rows, when a query counts
// more than the organization's bound of a kind then.
func (s *Store) within(tx *session, org int64, kind bounds.Kind, added int64, query string, args ...any) error {
	values, err := tx.bounds(org, s.fanouts.settings)
	if err != nil || added == 0 || values[kind] == 0 {
		return err
	}
	var use int64
	if err := tx.row(query, args, &use); err != nil {
		return err
	}
	if values.Past(kind, use) {
		return webhook.LimitReached(kind, values[kind], use-added)
	}
	return nil
}

// webhooksWithin refuses an operation that has added webhooks past the bound.
func (s *Store) webhooksWithin(tx *session, org int64, added int) error {
	return s.within(tx, org, bounds.Webhooks, int64(added), `SELECT count(*) FROM webhook WHERE organization = ? AND deleted_at IS NULL`, org)
}

// urlsWithin refuses a webhook that gets more URLs than it had, and more than it
// may have.
func (s *Store) urlsWithin(tx *session, org int64, had, next webhook.Config) error {
	values, err := tx.bounds(org, s.fanouts.settings)
	if err != nil {
		return err
	}
	use := int64(len(next.Targets()))
	if values.Past(bounds.URLs, use) && (had.Name == "" || use > int64(len(had.Targets()))) {
		return webhook.TooManyURLs(values[bounds.URLs], use)
	}
	return nil
}

// bounds are what an organization may have.
func (f *fanouts) bounds(tx *session, org int64) (bounds.Values, error) {
	if found, hit := f.limits[org]; hit {
		return found, nil
	}
	found, err := tx.bounds(org, f.settings)
	if err == nil {
		f.limits[org] = found
	}
	return found, err
}

// bounds reads what an organization may have.
func (s *session) bounds(org int64, settings bounds.Values) (values bounds.Values, err error) {
	stmt, err := s.statement(boundsOf + `WHERE o.seq = ?`)
	if err != nil {
		return values, err
	}
	rows, err := stmt.QueryContext(background, org)
	if err != nil {
		return values, err
	}
	own, err := scanBounds(rows)
	return own.over(settings), err
}

// fan is where an event goes.
type fan struct {
	targets []int64
	parking []bool  // of each target, whether it is disabled
	missed  []int64 // disabled webhooks for which there was no room
	pending int64   // how many targets are enabled
	parked  int64   // and how many are disabled
}

func (f *fan) add(target int64, parking bool) {
	f.targets, f.parking = append(f.targets, target), append(f.parking, parking)
	if parking {
		f.parked++
	} else {
		f.pending++
	}
}

// fanOf says where an event of a type goes.
func fanOf(receivers []webhook.Receiver, eventType string, to []string) (f fan) {
	for i := range receivers {
		r := &receivers[i]
		if !r.Wants(eventType) || to != nil && !slices.Contains(to, r.Name) {
			continue
		}
		f.add(r.Seq, r.Disabled)
	}
	return f
}
