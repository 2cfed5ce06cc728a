package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"sealpost/internal/admin"
	"sealpost/internal/deliver"
	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// publishDirectly stores the event under a claim of this process, and delivers
// it here.
func (a *app) publishDirectly(ctx context.Context, f *publishFlags, draft *webhook.Draft) (*published, error) {
	p := &published{eventType: draft.Type()}
	if err := a.onFile("publish --direct"); err != nil {
		return p, err
	}
	l, err := a.local(ctx, false)
	if err != nil {
		return p, err
	}
	defer l.Close() //nolint:errcheck // what counts is committed by then
	if err := l.store.SweepDirect(ctx); err != nil {
		return p, err
	}
	claim, lock, err := store.LockClaim(l.store.Path(), a.now())
	if err != nil {
		return p, err
	}
	defer lock.Drop() //nolint:errcheck // it dies with the process at the latest
	result, err := publishOne(ctx, l, admin.PublishParams{Organization: a.organization(), Draft: draft, To: f.to, Direct: claim})
	if err != nil {
		return p, err
	}
	if result.Repeated {
		err = a.follow(ctx, l, result.ID)
	} else {
		err = a.deliverDirectly(ctx, l, f, result, claim)
	}
	return p, errors.Join(err, a.learn(p, l, result))
}

// deliverDirectly delivers in this process what it has claimed.
func (a *app) deliverDirectly(ctx context.Context, l *local, f *publishFlags, result webhook.Publishing, claim string) error {
	works, err := l.store.Direct(ctx, result.Deliveries, claim)
	if err != nil {
		return err
	}
	lasting := context.WithoutCancel(ctx) // what has happened is recorded, also after the time is up
	var g errgroup.Group
	for _, work := range works {
		g.Go(func() error {
			receiver, err := l.store.Receiver(ctx, work.Key.Webhook)
			if err != nil {
				return err
			}
			_, err = a.foreground(l, f, func(o *webhook.Outcome) error {
				_, err := l.store.Finish(lasting, []*webhook.Outcome{o})
				return err
			}).Deliver(ctx, work, receiver)
			return err
		})
	}
	err = g.Wait()
	return errors.Join(err, l.store.EndDirect(lasting, claim, "the publishing process gave up"))
}

func (a *app) foreground(l *local, f *publishFlags, record func(*webhook.Outcome) error) deliver.Foreground {
	p := policy(a.conf)
	p.Retries = f.attempts - 1
	return deliver.Foreground{Client: l.guard.Client(), Policy: p, Timeout: a.conf.Delivery.Timeout, UserAgent: userAgent(), Now: a.now, Record: record}
}

func userAgent() string { return "sealpost/" + version }

// publishToURL sends one event to a target that is not registered. Nothing of
// it is stored.
func (a *app) publishToURL(ctx context.Context, f *publishFlags, draft *webhook.Draft) (*published, error) {
	p := &published{eventType: draft.Type(), state: webhook.Accepted, count: 1}
	work, receiver, err := a.unregistered(f, draft)
	if err != nil {
		return p, err
	}
	g, err := a.newGuard()
	if err != nil {
		return p, err
	}
	defer g.Close()
	if v := g.Check(ctx, f.url); !v.Allowed && v.Reason != "dns_error" {
		return p, &webhook.Error{Code: webhook.CodeInvalidURL, Messages: []string{fmt.Sprintf("%s: %s: %s", f.url, v.Reason, v.Message)},
			Hint: "receivers are public https URLs; `sealpost help egress` tells how to make an exception"}
	}
	delivery := webhook.Delivery{EventID: work.EventID, Type: work.Type, URL: f.url, State: webhook.Pending}
	_, err = a.foreground(&local{guard: g}, f, func(o *webhook.Outcome) error {
		delivery.Attempts, delivery.State, delivery.Reason = append(delivery.Attempts, o.Attempt), o.State, o.Reason
		return nil
	}).Deliver(ctx, work, receiver)
	p.id, p.deliveries = work.EventID, []webhook.Delivery{delivery}
	return p, err
}

// unregistered makes work for a target that is not in the database.
func (a *app) unregistered(f *publishFlags, draft *webhook.Draft) (*webhook.Work, *webhook.Receiver, error) {
	if _, err := a.config(); err != nil {
		return nil, nil, err
	}
	value, err := a.signingSecret("--secret", f.secret)
	if err != nil {
		return nil, nil, err
	}
	if err := a.validate(draft); err != nil {
		return nil, nil, err
	}
	now := a.now().UTC().Truncate(time.Millisecond)
	if draft.ID == "" {
		draft.ID = webhook.NewEventID(now)
	}
	work := &webhook.Work{EventID: draft.ID, Type: draft.Type(), Accepted: now, Bytes: draft.Build(now)}
	return work, target(f.url, value), nil
}

// validate judges an event by size and catalog, without a database.
func (a *app) validate(draft *webhook.Draft) error {
	if err := a.loadCatalog(); err != nil {
		return err
	}
	return a.service(nil, nil).Validate(draft)
}

func target(url string, value secret.Text) *webhook.Receiver {
	return &webhook.Receiver{Config: webhook.Config{URL: url}, Secrets: []webhook.SigningSecret{{Value: value}}}
}
