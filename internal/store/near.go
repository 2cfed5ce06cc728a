package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"sealpost/internal/bounds"
	"sealpost/internal/webhook"
)

// usage are the queries of what organizations use: organization, use, and whether
// it was made on the machine, which only the bound on bytes asks for. A parameter
// is the time.
var usage = []struct { //nolint:gochecknoglobals // read only
	kind  bounds.Kind
	query string
	timed bool
}{
	{bounds.Webhooks, `SELECT organization, count(*), true FROM webhook WHERE deleted_at IS NULL GROUP BY organization`, false},
	{bounds.URLs, `SELECT organization, max(1 + CASE WHEN routes = '{}' OR NOT json_valid(routes) THEN 0
		ELSE (SELECT count(*) FROM json_tree(routes) WHERE atom IS NOT NULL) END), true FROM webhook WHERE deleted_at IS NULL GROUP BY organization`, false},
	{bounds.Invitations, `SELECT organization, count(*), true FROM invitation INDEXED BY invitation_expires WHERE status = 'pending' AND expires_at > ? GROUP BY organization`, true},
	{bounds.Tokens, `SELECT organization, count(*), true FROM token WHERE ` + openToken + ` GROUP BY organization`, true},
	{bounds.Held, `SELECT organization, count(*), true FROM event INDEXED BY event_waiting WHERE state = 1 GROUP BY organization`, false},
	{bounds.StoredBytes, `SELECT s.organization, s.bytes, o.maker = 'machine' FROM stored s JOIN organization o ON o.seq = s.organization WHERE s.bytes > 0`, false},
}

// Near lists the organizations that use 80 % of a bound or more, those that use the
// largest share first. It reads a row of each webhook, token and organization, and
// counts deliveries up to the bounds, so it is for the operator alone.
func (s *Store) Near(ctx context.Context, now time.Time) ([]bounds.Close, error) {
	own, err := s.allBounds(ctx)
	if err != nil {
		return nil, fault(s.path, err)
	}
	n := near{own: own, settings: s.fanouts.settings}
	for _, one := range usage {
		var args []any
		if one.timed {
			args = []any{millis(now)}
		}
		if err := s.nearOf(ctx, &n, one.kind, one.query, args...); err != nil {
			return nil, fault(s.path, err)
		}
	}
	if err := s.nearWork(ctx, &n); err != nil {
		return nil, fault(s.path, err)
	}
	return s.named(ctx, n.found)
}

// near collects what is close to its bound.
type near struct {
	own      map[int64]map[bounds.Kind]int64 // by organization
	settings bounds.Values
	found    []closeTo
}

// closeTo is one of them, by the organization's number.
type closeTo struct {
	organization int64
	bounds.Close
}

// bound is what an organization may have.
func (n *near) bound(kind bounds.Kind, org int64, onMachine bool) int64 {
	if value, is := n.own[org][kind]; is {
		return value
	}
	return n.settings.For(onMachine)[kind]
}

func (n *near) add(kind bounds.Kind, org, use int64, onMachine bool) {
	values := bounds.Values{}
	values[kind] = n.bound(kind, org, onMachine)
	if values.Near(kind, use) {
		n.found = append(n.found, closeTo{org, bounds.Close{Kind: kind, Use: use, Limit: values[kind]}})
	}
}

// allBounds are the bounds that organizations have of their own.
func (s *Store) allBounds(ctx context.Context) (own map[int64]map[bounds.Kind]int64, err error) {
	rows, err := s.rows(ctx, `SELECT organization, name, value FROM bound`)
	if err != nil {
		return nil, err
	}
	defer closeRows(rows, &err)
	own = make(map[int64]map[bounds.Kind]int64)
	for rows.Next() {
		var org, value int64
		var name string
		if err := rows.Scan(&org, &name, &value); err != nil {
			return nil, err
		}
		for _, row := range bounds.Table {
			if row.Key == name {
				if own[org] == nil {
					own[org] = make(map[bounds.Kind]int64)
				}
				own[org][row.Kind] = value
			}
		}
	}
	return own, nil
}

func (s *Store) nearOf(ctx context.Context, n *near, kind bounds.Kind, query string, args ...any) (err error) {
	rows, err := s.rows(ctx, query, args...)
	if err != nil {
		return err
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var org, use int64
		var onMachine bool
		if err := rows.Scan(&org, &use, &onMachine); err != nil {
			return err
		}
		n.add(kind, org, use, onMachine)
	}
	return nil
}

