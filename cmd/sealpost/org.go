package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sealpost/internal/webhook"
)

func newOrg(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "org",
		Short: "Make, list, trust, suspend and delete organizations, and say how much each may have",
		Example: `  sealpost org create acme
  sealpost org list
  sealpost org limits acme`,
	}
	cmd.AddCommand(newOrgCreate(a), newOrgList(a), newOrgLimits(a), newOrgAdopt(a), newOrgSuspend(a), newOrgResume(a), newOrgDelete(a))
	return cmd
}

// orgJSON is an organization as data.
type orgJSON struct {
	ID        string        `json:"id"`
	Slug      string        `json:"slug"`
	Name      string        `json:"name"`
	Type      string        `json:"type"`
	Maker     webhook.Maker `json:"maker"`
	Created   string        `json:"created"`
	Suspended string        `json:"suspended,omitempty"`
}

func showOrg(o webhook.Organization) orgJSON {
	return orgJSON{o.ID, o.Slug, o.Name, o.Type, o.Maker, stamp(o.Created), stamp(o.Suspended)}
}

func newOrgCreate(a *app) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "create SLUG",
		Short: "Make an organization",
		Long: `create makes an organization, to give it a name. Whatever stores something with --org makes
one that is not there yet, too.`,
		Example: `  sealpost org create acme
  sealpost org create acme --name 'Acme Ltd' -o json`,
		Args: exactly("SLUG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.openFile(cmd.Context(), "org", true)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // the change is committed by then
			if name == "" {
				name = args[0]
			}
			o, err := s.CreateOrganization(cmd.Context(), args[0], name, a.now())
			if err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(showOrg(o))
			}
			return a.printFields([][2]string{{"id", o.ID}, {"slug", o.Slug}, {"name", o.Name}})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "its name for people (the slug)")
	return cmd
}

func newOrgList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the organizations, and where each was made",
		Long: `list shows all organizations. MADE BY says where one was made: machine, by a command or
the daemon on this machine, or api, by somebody who signed up. Commands find an
organization of the API by its id only: its slug is a stranger's choice.`,
		Example: `  sealpost org list
  sealpost org list -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.openFile(cmd.Context(), "org", false)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // nothing was written
			found, err := s.Organizations(cmd.Context())
			if err != nil {
				return err
			}
			if a.json() {
				rows := make([]orgJSON, len(found))
				for i, o := range found {
					rows[i] = showOrg(o)
				}
				return printList(a, rows)
			}
			rows := make([][]string, len(found))
			for i, o := range found {
				state := "active"
				if !o.Suspended.IsZero() {
					state = "suspended"
				}
				rows[i] = []string{printable(o.Slug), printable(o.Name), o.ID, string(o.Maker), state, a.when(o.Created)}
			}
			return a.printTable([]string{"SLUG", "NAME", "ID", "MADE BY", "STATE", "CREATED"}, rows)
		},
	}
}

func newOrgAdopt(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "adopt ID",
		Short: "Trust an organization that was made over the API, so that commands find it by its slug",
		Long: `adopt marks an organization that somebody made over the API as one of this machine.
From then on commands find it by its slug, and events, tokens and webhooks that they make
for this slug go there. Its members stay: make sure that they are who you think they are.`,
		Example: `  sealpost org adopt org_06drw1t603nargpcar7te82yy0
  sealpost org adopt org_06drw1t603nargpcar7te82yy0 -y`,
		Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			s, err := a.openFile(ctx, "org", false)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // the change is committed by then
			o, err := s.Organization(ctx, args[0])
			if err != nil {
				return err
			}
			if o.Maker == webhook.MadeOverAPI {
				members, err := s.MembersOf(ctx, o.ID)
				if err != nil {
					return err
				}
				if err := a.confirm(fmt.Sprintf("trust the organization %s? It has %d member%s", nameOf(o), len(members), plural(len(members)))); err != nil {
					return err
				}
				if err := s.Adopt(ctx, o.ID); err != nil {
					return err
				}
				o.Maker = webhook.MadeOnMachine
			}
			if a.json() {
				return a.printJSON(showOrg(o))
			}
			a.say("commands find %s by its slug", nameOf(o))
			return nil
		},
	}
}
