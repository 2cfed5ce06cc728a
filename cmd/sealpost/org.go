package main

import (
	"github.com/spf13/cobra"
)

func newOrg(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "org",
		Short: "Make and list organizations, and say how much each may have",
		Example: `  sealpost org create acme
  sealpost org list
  sealpost org limits acme`,
	}
	cmd.AddCommand(newOrgCreate(a), newOrgList(a), newOrgLimits(a))
	return cmd
}

// orgJSON is an organization as data.
type orgJSON struct {
	ID      string `json:"id"`
	Slug    string `json:"slug"`
	Name    string `json:"name"`
	Type    string `json:"type"`
	Created string `json:"created"`
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
				return a.printJSON(orgJSON{o.ID, o.Slug, o.Name, o.Type, stamp(o.Created)})
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
		Short: "List the organizations",
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
					rows[i] = orgJSON{o.ID, o.Slug, o.Name, o.Type, stamp(o.Created)}
				}
				return printList(a, rows)
			}
			rows := make([][]string, len(found))
			for i, o := range found {
				rows[i] = []string{o.Slug, o.Name, o.ID, a.when(o.Created)}
			}
			return a.printTable([]string{"SLUG", "NAME", "ID", "CREATED"}, rows)
		},
	}
}
