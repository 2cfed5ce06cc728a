package admin

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// Created is a webhook that has just been made, with the secret that is shown
// this once.
type Created struct {
	Config  webhook.Config
	Secret  secret.Text
	Existed bool     // it was there already and was left as it is; no secret then
	Lacking []string // fields that an older server does not know, so it was created without them
}

// CheckURLs judges every URL of a change, in the order of
// [webhook.Config.Targets].
func (s *Service) CheckURLs(ctx context.Context, patch *webhook.Patch) []Verdict {
	var urls []string
	for _, target := range patch.Targets() {
		urls = append(urls, target.URL)
	}
	return s.judge(ctx, urls)
}

// How URLs are judged: their names are looked up side by side, under one deadline.
const (
	judgeTime = 15 * time.Second
	judgeMost = 64 // look-ups at a time
)

// judge judges URLs, in their order.
func (s *Service) judge(ctx context.Context, urls []string) []Verdict {
	ctx, cancel := context.WithTimeout(ctx, judgeTime)
	defer cancel()
	verdicts := make([]Verdict, len(urls))
	var looking sync.WaitGroup
	slots := make(chan struct{}, judgeMost)
	for i, url := range urls {
		slots <- struct{}{}
		looking.Go(func() {
			verdicts[i] = s.Guard.Check(ctx, url)
			<-slots
		})
	}
	looking.Wait()
	return verdicts
}

// checked returns an error that names every URL that may not be called.
func (s *Service) checked(ctx context.Context, patch *webhook.Patch) error {
	var messages, outside []string
	for _, v := range s.CheckURLs(ctx, patch) {
		if !v.Allowed {
			messages = append(messages, fmt.Sprintf("%s: %s: %s", v.URL, v.Reason, v.Message))
			outside = append(outside, fmt.Sprintf("%s: %s: %s", v.URL, v.Reason, v.Outside))
		}
	}
	if messages == nil {
		return nil
	}
	return (&webhook.Error{Code: webhook.CodeInvalidURL, Messages: messages, Outside: outside}).Advise()
}

// Create registers a webhook. A zero secret means to make one. With ifAbsent,
// a webhook of the same name is left as it is and answered instead of
// [webhook.CodeNameConflict].
func (s *Service) Create(ctx context.Context, organization, name string, patch *webhook.Patch, value secret.Text, ifAbsent bool) (Created, error) {
	if err := webhook.CheckName(name); err != nil {
		return Created{}, err
	}
	if err := s.checked(ctx, patch); err != nil {
		return Created{}, err
	}
	if value.IsZero() {
		value = secret.Generate()
	}
	config, err := patch.Apply(webhook.Config{Name: name})
	if err != nil {
		return Created{}, err
	}
	err = s.Store.CreateWebhook(ctx, organization, config, value, s.Now())
	if webhook.CodeOf(err) == webhook.CodeNameConflict && ifAbsent {
		found, err := s.Store.Webhook(ctx, organization, name)
		return Created{Config: found.Config, Existed: true}, err
	}
	if err != nil {
		return Created{}, err
	}
	return Created{Config: config, Secret: value}, nil
}

// Get finds a webhook.
func (s *Service) Get(ctx context.Context, organization, name string) (webhook.Webhook, error) {
	if err := webhook.CheckName(name); err != nil {
		return webhook.Webhook{}, err
	}
	return s.Store.Webhook(ctx, organization, name)
}

// List finds all webhooks of an organization, by name.
func (s *Service) List(ctx context.Context, organization string) ([]webhook.Webhook, error) {
	return s.Store.Webhooks(ctx, organization)
}

// Update changes a webhook. ifMatch, when given, is the entity tag that it
// must still have.
func (s *Service) Update(ctx context.Context, organization, name string, patch *webhook.Patch, ifMatch string) (webhook.Config, error) {
	if err := webhook.CheckName(name); err != nil {
		return webhook.Config{}, err
	}
	if err := s.checked(ctx, patch); err != nil {
		return webhook.Config{}, err
	}
	result, _, err := s.Store.ChangeWebhook(ctx, organization, name, secret.Text{}, s.Now(), func(found *webhook.Webhook) (*webhook.Config, error) {
		if found == nil {
			return nil, nil // the store says that it is not there
		}
		if err := matches(ifMatch, &found.Config); err != nil {
			return nil, err
		}
		if patch.Empty() {
			return nil, nil
		}
		next, err := patch.Apply(found.Config)
		return &next, err
	})
	return result, err
}

// Put makes a webhook be what patch says: created with a fresh secret, or replaced.
// A webhook that is there keeps its secret and the fields that patch does not name.
func (s *Service) Put(ctx context.Context, organization, name string, patch *webhook.Patch, ifMatch string) (Created, bool, error) {
	if err := webhook.CheckName(name); err != nil {
		return Created{}, false, err
	}
	if err := s.checked(ctx, patch); err != nil {
		return Created{}, false, err
	}
	value := secret.Generate()
	config, created, err := s.Store.ChangeWebhook(ctx, organization, name, value, s.Now(), func(found *webhook.Webhook) (*webhook.Config, error) {
		have := webhook.Config{Name: name}
		switch {
		case found == nil && ifMatch != "":
			return nil, changed()
		case found != nil:
			if err := matches(ifMatch, &found.Config); err != nil {
				return nil, err
			}
			have = found.Config
		}
		next, err := patch.Replace(have)
		return &next, err
	})
	if err != nil || !created {
		return Created{Config: config}, false, err
	}
	return Created{Config: config, Secret: value}, true, nil
}

// Delete deletes a webhook and cancels its deliveries.
func (s *Service) Delete(ctx context.Context, organization, name, ifMatch string) error {
	if err := webhook.CheckName(name); err != nil {
		return err
	}
	return s.Store.DeleteWebhook(ctx, organization, name, s.Now(), func(found webhook.Webhook) error {
		return matches(ifMatch, &found.Config)
	})
}

// Rotated is a fresh secret and the time until which the old one signs too.
type Rotated struct {
	Secret        secret.Text
	PreviousUntil time.Time
}

// Rotate replaces a webhook's secret; a zero one in rotation means to make it.
func (s *Service) Rotate(ctx context.Context, organization, name string, rotation webhook.Rotation) (Rotated, error) {
	if err := webhook.CheckName(name); err != nil {
		return Rotated{}, err
	}
	if rotation.Secret.IsZero() {
		rotation.Secret = secret.Generate()
	}
	until, err := s.Store.Rotate(ctx, organization, name, rotation, s.Now())
	if err != nil {
		return Rotated{}, err
	}
	return Rotated{Secret: rotation.Secret, PreviousUntil: until}, nil
}

// matches compares with If-Match: *, or a list of entity tags of which one has
// to be the present one (RFC 9110, 13.1.1). A weak tag never is. Ours hold no
// comma, so one within somebody's quotes can't make a difference.
func matches(ifMatch string, config *webhook.Config) error {
	if ifMatch == "" || ifMatch == "*" {
		return nil
	}
	for tag := range strings.SplitSeq(ifMatch, ",") {
		if strings.Trim(tag, " \t") == config.ETag() {
			return nil
		}
	}
	return changed()
}

func changed() error {
	return webhook.Errorf(webhook.CodePreconditionFailed, "the webhook has changed since it was read").Advise()
}
