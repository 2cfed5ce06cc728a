package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/access"
	"sealpost/internal/config"
)

func newToken(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke bearer tokens for the HTTP API",
		Example: `  sealpost token create ci --role publisher
  sealpost token list`,
	}
	cmd.AddCommand(newTokenCreate(a), newTokenList(a), newTokenRevoke(a))
	return cmd
}

func newTokenCreate(a *app) *cobra.Command {
	var role, expires string
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a bearer token and show it, this once",
		Long: `create makes a token for the organization (--org), for the header "Authorization: Bearer …" or
for commands with --server. Its role says what it may do:

  owner, admin  all of it: webhooks, events, deliveries
  member        read events and deliveries, without bodies
  publisher     publish, and see what it has published`,
		Example: `  sealpost token create admin-script --role admin
  sealpost token create ci --role publisher --expires 90d -o json`,
		Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var lifetime time.Duration
			if expires != "" {
				d, err := config.ParseDuration(expires)
				if err != nil || d <= 0 {
					return &usageError{fmt.Sprintf("--expires %q is no time such as 90d or 12h", expires), ""}
				}
				lifetime = d
			}
			token, text, err := access.NewToken("", args[0], access.Role(role), access.Owner, lifetime, a.now())
			if err != nil {
				return err
			}
			s, err := a.openIn(cmd.Context(), "token", true)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // the change is committed by then
			if err := s.AddToken(cmd.Context(), a.organization(), token); err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(struct {
					ID    string `json:"id"`
					Name  string `json:"name"`
					Role  string `json:"role"`
					Token string `json:"token"`
				}{token.ID, token.Name, string(token.Role), text.Reveal()})
			}
			if a.quiet {
				return a.print("%s", text.Reveal())
			}
			a.say("the token is shown this once; only a digest of it is kept:")
			return a.printFields([][2]string{{"id", token.ID}, {"name", token.Name}, {"role", string(token.Role)}, {"token", text.Reveal()}})
		},
	}
	roles := make([]string, len(access.TokenRoles))
	for i, r := range access.TokenRoles {
		roles[i] = string(r)
	}
	cmd.Flags().StringVar(&role, "role", string(access.Admin), strings.Join(roles, ", "))
	cmd.Flags().StringVar(&expires, "expires", "", "when it ends, from now, such as 90d (never)")
	_ = cmd.RegisterFlagCompletionFunc("role", cobra.FixedCompletions(roles, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// tokenJSON is a token in lists.
type tokenJSON struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Role    string `json:"role"`
	Created string `json:"created"`
	Expires string `json:"expires,omitempty"`
	Revoked string `json:"revoked,omitempty"`
}

func newTokenList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the organization's tokens",
		Example: `  sealpost token list
  sealpost token list -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.openIn(cmd.Context(), "token", false)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // nothing was written
			found, err := s.Tokens(cmd.Context(), a.organization())
			if err != nil {
				return err
			}
			if a.json() {
				rows := make([]tokenJSON, len(found))
				for i, t := range found {
					rows[i] = tokenJSON{t.ID, t.Name, string(t.Role), stamp(t.Created), stamp(t.Expires), stamp(t.Revoked)}
				}
				return printList(a, rows)
			}
			rows := make([][]string, len(found))
			for i, t := range found {
				state := "good"
				switch {
				case !t.Revoked.IsZero():
					state = "revoked"
				case t.Expired(a.now()):
					state = "expired"
				}
				rows[i] = []string{t.ID, t.Name, string(t.Role), a.when(t.Created), a.when(t.Expires), state}
			}
			return a.printTable([]string{"ID", "NAME", "ROLE", "CREATED", "EXPIRES", "STATE"}, rows)
		},
	}
}

func newTokenRevoke(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke NAME|ID",
		Short: "Revoke a token; it is refused from the next request on",
		Example: `  sealpost token revoke ci
  sealpost token revoke ci -y`,
		Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.openIn(cmd.Context(), "token", false)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // the change is committed by then
			if err := a.confirm(fmt.Sprintf("revoke token %s?", args[0])); err != nil {
				return err
			}
			if err := s.RevokeToken(cmd.Context(), a.organization(), args[0], a.now()); err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(map[string]string{"code": "ok"})
			}
			a.say("%s revoked", args[0])
			return nil
		},
	}
}

// stamp writes a time as data; nothing for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// printList prints rows as one JSON list, or one object a line.
func printList[T any](a *app, rows []T) error {
	if a.output != "jsonl" {
		return a.printJSON(rows)
	}
	for _, row := range rows {
		if err := a.printJSON(row); err != nil {
			return err
		}
	}
	return nil
}
