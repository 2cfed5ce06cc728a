package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"sealpost/internal/admin"
	"sealpost/internal/deliver"
	"sealpost/internal/guard"
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
	l, err := a.localIn(ctx, false)
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
	result, refused := a.publishOne(ctx, l, admin.PublishParams{Organization: a.organization(), Draft: draft, To: f.to, Direct: claim, Named: true})
	if refused == nil && !result.Repeated {
		err = a.deliverDirectly(ctx, l, f, result, claim)
	}
	err = errors.Join(refused, err, endClaim(context.WithoutCancel(ctx), l, claim, lock))
	if refused != nil {
		return p, err
	}
	err = unrecorded(result.ID, err)
	if result.Repeated && err == nil {
		err = a.followKnown(ctx, l, f, result)
	}
	return p, errors.Join(err, a.learn(p, l, result))
}

// unrecorded says of a fault of the database that the event is stored all the same, and
// what is missing.
func unrecorded(id string, err error) error {
	var known *webhook.Error
	if !errors.As(err, &known) || known.Code != webhook.CodeUnavailable {
		return err
	}
	told := *known
	told.Messages = append([]string{fmt.Sprintf("the event %s is stored, but not all that came of its deliveries: a receiver may have got it", id)}, known.Messages...)
	told.Hint = known.Hint + "; `sealpost delivery list --event " + id + "` shows what is known"
	return told.Wrap(err)
}

// endClaim cancels what is left of a claim, whatever came of it: what was to be
// published in a time that was up may be on file nevertheless. A claim that can't
// be ended keeps its file, by which the next process finds and ends it, unless
// nothing came under it.
func endClaim(ctx context.Context, l *local, claim string, lock *store.Lock) error {
	if err := l.store.EndDirect(ctx, claim, "the publishing process gave up"); err != nil {
		if left, unknown := l.store.HasDirect(ctx, claim); left || unknown != nil {
			return errors.Join(err, lock.Unlock())
		}
		return errors.Join(err, lock.Drop())
	}
	_ = lock.Drop() // it dies with the process at the latest
	return nil
}

// followKnown follows an event that was published before. Nothing of it is
// delivered here, so there must be somebody else who does.
func (a *app) followKnown(ctx context.Context, l *local, f *publishFlags, result webhook.Publishing) error {
	waits, err := l.store.Unclaimed(ctx, result.Deliveries)
	if err != nil {
		return err
	}
	if _, running := store.Daemon(l.store.Path()); waits && !running {
		return &webhook.Error{Code: webhook.CodeUnavailable, Messages: []string{fmt.Sprintf("the event %s was published before, and waits for a daemon; none serves %s", result.ID, l.store.Path())},
			Hint: "start `sealpost serve`; --direct delivers what it publishes itself"}
	}
	if f.deadline == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, followTime)
		defer cancel()
	}
	return a.follow(ctx, l, result.ID)
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
			way := a.foreground(l.guard, f)
			way.Receiver = func(ctx context.Context) (*webhook.Receiver, error) { return l.store.DirectReceiver(ctx, work, claim) }
			way.Waiting = func(r *webhook.Receiver) {
				a.say("webhook %s: its receiver has asked for no attempt before %s (Retry-After)", r.Name, a.when(r.RetryAfter.Time))
			}
			way.Record = func(o *webhook.Outcome) error {
				_, err := l.store.Finish(lasting, []*webhook.Outcome{o}) // one that is stale is no more ours, as is seen before the next attempt
				return err
			}
			_, err := way.Deliver(ctx, work)
			return err
		})
	}
	return g.Wait()
}

func (a *app) foreground(g *guard.Guard, f *publishFlags) deliver.Foreground {
	p := policy(a.conf)
	p.Retries = f.attempts - 1
	return deliver.Foreground{Client: g, Policy: p, DisableAfter: a.conf.Delivery.DisableAfter, Timeout: a.conf.Delivery.Timeout, UserAgent: userAgent(), Now: a.now}
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
	g, err := a.receiverGuard(ctx, f.url)
	if err != nil {
		return p, err
	}
	defer g.Close()
	delivery := webhook.Delivery{EventID: work.EventID, Type: work.Type, URL: f.url, State: webhook.Pending}
	way := a.foreground(g, f)
	if f.forge != "" {
		way.Client = f.forger(g, receiver.Secrets[0].Value)
	}
	way.Receiver = func(context.Context) (*webhook.Receiver, error) { return receiver, nil }
	way.Record = func(o *webhook.Outcome) error {
		delivery.Attempts, delivery.State, delivery.Reason = append(delivery.Attempts, o.Attempt), o.State, o.Reason
		return nil
	}
	_, err = way.Deliver(ctx, work)
	p.id, p.deliveries = work.EventID, []webhook.Delivery{delivery}
	return p, err
}

// receiverGuard makes the client for a URL that a person has named, and refuses a URL
// that may not be called.
func (a *app) receiverGuard(ctx context.Context, url string) (*guard.Guard, error) {
	g, err := a.newGuard()
	if err != nil {
		return nil, err
	}
	if v := g.Check(ctx, url); !v.Allowed && v.Reason != "dns_error" {
		g.Close()
		return nil, &webhook.Error{Code: webhook.CodeInvalidURL, Messages: []string{fmt.Sprintf("%s: %s: %s", url, v.Reason, v.Message)},
			Hint: "receivers are public https URLs; `sealpost help egress` tells how to make an exception"}
	}
	return g, nil
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
