package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sealpost/internal/bounds"
	"sealpost/internal/webhook"
)

// limitsOf are the limits of the organization that apply works on, if this process
// can know them: on the file it can, a server keeps its own.
func (a *app) limitsOf(ctx context.Context, b backend) (bounds.Values, error) {
	l, onFile := b.(*local)
	if !onFile {
		return bounds.Values{}, nil
	}
	return l.store.Bounds(ctx, a.organization())
}

// fits refuses steps that would take an organization with so many webhooks past its
// limits. What steps delete makes room for what they create.
func fits(values bounds.Values, have int, steps []step) error {
	var faults []error
	created, deleted := 0, 0
	for _, s := range steps {
		use, had := int64(len(s.want.Config.Targets())), int64(len(s.have.Targets()))
		switch s.Action {
		case actionCreate:
			created, had = created+1, 0
		case actionDelete:
			deleted++
			continue
		}
		if use > had && values.Past(bounds.URLs, use) {
			fault := webhook.TooManyURLs(values[bounds.URLs], use)
			faults = append(faults, about(s.Name, fault))
		}
	}
	if created > 0 && values.Past(bounds.Webhooks, int64(have+created-deleted)) {
		fault := webhook.LimitReached(bounds.Webhooks, values[bounds.Webhooks], int64(have))
		fault.Messages[0] += fmt.Sprintf("; the document creates %d and deletes %d", created, deleted)
		faults = append([]error{fault}, faults...)
	}
	return together(faults, "; nothing was changed")
}

// about names the webhook that an error is about.
func about(name string, err error) error {
	var known *webhook.Error
	if !errors.As(err, &known) {
		return err
	}
	named := *known
	named.Messages = []string{name + ": " + strings.Join(known.Messages, "; ")}
	return &named
}

// together is one error of several that refuse for the limits, with one hint.
func together(faults []error, more string) error {
	var whole *webhook.Error
	for _, err := range faults {
		var one *webhook.Error
		if !errors.As(err, &one) {
			return err
		}
		if whole == nil {
			first := *one
			whole = &first
			continue
		}
		whole.Messages = append(slices.Clip(whole.Messages), one.Messages...)
	}
	if whole == nil {
		return nil
	}
	whole.Hint += more
	return whole
}

// carryOut carries the steps out: updates and creations first, so that nothing is
// deleted when one of them fails. A step that a limit refuses is tried again after
// the deletions, and does not stop the others. Each step that was not done says why.
func carryOut(steps []step, run func(*step) error) error {
	order := make([]*step, 0, len(steps))
	var deletions []*step
	for i := range steps {
		switch s := &steps[i]; s.Action {
		case actionUnchanged:
		case actionDelete:
			deletions = append(deletions, s)
		default:
			order = append(order, s)
		}
	}
	order = append(order, deletions...)
	for _, s := range order {
		s.Undone = "it was not tried"
	}
	refused, err := attempts(order, run)
	if err != nil || len(refused) == 0 {
		return err
	}
	if len(deletions) > 0 {
		if refused, err = attempts(refused, run); err != nil || len(refused) == 0 {
			return err
		}
	}
	faults := make([]error, len(refused))
	for i, s := range refused {
		faults[i] = s.refusal
	}
	return together(faults, "")
}

// attempts runs steps one after the other, and returns those that a limit refuses.
func attempts(steps []*step, run func(*step) error) (refused []*step, err error) {
	for _, s := range steps {
		err := run(s)
		if s.Undone = ""; err == nil {
			continue
		}
		s.Undone = describe(err).Message
		if webhook.CodeOf(err) != webhook.CodeLimitReached {
			return nil, err
		}
		s.refusal = about(s.Name, err)
		refused = append(refused, s)
	}
	return refused, nil
}

// tellUndone says how many changes were made, when not all were.
func (a *app) tellUndone(steps []step) {
	done, undone := 0, 0
	for _, s := range steps {
		switch {
		case s.Undone != "":
			undone++
		case s.Action != actionUnchanged:
			done++
		}
	}
	a.say("%d of %d changes were made; the list says which were not, and why", done, done+undone)
}
