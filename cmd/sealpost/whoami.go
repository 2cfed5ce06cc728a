package main

import (
	"github.com/spf13/cobra"

	"sealpost/internal/server"
	"sealpost/internal/webhook"
)

func newWhoami(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "whoami",
		Short: "Show which organization commands work on, and with --server as whom",
		Long: `whoami shows the organization that commands work on. On the database file it says too
where the organization was made: on this machine, or over the API by sign-up. With
--server it shows the organization of the token or session, and the role.`,
		Example: `  sealpost whoami
  sealpost whoami --server https://hooks.example.com --token @token.txt -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			b, err := a.backend(ctx, false)
			if err != nil {
				return err
			}
			defer b.Close() //nolint:errcheck // nothing was written
			if client, remote := b.(*server.Client); remote {
				who, err := a.whoAmI(ctx, client)
				if webhook.CodeOf(err) == webhook.CodeNotFound {
					return &usageError{"the server does not say which organization it works on", "the server is older than this sealpost: update it"}
				}
				if err != nil {
					return err
				}
				return a.printWho(who)
			}
			o, err := b.(*local).store.Organization(ctx, a.organization())
			if err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(map[string]any{"organization": struct {
					server.WhoOrganization
					Maker webhook.Maker `json:"maker"`
				}{server.WhoOrganization{ID: o.ID, Slug: o.Slug, Name: o.Name}, o.Maker}})
			}
			return a.printFields([][2]string{{"organization", printable(o.Slug)}, {"id", o.ID}, {"name", printable(o.Name)}, {"made", madeWhere(o.Maker)}})
		},
	}
}

// printWho shows who a server takes the caller for.
func (a *app) printWho(who server.WhoAmI) error {
	if a.json() {
		return a.printJSON(who)
	}
	fields := [][2]string{
		{"organization", printable(who.Organization.Slug)}, {"id", printable(who.Organization.ID)},
		{"name", printable(who.Organization.Name)}, {"role", printable(string(who.Role))},
	}
	if who.Token != nil {
		fields = append(fields, [2]string{"token", printable(who.Token.Name) + " (" + printable(who.Token.ID) + ")"})
	}
	if who.User != nil {
		fields = append(fields, [2]string{"user", printable(who.User.Address) + " (" + printable(who.User.ID) + ")"})
	}
	return a.printFields(fields)
}

// madeWhere says where an organization was made.
func madeWhere(maker webhook.Maker) string {
	if maker == webhook.MadeOverAPI {
		return "api: over the API, by sign-up"
	}
	return "machine: on this machine"
}
