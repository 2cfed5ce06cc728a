package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// Completion offers what is there, and never makes a file to find out.

// completionTime bounds how long a shell is kept waiting.
const completionTime = 80 * time.Millisecond

// glance looks at the database, when there is one.
func (a *app) glance() (*store.Glance, error) {
	c, err := a.config()
	if err != nil {
		return nil, err
	}
	return store.OpenGlance(c.Database)
}

// offer lists what the database holds for the first argument: words, each with
// what it is after a tab. What can't be read in time is not offered.
func (a *app) offer(args []string, prefix string, words func(ctx context.Context, g *store.Glance) ([]string, error)) (fitting []string, _ cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionTime)
	defer cancel()
	a.quiet = true
	g, err := a.glance()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer g.Close() //nolint:errcheck // nothing was written
	all, _ := words(ctx, g)
	for _, word := range all {
		if strings.HasPrefix(word, prefix) {
			fitting = append(fitting, word)
		}
	}
	return fitting, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) completeWebhooks(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return a.offer(args, prefix, func(ctx context.Context, g *store.Glance) (words []string, err error) {
		found, err := g.Webhooks(ctx, a.organization())
		for _, w := range found {
			words = append(words, w.Name+"\t"+w.URL)
		}
		return words, err
	})
}

func (a *app) completeDeliveries(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return a.offer(args, prefix, func(ctx context.Context, g *store.Glance) (words []string, err error) {
		found, _, err := g.Deliveries(ctx, webhook.DeliveryQuery{Organization: a.organization()})
		for _, d := range found {
			words = append(words, fmt.Sprintf("%s\t%s to %s, %s", d.ID, d.Type, d.Webhook, d.State))
		}
		return words, err
	})
}

func (a *app) completeTypes(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	a.quiet = true
	if err := a.loadCatalog(); err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, name := range a.catalog.Names() {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeFlags offers the values of the flags that have a few.
func (a *app) completeFlags(root *cobra.Command) {
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json", "jsonl"}, cobra.ShellCompDirectiveNoFileComp))
	_ = root.RegisterFlagCompletionFunc("color", cobra.FixedCompletions([]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp))
	_ = root.RegisterFlagCompletionFunc("retry-profile", cobra.FixedCompletions([]string{"default", "sandbox"}, cobra.ShellCompDirectiveNoFileComp))
}
