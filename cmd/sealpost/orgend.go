package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// besides finds an organization, by id or slug, that is not the one of the setting: that
// one is neither suspended nor deleted.
func (a *app) besides(ctx context.Context, s *store.Store, name, what string) (webhook.Organization, error) {
	o, err := s.Organization(ctx, name)
	if err != nil {
		return o, err
	}
	if own, err := s.Organization(ctx, a.organization()); err == nil && own.ID == o.ID {
		return o, webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("%s is the organization of the setting `organization`, which is never %s", nameOf(o), what)).
			WithHint("set another `organization` first")
	}
	return o, nil
}

func newOrgSuspend(a *app) *cobra.Command {
	return a.standing("suspend", "Suspend an organization: refuse its calls and park its deliveries", `suspend refuses the tokens and members of an organization (403 no organization) and parks
its deliveries. Events of card providers are stored all the same. Requests under way end.
A running daemon obeys at once. To undo it: sealpost org resume.`, "suspended", (*store.Store).Suspend)
}

func newOrgResume(a *app) *cobra.Command {
	return a.standing("resume", "End the suspension of an organization and send what was parked", `resume ends a suspension. The deliveries that it parked go out, in their order. A webhook
that is disabled for another reason stays disabled.`, "resumed", (*store.Store).Resume)
}

// standing makes a command that suspends or resumes.
func (a *app) standing(use, short, long, done string, change func(*store.Store, context.Context, string, time.Time) (webhook.Organization, error)) *cobra.Command {
	return &cobra.Command{
		Use:     use + " ORG",
		Short:   short,
		Long:    long,
		Example: "  sealpost org " + use + " acme\n  sealpost org " + use + " acme -o json",
		Args:    exactly("ORG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			s, err := a.openFile(ctx, "org", false)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // the change is committed by then
			o, err := a.besides(ctx, s, args[0], done)
			if err != nil {
				return err
			}
			if o, err = change(s, ctx, o.ID, a.now()); err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(showOrg(o))
			}
			a.say("%s is %s", printable(o.Slug), done)
			return nil
		},
	}
}

func newOrgDelete(a *app) *cobra.Command {
	var cancel bool
	cmd := &cobra.Command{
		Use:   "delete ORG",
		Short: "Delete an organization with its bodies, secrets, tokens and members",
		Long: `delete removes an organization: bodies of events, deliveries, secrets, URLs, members, links
of card users. Its tokens are revoked. It asks first, and refuses while deliveries are
pending or parked or events are held, unless --cancel is given.

The ids of its events stay known, and nobody gets its slug by signing up again. A command
on this machine can make another organization of that slug. Backups still have the data.

The content goes in small steps beside a running daemon. After an interruption, repeat the
command; the daemon goes on with it too.`,
		Example: `  sealpost org delete acme
  sealpost org delete acme --cancel -y`,
		Args: exactly("ORG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			s, err := a.openFile(ctx, "org", false)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // the changes are committed by then
			if err := a.deleteOrganization(ctx, s, args[0], cancel); err != nil {
				return err
			}
			_, gentle := store.Daemon(s.Path())
			working := a.progress("removing its content")
			err = s.Purge(ctx, gentle, a.now())
			working.end()
			if err != nil {
				return err
			}
			return a.done("%s is deleted; backups still have its data", printable(args[0]))
		},
	}
	cmd.Flags().BoolVar(&cancel, "cancel", false, "cancel what is pending, parked or held")
	return cmd
}

// deleteOrganization takes an organization out of sight, unless that is done already and
// content is left.
func (a *app) deleteOrganization(ctx context.Context, s *store.Store, name string, cancel bool) error {
	o, err := a.besides(ctx, s, name, "deleted")
	if webhook.CodeOf(err) == webhook.CodeNotFound {
		if unfinished, unknown := s.Deleted(ctx, name); unfinished || unknown != nil {
			return unknown
		}
	}
	if err != nil {
		return err
	}
	if err := a.confirm(fmt.Sprintf("delete the organization %s with everything in it?", nameOf(o))); err != nil {
		return err
	}
	return s.DeleteOrganization(ctx, o.ID, cancel, a.now())
}
