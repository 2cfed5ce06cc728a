package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sealpost/internal/admin"
	"sealpost/internal/server"
	"sealpost/internal/webhook"
)

// What applying does with one webhook.
const (
	actionCreate    = "create"
	actionUpdate    = "update"
	actionDelete    = "delete"
	actionUnchanged = "unchanged"
)

// step is what applying does with one webhook.
type step struct {
	Organization string   `json:"organization,omitempty"`    // slug; empty on a server that does not say
	New          bool     `json:"newOrganization,omitempty"` // applying makes the organization
	Name         string   `json:"name"`
	Action       string   `json:"action"`
	Diff         []string `json:"diff"`
	Secret       string   `json:"secret,omitempty"`  // of one that was created, this once
	Undone       string   `json:"notDone,omitempty"` // why it was not done; empty when it was, and in a plan

	want  admin.Documented
	have  webhook.Config
	match string // entity tag of what the diff was made against

	refusal error // by a limit
}

func newWebhookApply(a *app) *cobra.Command {
	var file string
	var dryRun, prune, exitCode bool
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Make the webhooks be what a document says",
		Long: `apply compares the document (YAML or JSON, as export prints it) with what is there, and
creates and changes webhooks until both agree; with --prune it also deletes those that
the document does not name. A member that no document has, such as event for events, is
an error (exit 2), and so is one that stands twice. An object of URLs is a resource,
whatever its name is. Secrets of existing webhooks are kept. Each change is made
only if the webhook is still the one that was compared (If-Match).

If limits.webhooks or limits.urls has no room for the document, apply changes nothing
and exits with 5. What --prune deletes makes room. A server keeps its limits to itself:
with --server apply makes the changes that the server takes, and lists the others as not
done with the reason.`,
		Example: `  echo '{"webhooks":{"orders":{"url":"https://receiver.example.com/hook"}}}' | sealpost webhook apply -f - --dry-run
  sealpost webhook export -o json | sealpost webhook apply -f - --exit-code --dry-run`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return &usageError{"--file is missing", "-f FILE names the document, -f - reads standard input"}
			}
			doc, err := a.document(file)
			if err != nil {
				return err
			}
			changed, err := a.apply(cmd.Context(), doc, dryRun, prune)
			if err == nil && exitCode && changed {
				return verdict{exitNegative}
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "the document, YAML or JSON; - for standard input")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show the differences and change nothing")
	cmd.Flags().BoolVar(&prune, "prune", false, "delete the webhooks that the document does not name")
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 1 when there were differences")
	return cmd
}

// apply carries a document out, and reports whether anything differed.
func (a *app) apply(ctx context.Context, doc *admin.Document, dryRun, prune bool) (changed bool, err error) {
	if dryRun {
		nothing, err := a.nothingYet()
		if err != nil {
			return false, err
		}
		if nothing {
			return len(doc.Webhooks) > 0, a.applyToNothing(ctx, doc)
		}
	}
	b, err := a.backend(ctx, !dryRun)
	if err != nil {
		return false, err
	}
	defer b.Close() //nolint:errcheck // the changes are committed by then
	if l, onFile := b.(*local); onFile {
		if err := l.CheckDocument(ctx, doc); err != nil {
			return false, err
		}
	}
	o, err := a.planned(ctx, b)
	if err != nil {
		return false, err
	}
	steps, have, err := plan(ctx, a, b, doc, prune)
	if err != nil {
		return false, err
	}
	in(o, steps)
	values, err := a.limitsOf(ctx, b)
	if err != nil {
		return false, err
	}
	if err := fits(values, have, steps); err != nil {
		return false, err
	}
	changed = slices.ContainsFunc(steps, func(s step) bool { return s.Action != actionUnchanged })
	if dryRun {
		return changed, a.previewSteps(o, steps)
	}
	if names := deleted(steps); names != nil {
		if err := a.confirm(fmt.Sprintf("delete %s, which the document does not name, from the organization %s?", strings.Join(names, ", "), orTokens(o))); err != nil {
			return false, err
		}
	}
	if err := carryOut(steps, func(s *step) error { return s.run(ctx, a, b) }); err != nil {
		_ = a.printSteps(o, steps) // what was done is done, and told
		a.tellUndone(steps)
		return changed, err
	}
	return changed, a.printSteps(o, steps)
}

