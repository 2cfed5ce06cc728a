package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"sealpost/internal/catalog"
	"sealpost/internal/webhook"
)

func newCredential(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "credential",
		Short: "Tie a card provider's users to the organization's credentials",
		Long: `A provider's events name the provider's own users. A user who is linked to a
credential has their events sent to the webhooks of the organization. Events of other
users are kept for a while (setting provider.keep_unlinked).`,
		Example: `  sealpost credential link --provider-user u-17 --credential cred-17
  sealpost credential list`,
	}
	cmd.AddCommand(newCredentialLink(a), newCredentialList(a), newCredentialUnlink(a), newCredentialUnknown(a), newCredentialImport(a))
	return cmd
}

// providerFlag says which provider is meant.
func providerFlag(cmd *cobra.Command, provider *string) {
	var names []string
	for _, p := range catalog.Providers() {
		names = append(names, p.Name())
	}
	cmd.Flags().StringVar(provider, "provider", names[0], "card provider")
	_ = cmd.RegisterFlagCompletionFunc("provider", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
}

func findProvider(name string) (catalog.Provider, error) {
	p, found := catalog.ProviderByName(name)
	if !found {
		return nil, &usageError{fmt.Sprintf("--provider %q is not known", name), "there is panda"}
	}
	return p, nil
}

func newCredentialLink(a *app) *cobra.Command {
	var provider, user, credential string
	cmd := &cobra.Command{
		Use:   "link --provider-user ID --credential ID",
		Short: "Link a provider's user to a credential",
		Example: `  sealpost credential link --provider-user u-17 --credential cred-17
  sealpost credential link --provider panda --provider-user u-18 --credential cred-18`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := findProvider(provider); err != nil {
				return err
			}
			if user == "" || credential == "" || len(user) > webhook.MaxCredential || len(credential) > webhook.MaxCredential {
				return &usageError{"--provider-user and --credential have 1 to 200 characters", ""}
			}
			s, err := a.openIn(cmd.Context(), "credential", true)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // the change is committed by then
			c := webhook.Credential{Provider: provider, User: user, ID: credential}
			if err := s.LinkCredentials(cmd.Context(), a.organization(), a.now(), c); err != nil {
				return err
			}
			kept, err := s.KeptUnlinked(cmd.Context(), provider, user, a.now().Add(-a.conf.Provider.KeepUnlinked))
			if err != nil {
				return err
			}
			return a.linked(kept, fmt.Sprintf("%s user %s linked", provider, user), "`sealpost quarantine push --user "+user+"` sends them")
		},
	}
	providerFlag(cmd, &provider)
	cmd.Flags().StringVar(&user, "provider-user", "", "the provider's id of the user")
	cmd.Flags().StringVar(&credential, "credential", "", "our id of the credential")
	_ = cmd.MarkFlagRequired("provider-user")
	_ = cmd.MarkFlagRequired("credential")
	return cmd
}

func newCredentialList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the organization's credentials",
		Example: `  sealpost credential list
  sealpost credential list -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.openIn(cmd.Context(), "credential", false)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // nothing was written
			found, err := s.Credentials(cmd.Context(), a.organization())
			if err != nil {
				return err
			}
			if a.json() {
				return printList(a, append([]webhook.Credential{}, found...))
			}
			rows := make([][]string, len(found))
			for i, c := range found {
				rows[i] = []string{c.Provider, c.User, c.ID, a.when(c.Created)}
			}
			return a.printTable([]string{"PROVIDER", "PROVIDER USER", "CREDENTIAL", "LINKED"}, rows)
		},
	}
}

func newCredentialUnlink(a *app) *cobra.Command {
	var provider, user string
	cmd := &cobra.Command{
		Use:   "unlink --provider-user ID",
		Short: "Unlink a provider's user; nothing more is sent for them",
		Example: `  sealpost credential unlink --provider-user u-17
  sealpost credential unlink --provider panda --provider-user u-17 -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.openIn(cmd.Context(), "credential", false)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // the change is committed by then
			if err := s.UnlinkCredential(cmd.Context(), a.organization(), provider, user); err != nil {
				return err
			}
			return a.done("%s user %s unlinked", provider, user)
		},
	}
	providerFlag(cmd, &provider)
	cmd.Flags().StringVar(&user, "provider-user", "", "the provider's id of the user")
	_ = cmd.MarkFlagRequired("provider-user")
	return cmd
}

func newCredentialUnknown(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "unknown",
		Short: "List a provider's users who had events and are linked to nobody",
		Long: `Nothing was sent for these users' events. KEPT says how many of them are kept: once the
user is linked, sealpost quarantine push --user sends them. The users with the latest
events come first, whatever the organization.`,
		Example: `  sealpost credential unknown
  sealpost credential unknown -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.openFile(cmd.Context(), "credential", false)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // nothing was written
			found, err := s.Unlinked(cmd.Context())
			if err != nil {
				return err
			}
			if a.json() {
				return printList(a, append([]webhook.UnlinkedUser{}, found...))
			}
			rows := make([][]string, len(found))
			for i, u := range found {
				rows[i] = []string{u.Provider, u.User, strconv.Itoa(u.Events), strconv.Itoa(u.Kept), a.when(u.Last)}
			}
			return a.printTable([]string{"PROVIDER", "PROVIDER USER", "EVENTS", "KEPT", "LAST"}, rows)
		},
	}
}

// linked tells of users who were linked, and of their events that are kept.
func (a *app) linked(kept int, what, hint string) error {
	if a.json() {
		return a.printJSON(struct {
			Code string `json:"code"`
			Kept int    `json:"kept"`
		}{"ok", kept})
	}
	a.say("%s", what)
	if kept > 0 {
		a.say("%d event%s that came before %s kept; %s", kept, plural(kept), pick(kept, "is", "are"), hint)
	}
	return nil
}

// done tells of a change that has nothing else to show.
func (a *app) done(format string, args ...any) error {
	if a.json() {
		return a.printJSON(map[string]string{"code": "ok"})
	}
	a.say(format, args...)
	return nil
}
