package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"sealpost/internal/secret"
	"sealpost/internal/server"
	"sealpost/internal/webhook"
)

func newWebhook(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhook",
		Short: "Set webhooks up: names, URLs, secrets",
		Example: `  sealpost webhook create orders --url https://receiver.example.com/hook
  sealpost webhook list`,
	}
	cmd.AddCommand(newWebhookCreate(a), newWebhookGet(a), newWebhookList(a), newWebhookUpdate(a), newWebhookRotate(a), newWebhookDelete(a),
		newWebhookApply(a), newWebhookExport(a), newWebhookImport(a))
	return cmd
}

// webhookFlags are the flags that describe a webhook.
type webhookFlags struct {
	url    string
	events []string
	only   []string
}

func (f *webhookFlags) add(cmd *cobra.Command, event string) {
	cmd.Flags().StringVar(&f.url, "url", "", "where its events go, unless a type has its own URL")
	cmd.Flags().StringArrayVar(&f.events, "event", nil, "TYPE=URL: "+event)
	cmd.Flags().StringArrayVar(&f.only, "only", nil, "receive only these: resource.action, resource.* or * (may be repeated)")
	addFieldFlags(cmd)
}

// patch turns the flags that were given into a change.
func (f *webhookFlags) patch(cmd *cobra.Command) (*webhook.Patch, error) {
	p := &webhook.Patch{}
	given := cmd.Flags().Changed
	if given("url") {
		p.URL = &f.url
	}
	for _, event := range f.events {
		name, url, found := strings.Cut(event, "=")
		if !found || !webhook.ValidType(name) {
			return nil, &usageError{fmt.Sprintf("--event %q is not TYPE=URL", event), "for instance --event transaction.created=https://receiver.example.com/created"}
		}
		resource, action, _ := strings.Cut(name, ".")
		if p.Routes == nil {
			p.Routes = make(map[string]map[string]*string)
		}
		if p.Routes[resource] == nil {
			p.Routes[resource] = make(map[string]*string)
		}
		p.Routes[resource][action] = nil
		if url != "" {
			p.Routes[resource][action] = &url
		}
	}
	if given("only") {
		if err := webhook.CheckPatterns(f.only); err != nil {
			return nil, err
		}
		p.Only = &f.only
	}
	return p, fieldFlags(cmd, p)
}

func newWebhookCreate(a *app) *cobra.Command {
	var flags webhookFlags
	var secretSource string
	var ifAbsent, dryRun bool
	cmd := &cobra.Command{
		Use:   "create NAME --url URL",
		Short: "Create a webhook and show its secret, this once",
		Long: `create stores a webhook after judging each of its URLs, and prints the secret that signs
for it; it is not shown again. Receivers are public https URLs: "sealpost help egress" tells
how to make an exception for one of your own.`,
		Example: `  sealpost webhook create orders --url https://receiver.example.com/hook
  sealpost webhook create orders --url https://receiver.example.com/hook --event transaction.created=https://receiver.example.com/created --only 'transaction.*' --if-absent`,
		Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			patch, err := flags.patch(cmd)
			if err != nil {
				return err
			}
			if err := webhook.CheckName(args[0]); err != nil {
				return err
			}
			for _, event := range flags.events {
				if name, url, _ := strings.Cut(event, "="); url == "" {
					return &usageError{fmt.Sprintf("--event %s has no URL", name+"="), "a new webhook has none to take away; leave it out, or name the URL"}
				}
			}
			if flags.url == "" {
				return &usageError{"--url is missing", "it says where events go: --url https://receiver.example.com/hook"}
			}
			var value secret.Text
			if cmd.Flags().Changed("secret") {
				if value, err = a.signingSecret("--secret", secretSource); err != nil {
					return err
				}
			}
			if dryRun {
				return a.previewWebhook(cmd.Context(), args[0], patch)
			}
			return a.createWebhook(cmd.Context(), args[0], patch, value, ifAbsent)
		},
	}
	flags.add(cmd, "where events of one type go (may be repeated)")
	cmd.Flags().StringVar(&secretSource, "secret", "", "use this secret instead of a new one: @FILE, -, env:NAME or the secret (not with --server)")
	cmd.Flags().BoolVar(&ifAbsent, "if-absent", false, "leave a webhook of this name as it is, and succeed")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be stored and whether each URL may be called; store nothing")
	return cmd
}

