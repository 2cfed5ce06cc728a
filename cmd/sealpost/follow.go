package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/webhook"
)

// How often a list that is followed is read again.
const (
	followFile   = 200 * time.Millisecond
	followServer = time.Second
)

// maxFollowed bounds the pending deliveries that are looked at one by one, since
// they are older than the newest page.
const maxFollowed = 1000

// follower tells what is new about deliveries from one look to the next.
type follower struct {
	query webhook.DeliveryQuery
	seen  map[string]stand
}

// stand is how a delivery stood when it was last shown.
type stand struct {
	state    webhook.DeliveryState
	attempts int
	due      time.Time
}

// news are the deliveries that came or changed since the last look, the
// longest known first.
func (f *follower) news(ctx context.Context, b backend) ([]webhook.Delivery, error) {
	page, _, err := b.ListDeliveries(ctx, f.query)
	if err != nil {
		return nil, err
	}
	here := make(map[string]bool, len(page))
	look := func(changed []webhook.Delivery, d webhook.Delivery) []webhook.Delivery {
		here[d.ID] = true
		now := stand{d.State, d.Count, d.Due}
		if f.seen[d.ID] != now {
			changed = append(changed, d)
		}
		f.seen[d.ID] = now
		return changed
	}
	// A page has the newest event first, and all deliveries of an event together.
	var older, newer []webhook.Delivery
	for end := len(page); end > 0; {
		start := end - 1
		for start > 0 && page[start-1].EventID == page[end-1].EventID {
			start--
		}
		for _, d := range page[start:end] {
			newer = look(newer, d)
		}
		end = start
	}
	for id, was := range f.seen {
		switch {
		case here[id]:
		case was.state != webhook.Pending || f.query.State != "" || len(f.seen) > len(page)+maxFollowed:
			delete(f.seen, id) // it has ended, or the newest page alone is asked about
		default:
			d, err := b.Delivery(ctx, f.query.Organization, id)
			switch {
			case webhook.CodeOf(err) == webhook.CodeNotFound:
				delete(f.seen, id) // a backup was restored that does not have it
			case err != nil:
				return nil, err
			default:
				older = look(older, d)
			}
		}
	}
	slices.SortFunc(older, func(x, y webhook.Delivery) int { return cmp.Or(x.Created.Compare(y.Created), cmp.Compare(x.ID, y.ID)) })
	return append(older, newer...), nil
}

// followList shows the last deliveries of a list, oldest first, and then each that
// comes or changes, until it is interrupted.
func (a *app) followList(ctx context.Context, b backend, q webhook.DeliveryQuery) error {
	last := webhook.Page(q.Limit)
	q.Limit = webhook.MaxPage
	every := followServer
	if _, onFile := b.(*local); onFile {
		every = followFile
	}
	f := &follower{query: q, seen: make(map[string]stand)}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for first := true; ; first = false {
		changed, err := f.news(ctx, b)
		if err != nil {
			return err
		}
		if first && len(changed) == 0 {
			if err := a.nothingFits(ctx, b, q); err != nil {
				return err
			}
		}
		if first && len(changed) > last {
			changed = changed[len(changed)-last:]
		}
		for i := range changed {
			if err := a.printFollowed(&changed[i]); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// printFollowed writes a delivery as one line.
func (a *app) printFollowed(d *webhook.Delivery) error {
	if a.json() {
		return a.printJSON(d.View(false))
	}
	what := "not tried yet"
	if n := len(d.Attempts); n > 0 {
		what = deliver.Describe(d.Attempts[n-1])
	}
	if d.State == webhook.Pending && !d.Due.IsZero() {
		what += ", next " + a.when(d.Due)
	}
	color := styleName
	switch d.State {
	case webhook.Delivered:
		color = styleGood
	case webhook.Dead:
		color = styleError
	case webhook.Parked, webhook.Cancelled:
		color = styleWarn
	}
	return a.print("%s  %s  %s  %s → %s  %s", a.now().UTC().Format(time.RFC3339), a.styleOut(color, string(d.State)), d.ID, d.Type, d.Webhook, what)
}