// nothingYet reports whether the commands work on a database that is still to be made.
func (a *app) nothingYet() (bool, error) {
	c, err := a.config()
	if err != nil || c.Server != "" || c.Database == "" {
		return false, err
	}
	_, err = os.Stat(c.Database)
	return errors.Is(err, fs.ErrNotExist), nil
}

// applyToNothing tells what applying a document would make, where there is no
// database yet.
func (a *app) applyToNothing(ctx context.Context, doc *admin.Document) error {
	g, err := a.newGuard()
	if err != nil {
		return err
	}
	defer g.Close()
	if err := (&admin.Service{Guard: judge{g}}).CheckDocument(ctx, doc); err != nil {
		return err
	}
	var steps []step
	for _, want := range doc.Webhooks {
		s, err := creation(want)
		if err != nil {
			return err
		}
		steps = append(steps, s)
	}
	c, err := a.config()
	if err != nil {
		return err
	}
	if err := fits(boundsOf(c).For(true), 0, steps); err != nil {
		return err
	}
	o := webhook.Organization{Slug: a.organization()} // made with the database
	in(o, steps)
	return a.previewSteps(o, steps)
}

// creation is the step that creates a webhook.
func creation(want admin.Documented) (s step, err error) {
	if want.Config, err = want.Patch.Replace(webhook.Config{Name: want.Config.Name}); err != nil {
		return s, about(want.Config.Name, err)
	}
	return step{Name: want.Config.Name, Action: actionCreate, want: want, Diff: diff(webhook.Config{}, want.Config)}, nil
}

// isNew reports whether an organization is still to be made.
func isNew(o webhook.Organization) bool { return o.Slug != "" && o.ID == "" }

// in notes in each step which organization it is about.
func in(o webhook.Organization, steps []step) {
	for i := range steps {
		steps[i].Organization, steps[i].New = o.Slug, isNew(o)
	}
}

// deleted lists the webhooks that steps delete.
func deleted(steps []step) (names []string) {
	for _, s := range steps {
		if s.Action == actionDelete {
			names = append(names, s.Name)
		}
	}
	return names
}

// orTokens names an organization, also one that a server does not say.
func orTokens(o webhook.Organization) string {
	if o.Slug == "" {
		return "of the token"
	}
	return nameOf(o)
}

func (a *app) previewSteps(o webhook.Organization, steps []step) error {
	a.say("nothing was changed; this is what would be:")
	if isNew(o) {
		a.say("the organization %s is new: apply would make it", printable(o.Slug))
	}
	return a.printSteps(o, steps)
}

// plan compares a document with what is there, which is so many webhooks.
func plan(ctx context.Context, a *app, b backend, doc *admin.Document, prune bool) (steps []step, webhooks int, err error) {
	found, err := b.List(ctx, a.organization())
	if err != nil {
		return nil, 0, err
	}
	_, onFile := b.(*local)
	for _, want := range doc.Webhooks {
		if !want.Secret.IsZero() && !onFile {
			return nil, 0, &usageError{fmt.Sprintf("%s: the document holds a secret; a server makes its own", want.Config.Name), "take it out, or work on the database file"}
		}
		var s step
		if slices.ContainsFunc(found, func(w webhook.Webhook) bool { return w.Name == want.Config.Name }) {
			s, err = update(ctx, a, b, want)
		} else {
			s, err = creation(want)
		}
		if err != nil {
			return nil, 0, err
		}
		steps = append(steps, s)
	}
	for _, w := range found {
		if prune && !slices.ContainsFunc(doc.Webhooks, func(d admin.Documented) bool { return d.Config.Name == w.Name }) {
			have, err := b.Get(ctx, a.organization(), w.Name)
			if err != nil {
				return nil, 0, err
			}
			steps = append(steps, step{Name: w.Name, Action: actionDelete, match: matching(have, onFile), Diff: diff(have.Config, webhook.Config{})})
		}
	}
	return steps, len(found), nil
}