func (a *app) createWebhook(ctx context.Context, name string, patch *webhook.Patch, value secret.Text, ifAbsent bool) error {
	l, err := a.backend(ctx, true)
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // the change is committed by then
	created, err := l.Create(ctx, a.organization(), name, patch, value, ifAbsent)
	if err != nil {
		return err
	}
	if created.Existed {
		a.say("there is a webhook %s already; it was left as it is", name)
		if a.json() {
			return a.printJSON(json.RawMessage(created.Config.AppendJSON(true)))
		}
		return nil
	}
	lacking := server.Lacking(created.Lacking) // the secret comes first: it is shown this once
	if a.json() {
		return errors.Join(a.printJSON(json.RawMessage(created.Config.AppendJSON(true, webhook.Member{Key: "secret", Value: created.Secret.Reveal()}))), lacking)
	}
	if a.quiet {
		return errors.Join(a.print("%s", created.Secret.Reveal()), lacking)
	}
	a.say("%s created. Its secret is shown this once; keep it where the receiver verifies:", name)
	return errors.Join(a.printFields(append(configFields(&created.Config), [2]string{"secret", created.Secret.Reveal()})), lacking)
}

// configFields lists a configuration for people.
func configFields(c *webhook.Config) [][2]string {
	fields := [][2]string{{"name", c.Name}, {"url", c.URL}}
	for _, t := range c.Targets()[1:] {
		fields = append(fields, [2]string{t.Type, t.URL})
	}
	if !c.Everything() {
		fields = append(fields, [2]string{"events", strings.Join(c.Only, ", ")})
	}
	if c.Disabled {
		fields = append(fields, [2]string{"enabled", "false"})
	}
	for _, line := range c.Lines() {
		fields = append(fields, [2]string{line.Label, line.Text})
	}
	return fields
}

func newWebhookGet(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "get NAME",
		Short: "Show a webhook and what has become of it, without its secret",
		Example: `  sealpost webhook get orders
  sealpost webhook get orders -o json`,
		Args:              exactly("NAME"),
		ValidArgsFunction: a.completeWebhooks,
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := a.backend(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer l.Close() //nolint:errcheck // nothing was written
			w, err := l.Get(cmd.Context(), a.organization(), args[0])
			if err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(json.RawMessage(w.AppendJSON(true, missedMembers(&w)...)))
			}
			fields := configFields(&w.Config)
			if w.DisabledWhy != "" {
				fields = append(fields, [2]string{"disabled", w.DisabledWhy})
			}
			if w.Suspended {
				fields = append(fields, [2]string{"parked", webhook.DisabledBySuspension})
			}
			if !w.FailingSince.IsZero() {
				fields = append(fields, [2]string{"failing since", a.when(w.FailingSince)})
			}
			if w.RetryAfter.In(a.now()) {
				fields = append(fields, [2]string{"waits until", a.when(w.RetryAfter.Time) + ", as its receiver asked by Retry-After"})
			}
			if w.PreviousUntil.After(a.now()) {
				fields = append(fields, [2]string{"old secret until", a.when(w.PreviousUntil)})
			}
			if w.Missed.Events > 0 {
				fields = append(fields, [2]string{"missed", fmt.Sprintf("%d event%s since %s", w.Missed.Events, plural(int(w.Missed.Events)), a.when(w.Missed.Since))})
			}
			return a.printFields(fields)
		},
	}
}

// missedMembers tell how many events a webhook missed, if it did.
func missedMembers(w *webhook.Webhook) []webhook.Member {
	if w.Missed.Events == 0 {
		return nil
	}
	return []webhook.Member{{Key: "missedEvents", Value: w.Missed.Events}, {Key: "missedSince", Value: webhook.Timestamp(w.Missed.Since)}}
}

