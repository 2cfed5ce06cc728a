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
	seen  map[webhook.DeliveryKey]stand
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
	var changed []webhook.Delivery
	here := make(map[webhook.DeliveryKey]bool, len(page))
	look := func(d webhook.Delivery) {
		here[d.Key] = true
		now := stand{d.State, d.Count, d.Due}
		if f.seen[d.Key] != now {
			changed = append(changed, d)
		}
		f.seen[d.Key] = now
	}
	for _, d := range page {
		look(d)
	}
	for key, was := range f.seen {
		switch {
		case here[key]:
		case was.state != webhook.Pending || f.query.State != "" || len(f.seen) > len(page)+maxFollowed:
			delete(f.seen, key) // it has ended, or the newest page alone is asked about
		default:
			d, err := b.Delivery(ctx, f.query.Organization, key.String())
			switch {
			case webhook.CodeOf(err) == webhook.CodeNotFound:
				delete(f.seen, key) // a backup was restored that does not have it
			case err != nil:
				return nil, err
			default:
				look(d)
			}
		}
	}
	slices.SortFunc(changed, func(x, y webhook.Delivery) int {
		return cmp.Or(cmp.Compare(x.Key.Event, y.Key.Event), cmp.Compare(x.Key.Webhook, y.Key.Webhook), cmp.Compare(x.Key.Run, y.Key.Run))
	})
	return changed, nil
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
	f := &follower{query: q, seen: make(map[webhook.DeliveryKey]stand)}
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
	return a.print("%s  %s  %s  %s → %s  %s", a.now().UTC().Format(time.RFC3339), a.styleOut(color, string(d.State)), d.Key, d.Type, d.Webhook, what)
}
