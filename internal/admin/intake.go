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
	NextUnlinked(ctx context.Context, provider, user string, behind int64, after time.Time) (seq int64, raw []byte, found bool, err error)
}

// Intake takes events of card providers in.
type Intake struct {
	Store   Intakes
	Now     func() time.Time
	Await   []string      // our event types that wait for a receipt
	Timeout time.Duration // how long they wait

	// KeepUnlinked is how long events of users who are not linked are kept;
	// 0 keeps none.
	KeepUnlinked time.Duration
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
	in := webhook.Incoming{
		Provider: provider.Name(), ID: mapped.ID, Content: mapped.Content, Raw: raw, User: mapped.User, Ignored: mapped.Why,
		At: now, KeepUnlinked: i.KeepUnlinked, Pushed: pushed,
	}
	if mapped.Declined {
		in.Declined = mapped.Subject
	}
	var misfit *catalog.IntakeError
	switch {
	case errors.As(err, &misfit):
		in.Faults = misfit.Messages()
	case err != nil:
		return webhook.Taking{}, err
	case !mapped.Ignored():
		in.Publication = func(c webhook.Credential, reason string) (webhook.Publication, error) {
			return i.publication(mapped, c, reason, now)
		}
	}
	taken, err := i.Store.Take(ctx, in)
	if err == nil && taken.Kept && !taken.Conflicting {
		err = &webhook.Error{Code: webhook.Code(misfit.Code()), Messages: misfit.Messages(), Hint: "it is kept: `sealpost quarantine list`"}
	}
	return taken, err
}

// publication is our event for a credential, without its id.
func (i *Intake) publication(in catalog.Intake, c webhook.Credential, reason string, now time.Time) (webhook.Publication, error) {
	body, err := in.Body(c.ID, reason)
	if err != nil {
		return webhook.Publication{}, webhook.Errorf(webhook.CodeBadRequest, err.Error())
	}
	d := &webhook.Draft{Body: body, Subject: in.Subject}
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
	if taken.Conflicting {
		return taken, Conflict(provider.Name())
	}
	return taken, i.Store.DropQuarantined(ctx, seq)
}

// Conflict is the error of an event whose id is known with other content.
func Conflict(provider string) error {
	return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the %s event's id is known already with other content, for which an event was sent; this one is in quarantine", provider)).
		WithHint("`sealpost quarantine list` shows it; ask the provider which of the two is right")
}

// PushUser takes the events that are kept for a user once more, in the order in
// which they arrived, and calls each with what came of each. It ends at the first
// one that can't be taken now, for instance because the user is not linked; that
// one and those behind it stay. An event that does not fit any more goes to
// quarantine, and the others go on.
func (i *Intake) PushUser(ctx context.Context, provider catalog.Provider, user string, each func(webhook.Taking)) error {
	for behind := int64(0); ; {
		seq, raw, found, err := i.Store.NextUnlinked(ctx, provider.Name(), user, behind, i.Now().Add(-i.KeepUnlinked))
		if err != nil || !found {
			return err
		}
		taken, err := i.take(ctx, provider, raw, true)
		if err != nil && !taken.Kept {
			return err
		}
		each(taken)
		behind = seq
	}
}