func newWebhookList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the webhooks of the organization, and which are disabled or failing",
		Example: `  sealpost webhook list
  sealpost webhook list --org acme -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := a.backend(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer l.Close() //nolint:errcheck // nothing was written
			found, err := l.List(cmd.Context(), a.organization())
			if err != nil {
				return err
			}
			switch a.output {
			case "json":
				members := make([]webhook.Member, len(found))
				for i, w := range found {
					members[i] = webhook.Member{Key: w.Name, Value: json.RawMessage(w.AppendJSON(false))}
				}
				return a.printJSON(json.RawMessage(webhook.MarshalMembers(members)))
			case "jsonl":
				for _, w := range found {
					if err := a.printJSON(json.RawMessage(w.AppendJSON(true))); err != nil {
						return err
					}
				}
				return nil
			}
			if len(found) == 0 {
				a.say("no webhooks yet; `sealpost webhook create NAME --url URL` makes one")
				a.doubtOrganization(cmd.Context(), l)
				return nil
			}
			if err := a.learnStates(cmd.Context(), l, found); err != nil {
				return err
			}
			rows := make([][]string, len(found))
			for i, w := range found {
				rows[i] = []string{w.Name, w.URL, wants(&w.Config), webhookState(&w)}
			}
			return a.printTable([]string{"NAME", "URL", "EVENTS", "STATE"}, rows)
		},
	}
}

func wants(c *webhook.Config) string {
	if c.Everything() {
		return "all"
	}
	return strings.Join(c.Only, ", ")
}

// looksAtOnce is how many webhooks of a server are asked about at a time.
const looksAtOnce = 8

// learnStates completes a server's list, which has configurations alone, with what
// has become of each webhook.
func (a *app) learnStates(ctx context.Context, b backend, found []webhook.Webhook) error {
	if _, onFile := b.(*local); onFile {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(looksAtOnce)
	for i := range found {
		g.Go(func() error {
			w, err := b.Get(ctx, a.organization(), found[i].Name)
			switch {
			case webhook.CodeOf(err) == webhook.CodeNotFound: // it was deleted just now
				return nil
			case err != nil:
				return err
			}
			found[i] = w
			return nil
		})
	}
	return g.Wait()
}

func webhookState(w *webhook.Webhook) string {
	switch {
	case w.Disabled && w.DisabledWhy == "": // an older server does not tell
		return "disabled"
	case w.Disabled:
		return "disabled: " + w.DisabledWhy
	case w.Suspended:
		return "parked: " + webhook.DisabledBySuspension
	case !w.FailingSince.IsZero():
		return "failing"
	default:
		return "enabled"
	}
}

func newWebhookUpdate(a *app) *cobra.Command {
	var flags webhookFlags
	var enable, disable bool
	cmd := &cobra.Command{
		Use:   "update NAME",
		Short: "Change a webhook; what isn't named stays",
		Long: `update changes what is named and leaves the rest, the secret among it. --only replaces the
whole list; --only '*' is everything again. A webhook that is disabled, by you, by a 410 or
after days of nothing but failures, keeps its deliveries parked; --enable lets them go out.
A running daemon goes by the change at once.`,
		Example: `  sealpost webhook update orders --url https://new.example.com/hook
  sealpost webhook update orders --event transaction.created=https://new.example.com/created --event card.updated=
  sealpost webhook update orders --disable
  sealpost webhook update orders --enable`,
		Args:              exactly("NAME"),
		ValidArgsFunction: a.completeWebhooks,
		RunE: func(cmd *cobra.Command, args []string) error {
			patch, err := flags.patch(cmd)
			if err != nil {
				return err
			}
			if enable || disable {
				patch.Enabled = &enable
			}
			if patch.Empty() {
				return &usageError{"nothing to change", "name a change, for instance --url, --event, --only, --enable or --disable"}
			}
			l, err := a.backend(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer l.Close() //nolint:errcheck // the change is committed by then
			config, err := l.Update(cmd.Context(), a.organization(), args[0], patch, "")
			if err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(json.RawMessage(config.AppendJSON(true)))
			}
			a.say("%s updated", args[0])
			return a.printFields(configFields(&config))
		},
	}
	flags.add(cmd, "where events of one type go; TYPE= takes it away again (may be repeated)")
	cmd.Flags().BoolVar(&enable, "enable", false, "enable it; its parked deliveries go out")
	cmd.Flags().BoolVar(&disable, "disable", false, "disable it; its deliveries are parked")
	cmd.MarkFlagsMutuallyExclusive("enable", "disable")
	return cmd
}

func newWebhookDelete(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a webhook and cancel its deliveries",
		Long: `delete takes a webhook away and cancels what is pending or parked for it. There is no way
back: one that is created under the same name later is another webhook. To stop one for a
while, use sealpost webhook update NAME --disable.`,
		Example: `  sealpost webhook delete orders
  sealpost webhook delete orders -y`,
		Args:              exactly("NAME"),
		ValidArgsFunction: a.completeWebhooks,
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := a.backend(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer l.Close() //nolint:errcheck // the change is committed by then
			if _, err := l.Get(cmd.Context(), a.organization(), args[0]); err != nil {
				return err
			}
			if err := a.confirm(fmt.Sprintf("delete webhook %s and cancel its pending deliveries?", args[0])); err != nil {
				return err
			}
			if err := l.Delete(cmd.Context(), a.organization(), args[0], ""); err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(map[string]string{"code": "ok"})
			}
			a.say("%s deleted", args[0])
			return nil
		},
	}
}