// nearWork adds up pending and parked deliveries. Of a webhook that has many it goes
// on counting up to the bound of its organization.
func (s *Store) nearWork(ctx context.Context, n *near) error {
	heaps, err := s.heaps(ctx)
	if err != nil {
		return err
	}
	type sum struct {
		organization int64
		kind         bounds.Kind
	}
	sums := make(map[sum]int64)
	for _, h := range heaps {
		to := sum{h.organization, bounds.Pending}
		if h.parked {
			to.kind = bounds.Parked
		}
		most := n.bound(to.kind, h.organization, true)
		if h.n == Counted && most >= Counted && sums[to] <= most {
			if err := s.row(ctx, `SELECT count(*) FROM (SELECT 1 FROM delivery WHERE webhook = ? AND state = 0 LIMIT ?)`, []any{h.webhook, upTo(most)}, &h.n); err != nil {
				return err
			}
		}
		sums[to] += h.n
	}
	for of, use := range sums {
		if most := n.bound(of.kind, of.organization, true); most > 0 {
			use = min(use, most+1)
		}
		n.add(of.kind, of.organization, use, true)
	}
	return nil
}

// heap is the work that waits for one webhook, counted up to 10,000.
type heap struct {
	webhook, organization int64
	parked                bool
	n                     int64
}

func (s *Store) heaps(ctx context.Context) (found []heap, err error) {
	rows, err := s.rows(ctx, `WITH RECURSIVE w(seq) AS (
			SELECT min(webhook) FROM delivery WHERE state = 0
			UNION ALL
			SELECT (SELECT min(webhook) FROM delivery WHERE state = 0 AND webhook > w.seq) FROM w WHERE w.seq IS NOT NULL)
		SELECT h.seq, h.organization, h.disabled IS NOT NULL, (SELECT count(*) FROM (SELECT 1 FROM delivery WHERE webhook = w.seq AND state = 0 LIMIT ?1))
		FROM w JOIN webhook h ON h.seq = w.seq WHERE h.deleted_at IS NULL`, Counted)
	if err != nil {
		return nil, err
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var h heap
		if err := rows.Scan(&h.webhook, &h.organization, &h.parked, &h.n); err != nil {
			return nil, err
		}
		found = append(found, h)
	}
	return found, nil
}

// named gives organizations their names. Those that were deleted meanwhile are left
// out.
func (s *Store) named(ctx context.Context, found []closeTo) (named []bounds.Close, err error) {
	for _, one := range found {
		err := s.row(ctx, `SELECT slug, id FROM organization WHERE seq = ? AND deleted_at IS NULL`, []any{one.organization}, &one.Organization, &one.ID)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, fault(s.path, err)
		}
		named = append(named, one.Close)
	}
	share := func(c bounds.Close) float64 { return float64(c.Use) / float64(c.Limit) }
	slices.SortFunc(named, func(a, b bounds.Close) int {
		return cmp.Or(cmp.Compare(share(b), share(a)), cmp.Compare(a.Organization, b.Organization), cmp.Compare(a.Kind, b.Kind))
	})
	return named, nil
}

// Misses are the events that an organization's disabled webhooks missed, because too
// many deliveries were parked.
type Misses struct {
	Organization, ID string // slug and id
	Webhooks         int
	webhook.Gap
}

// AllMissing lists the organizations whose webhooks missed events, those that missed
// most first.
func (s *Store) AllMissing(ctx context.Context) (found []Misses, err error) {
	rows, err := s.rows(ctx, `SELECT o.slug, o.id, count(*), sum(m.events), min(m.since) FROM missing m CROSS JOIN webhook w ON w.seq = m.webhook CROSS JOIN organization o ON o.seq = w.organization
		WHERE w.deleted_at IS NULL GROUP BY o.seq ORDER BY sum(m.events) DESC, o.slug`)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var m Misses
		var since int64
		if err := rows.Scan(&m.Organization, &m.ID, &m.Webhooks, &m.Events, &since); err != nil {
			return nil, fault(s.path, err)
		}
		m.Since = fromMillis(since)
		found = append(found, m)
	}
	return found, nil
}

// Missed counts the events that disabled webhooks of all organizations missed, and
// that nobody has sent since.
func (s *Store) Missed(ctx context.Context) (n int64, err error) {
	err = s.row(ctx, `SELECT coalesce(sum(events), 0) FROM missing`, nil, &n)
	return n, fault(s.path, err)
}