// update is the step that makes a webhook be what a document says of it.
func update(ctx context.Context, a *app, b backend, want admin.Documented) (s step, err error) {
	have, err := b.Get(ctx, a.organization(), want.Config.Name)
	if err != nil {
		return s, err
	}
	if want.Config, err = want.Patch.Replace(have.Config); err != nil {
		return s, about(have.Name, err)
	}
	_, onFile := b.(*local)
	s = step{Name: have.Name, Action: actionUpdate, want: want, have: have.Config, match: matching(have, onFile), Diff: diff(have.Config, want.Config)}
	if len(s.Diff) == 0 {
		s.Action = actionUnchanged
	}
	return s, nil
}

// matching is the entity tag that a webhook must still have when a step is
// carried out. A server that gives none does not know what one is.
func matching(have webhook.Webhook, onFile bool) string {
	if onFile {
		return have.ETag()
	}
	return have.Tag
}

// run carries one step out.
func (s *step) run(ctx context.Context, a *app, b backend) error {
	switch s.Action {
	case actionCreate:
		created, err := b.Create(ctx, a.organization(), s.Name, between(webhook.Config{}, s.want.Config), s.want.Secret, false)
		if err == nil && s.want.Secret.IsZero() {
			s.Secret = created.Secret.Reveal()
		}
		return errors.Join(err, server.Lacking(created.Lacking))
	case actionUpdate:
		_, err := b.Update(ctx, a.organization(), s.Name, between(s.have, s.want.Config), s.match)
		return err
	case actionDelete:
		return b.Delete(ctx, a.organization(), s.Name, s.match)
	}
	return nil
}

// between is the change from one configuration to another. It names only what
// differs: an older server may not know the rest.
func between(have, want webhook.Config) *webhook.Patch {
	p := &webhook.Patch{Routes: map[string]map[string]*string{}, Fields: webhook.FieldsBetween(&have, &want)}
	if have.URL != want.URL {
		p.URL = &want.URL
	}
	if have.Everything() != want.Everything() || !want.Everything() && !slices.Equal(have.Only, want.Only) {
		p.Only = &want.Only
		if want.Everything() {
			p.Only = &[]string{"*"}
		}
	}
	if enabled := !want.Disabled; have.Disabled != want.Disabled {
		p.Enabled = &enabled
	}
	set := func(event string, url *string) {
		resource, action, _ := strings.Cut(event, ".")
		if p.Routes[resource] == nil {
			p.Routes[resource] = map[string]*string{}
		}
		p.Routes[resource][action] = url
	}
	for _, t := range have.Targets()[1:] {
		if resource, action, _ := strings.Cut(t.Type, "."); want.Routes[resource][action] == "" {
			set(t.Type, nil)
		}
	}
	for _, t := range want.Targets()[1:] {
		if resource, action, _ := strings.Cut(t.Type, "."); have.Routes[resource][action] != t.URL {
			set(t.Type, &t.URL)
		}
	}
	return p
}

// diff lists what differs between two configurations, a line a value.
func diff(have, want webhook.Config) []string {
	lines := []string{}
	old, now := configFields(&have), configFields(&want)
	for _, f := range old {
		if f[0] != "name" && f[1] != "" && !slices.Contains(now, f) {
			lines = append(lines, fmt.Sprintf("- %s: %s", f[0], f[1]))
		}
	}
	for _, f := range now {
		if f[0] != "name" && f[1] != "" && !slices.Contains(old, f) {
			lines = append(lines, fmt.Sprintf("+ %s: %s", f[0], f[1]))
		}
	}
	for _, label := range have.ChangedInSecret(&want) {
		lines = append(lines, fmt.Sprintf("+ %s: changed", label))
	}
	return lines
}

func (a *app) printSteps(o webhook.Organization, steps []step) error {
	if a.json() {
		return printList(a, steps)
	}
	if err := a.print("organization %s", orTokens(o)); err != nil {
		return err
	}
	for _, s := range steps {
		line := fmt.Sprintf("%-9s %s", s.Action, s.Name)
		if s.Undone != "" {
			line += a.styleOut(styleError, ": not done: "+s.Undone)
		}
		if err := a.print("%s", line); err != nil {
			return err
		}
		for _, line := range s.Diff {
			color := styleGood
			if strings.HasPrefix(line, "-") {
				color = styleError
			}
			if err := a.print("    %s", a.styleOut(color, line)); err != nil {
				return err
			}
		}
		if s.Secret != "" {
			if err := a.print("    secret, shown this once: %s", s.Secret); err != nil {
				return err
			}
		}
	}
	return nil
}
