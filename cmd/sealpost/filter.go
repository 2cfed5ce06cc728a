package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/config"
	"sealpost/internal/typo"
	"sealpost/internal/webhook"
)

// deliveryFilter are the flags that choose deliveries.
type deliveryFilter struct {
	event, webhook, eventType, state, since, cursor string
	limit                                           int
}

// add makes the flags; states are those that the command takes.
func (f *deliveryFilter) add(a *app, cmd *cobra.Command, states ...webhook.DeliveryState) {
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	last := len(names) - 1
	cmd.Flags().StringVar(&f.event, "event", "", "only of this event")
	cmd.Flags().StringVar(&f.webhook, "webhook", "", "only to this webhook")
	cmd.Flags().StringVar(&f.eventType, "type", "", "only this event type")
	cmd.Flags().StringVar(&f.state, "state", "", "only this state: "+strings.Join(names[:last], ", ")+" or "+names[last])
	cmd.Flags().StringVar(&f.since, "since", "", "only of events since: 2h, 3d, or a time (RFC 3339)")
	_ = cmd.RegisterFlagCompletionFunc("webhook", a.completeWebhooks)
	_ = cmd.RegisterFlagCompletionFunc("type", a.completeTypes)
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
}

func (f *deliveryFilter) query(a *app) (q webhook.DeliveryQuery, err error) {
	q = webhook.DeliveryQuery{Organization: a.organization(), Event: f.event, Webhook: f.webhook, Type: f.eventType,
		State: webhook.DeliveryState(f.state), Cursor: f.cursor, Limit: f.limit}
	if f.state != "" && !slices.Contains(webhook.DeliveryStates, q.State) {
		return q, unknownState(f.state, webhook.DeliveryStates)
	}
	if err := checkType(f.eventType); err != nil {
		return q, err
	}
	q.Since, err = a.since(f.since)
	return q, err
}

// unknownState is the error of a state that there isn't.
func unknownState[S ~string](given string, known []S) error {
	words := make([]string, len(known))
	for i, state := range known {
		words[i] = string(state)
	}
	return usagef("--state %q is none of %s", given, strings.Join(words, ", "))
}

// checkType refuses a --type that no event can have.
func checkType(given string) error {
	if given == "" || webhook.ValidType(given) {
		return nil
	}
	return &usageError{fmt.Sprintf("--type %q is not resource.action", given), "one type in full, for instance transaction.created"}
}

// checkPage refuses a page without rows, or with more than are read at a time.
func checkPage(limit int) error {
	if limit < 1 || limit > webhook.MaxPage {
		return usagef("--limit %d is not from 1 to %d", limit, webhook.MaxPage)
	}
	return nil
}

// since reads a time, or how long ago.
func (a *app) since(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := config.ParseDuration(text); err == nil {
		return a.now().Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, &usageError{fmt.Sprintf("--since %q is neither a time nor how long ago", text), "write 2h, 3d or 2026-01-05T10:20:30Z"}
	}
	return t, nil
}

// nothingFits is asked when a filter has chosen no deliveries. A name that is none
// is an error: an empty table would say that all is well with it. Of a type nobody
// knows whether it will ever come, so a likely slip is only mentioned.
func (a *app) nothingFits(ctx context.Context, b backend, q webhook.DeliveryQuery) error {
	if q.Event != "" {
		if _, err := b.Event(ctx, q.Organization, q.Event); err != nil {
			return unlessDenied(err)
		}
	}
	if q.Webhook != "" {
		if err := a.knownWebhook(ctx, b, q); err != nil {
			return unlessDenied(err)
		}
	}
	a.doubtType(q.Type)
	a.doubtOrganization(ctx, b)
	return nil
}

// knownWebhook is nil for a webhook that is there, and for one that was deleted but
// left deliveries.
func (a *app) knownWebhook(ctx context.Context, b backend, q webhook.DeliveryQuery) error {
	_, err := b.Get(ctx, q.Organization, q.Webhook)
	if webhook.CodeOf(err) != webhook.CodeNotFound {
		return err
	}
	left, next, listing := b.ListDeliveries(ctx, webhook.DeliveryQuery{Organization: q.Organization, Webhook: q.Webhook, Limit: 1})
	if listing != nil || len(left) > 0 {
		return listing
	}
	hint := a.likelyWebhook(ctx, b, q.Webhook) + "`sealpost webhook list` shows their names"
	if next != "" { // the file is large, and not all of it was looked at
		a.say("there is no webhook %q today: %s", q.Webhook, hint)
		return nil
	}
	return webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("no webhook %q", q.Webhook)).WithHint(hint)
}

// likelyWebhook asks whether another name was meant, when there is one like it.
func (a *app) likelyWebhook(ctx context.Context, b backend, name string) string {
	all, err := b.List(ctx, a.organization())
	if err != nil {
		return ""
	}
	names := make([]string, len(all))
	for i, w := range all {
		names[i] = w.Name
	}
	if likely := typo.Nearest(name, names); likely != "" {
		return "did you mean " + likely + "? "
	}
	return ""
}

// doubtType mentions the type that was likely meant.
func (a *app) doubtType(given string) {
	if given == "" || a.loadCatalog() != nil || a.catalog.Has(given) {
		return
	}
	if likely := typo.Nearest(given, a.catalog.Names()); likely != "" {
		a.say("nothing of the type %s; did you mean %s?", given, likely)
	}
}

// doubtOrganization mentions that the organization isn't there. It is made on first
// use, so that is no error; the one that is there by default needs no word.
func (a *app) doubtOrganization(ctx context.Context, b backend) {
	l, onFile := b.(*local)
	if !onFile || a.organization() == "default" {
		return
	}
	if _, err := l.store.Organization(ctx, a.organization()); webhook.CodeOf(err) == webhook.CodeNotFound {
		a.say("there is no organization %q yet; `sealpost org list` shows those that there are", a.organization())
	}
}

// unlessDenied leaves out that one may not look: then nothing is known of the name.
func unlessDenied(err error) error {
	if webhook.CodeOf(err) == webhook.CodeNoPermission {
		return nil
	}
	return err
}
