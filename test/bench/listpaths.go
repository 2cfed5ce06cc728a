package main

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"sealpost/internal/webhook"
)

// listPaths are all list calls to measure: each filter alone, combinations that a person
// would use, filters that nothing fits, and second pages.
func listPaths(ctx context.Context, d *daemon, token string, deliveries int) (paths []string, err error) {
	event, transaction, err := someEvent(ctx, d, token)
	if err != nil {
		return nil, err
	}
	span := time.Duration(deliveries) * 3 / 4 * betweenEvents // there are fewer events than deliveries
	at := func(part time.Duration) string {
		return time.UnixMilli(firstOfFile).Add(span * part / 100).UTC().Format(time.RFC3339)
	}
	old := at(1)
	times := []string{old, at(99), time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
	add := func(route string, filters ...string) {
		q := url.Values{}
		for i := 0; i < len(filters); i += 2 {
			q.Set(filters[i], filters[i+1])
		}
		if len(q) > 0 {
			route += "?" + q.Encode()
		}
		paths = append(paths, route)
	}
	events := func(filters ...string) { add("/api/event", filters...) }
	events()
	events("limit", "1000")
	events("type", "card.updated")
	events("type", "no.such")
	events("transaction", transaction)
	events("transaction", "no-such")
	for _, since := range times {
		events("since", since)
		events("since", since, "type", "user.updated")
		events("since", since, "type", "no.such")
	}
	for _, state := range webhook.EventStates {
		events("state", string(state))
		events("state", string(state), "type", "transaction.created")
		events("state", string(state), "since", old)
	}
	found := func(filters ...string) { add("/api/delivery", filters...) }
	found()
	found("limit", "1000")
	found("event", event)
	found("event", "no-such")
	for _, state := range append([]webhook.DeliveryState{""}, webhook.DeliveryStates...) {
		with := func(filters ...string) {
			if state != "" {
				filters = append(filters, "state", string(state))
			}
			found(filters...)
		}
		if state != "" {
			with()
			with("limit", "1000")
		}
		with("webhook", "hook-0")
		with("webhook", "hook-19")
		with("webhook", "no-such")
		with("type", "card.updated")
		with("type", "no.such")
		with("webhook", "hook-1", "type", "transaction.created")
		with("webhook", "hook-1", "type", "no.such")
		with("webhook", "hook-1", "type", "card.updated", "since", old)
		for _, since := range times {
			with("since", since)
			with("since", since, "webhook", "hook-1")
			with("since", since, "type", "card.updated")
		}
	}
	add("/api/webhook")
	return withNext(ctx, d, token, paths)
}

// someEvent finds an event of a transaction; an organization without any has neither.
func someEvent(ctx context.Context, d *daemon, token string) (id, transaction string, err error) {
	text, err := get(ctx, d.process.url+"/api/event?type=transaction.created&limit=1", token)
	if err != nil {
		return "", "", err
	}
	var page struct {
		Data []struct{ ID, Transaction string }
	}
	if err := json.Unmarshal(text, &page); err != nil {
		return "", "", err
	}
	if len(page.Data) == 0 {
		return "none", "none", nil
	}
	return page.Data[0].ID, page.Data[0].Transaction, nil
}

// withNext adds the second page of every list that has one.
func withNext(ctx context.Context, d *daemon, token string, paths []string) ([]string, error) {
	all := paths
	for _, path := range paths {
		text, err := get(ctx, d.process.url+path, token)
		if err != nil {
			return nil, err
		}
		var page struct{ Next string }
		if json.Unmarshal(text, &page) != nil || page.Next == "" {
			continue
		}
		u, err := url.Parse(path)
		if err != nil {
			return nil, err
		}
		q := u.Query()
		q.Set("cursor", page.Next)
		u.RawQuery = q.Encode()
		all = append(all, u.String())
	}
	return all, nil
}
