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

func (a *app) completeWebhooks(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
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
	found, err := g.Webhooks(ctx, a.organization())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, w := range found {
		if strings.HasPrefix(w.Name, prefix) {
			names = append(names, w.Name+"\t"+w.URL)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
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

func (a *app) completeDeliveries(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
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
	found, _, err := g.Deliveries(ctx, webhook.DeliveryQuery{Organization: a.organization()})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for _, d := range found {
		if id := d.Key.String(); strings.HasPrefix(id, prefix) {
			ids = append(ids, fmt.Sprintf("%s\t%s to %s, %s", id, d.Type, d.Webhook, d.State))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
