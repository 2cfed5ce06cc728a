package main

import (
	"errors"
	"fmt"

	"sealpost/internal/catalog"
	"sealpost/internal/webhook"
)

// sampleDraft makes an event of a type's sample.
func (a *app) sampleDraft(f *publishFlags, eventType string) (*webhook.Draft, error) {
	if err := a.loadCatalog(); err != nil {
		return nil, err
	}
	var set []catalog.Assignment
	for _, text := range f.set {
		one, err := catalog.ParseAssignment(text)
		if err != nil {
			return nil, &usageError{"--set: " + err.Error(), "for instance --set spend.amount=2500"}
		}
		set = append(set, one)
	}
	body, err := a.catalog.Sample(eventType, f.seed, set)
	if errors.Is(err, catalog.ErrUnknownType) {
		return nil, &usageError{err.Error(), "`sealpost event types` lists the types"}
	}
	if err != nil {
		return nil, &usageError{err.Error(), fmt.Sprintf("`sealpost event types %s` shows its fields", eventType)}
	}
	draft, err := webhook.NewDraft(eventType, body)
	if err == nil {
		draft.ID = f.id
	}
	return draft, err
}
