package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sealpost/internal/catalog"
	"sealpost/internal/webhook"
)

// Intakes is what taking providers' events in needs of the database.
type Intakes interface {
	Take(ctx context.Context, in webhook.Incoming) (webhook.Taking, error)
	Quarantined(ctx context.Context, seq int64) (provider string, raw []byte, err error)
	DropQuarantined(ctx context.Context, seq int64) error
}

// Intake takes events of card providers in.
type Intake struct {
	Store   Intakes
	Now     func() time.Time
	Await   []string      // our event types that wait for a receipt
	Timeout time.Duration // how long they wait
}

// Take carries out what one event of a provider causes and returns after it is
// on disk. An event that does not fit is kept in quarantine; the error then
// says all that is wrong with it. Whether the event is genuine is asked before.
func (i *Intake) Take(ctx context.Context, provider catalog.Provider, raw []byte) (webhook.Taking, error) {
	return i.take(ctx, provider, raw, false)
}

func (i *Intake) take(ctx context.Context, provider catalog.Provider, raw []byte, pushed bool) (webhook.Taking, error) {
	now := i.Now().UTC().Truncate(time.Millisecond)
	mapped, err := provider.Map(raw)
	in := webhook.Incoming{Provider: provider.Name(), ID: mapped.ID, User: mapped.User, Ignored: mapped.Why, At: now, Pushed: pushed}
	var misfit *catalog.IntakeError
	switch {
	case errors.As(err, &misfit):
		in.Raw, in.Faults = raw, misfit.Messages()
	case err != nil:
		return webhook.Taking{}, err
	case !mapped.Ignored():
		in.Publication = func(c webhook.Credential) (webhook.Publication, error) { return i.publication(mapped, c, now) }
	}
	taken, err := i.Store.Take(ctx, in)
	if err == nil && taken.Kept {
		err = &webhook.Error{Code: webhook.Code(misfit.Code()), Messages: misfit.Messages(), Hint: "it is kept: `sealpost quarantine list`"}
	}
	return taken, err
}

// publication is our event for a credential.
func (i *Intake) publication(in catalog.Intake, c webhook.Credential, now time.Time) (webhook.Publication, error) {
	body, err := in.Body(c.ID)
	if err != nil {
		return webhook.Publication{}, webhook.Errorf(webhook.CodeBadRequest, err.Error())
	}
	d := &webhook.Draft{ID: webhook.ProviderEventID(c.Provider, in.ID), Body: body, Subject: in.Subject}
	d.Resource, d.Action, _ = strings.Cut(in.Type, ".")
	d.Await = in.CanWait && slices.Contains(i.Await, in.Type)
	return webhook.Publication{Organization: c.Organization, Draft: d, At: now, HoldUntil: now.Add(i.Timeout), Owed: true}, nil
}

// Push takes an event from quarantine once more, for instance after an update
// that knows its kind; when it is taken it leaves the quarantine. It belongs to
// no organization there: whose it is, its user's credential says, and nobody
// else.
func (i *Intake) Push(ctx context.Context, seq int64) (webhook.Taking, error) {
	name, raw, err := i.Store.Quarantined(ctx, seq)
	if err != nil {
		return webhook.Taking{}, err
	}
	provider, found := catalog.ProviderByName(name)
	if !found {
		return webhook.Taking{}, webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("no provider %q", name))
	}
	taken, err := i.take(ctx, provider, raw, true)
	if err != nil {
		return taken, err
	}
	return taken, i.Store.DropQuarantined(ctx, seq)
}
