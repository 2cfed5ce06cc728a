package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sealpost/internal/webhook"
)

func newCredentialImport(a *app) *cobra.Command {
	var provider string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Link the users that a file lists (CSV or JSON), all or none",
		Long: `import links a provider's users to credentials of the organization. FILE is CSV with the
columns provider_user and credential, or a JSON list of objects with these members; - is
standard input. Importing twice is importing once.`,
		Example: `  printf 'provider_user,credential\nu-17,cred-17\n' | sealpost credential import -
  echo '[{"provider_user":"u-18","credential":"cred-18"}]' | sealpost credential import - --org acme`,
		Args: exactly("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := findProvider(provider); err != nil {
				return err
			}
			source := "@" + args[0]
			if args[0] == "-" {
				source = args[0]
			}
			text, err := a.body("FILE", source)
			if err != nil {
				return err
			}
			wanted, err := readCredentials(provider, text)
			if err != nil {
				return &usageError{fmt.Sprintf("%s: %v", args[0], err), "nothing was linked; `sealpost credential import --help` shows the form"}
			}
			s, err := a.openIn(cmd.Context(), "credential", true)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // the change is committed by then
			if err := s.LinkCredentials(cmd.Context(), a.organization(), a.now(), wanted...); err != nil {
				return err
			}
			kept := 0
			for _, c := range wanted {
				n, err := s.KeptUnlinked(cmd.Context(), provider, c.User, a.now().Add(-a.conf.Provider.KeepUnlinked))
				if err != nil {
					return err
				}
				kept += n
			}
			return a.linked(kept, fmt.Sprintf("%d %s users linked", len(wanted), provider), "`sealpost quarantine push --user ID` sends those of a user")
		},
	}
	providerFlag(cmd, &provider)
	return cmd
}

type credentialRow struct {
	User       string `json:"provider_user"`
	Credential string `json:"credential"`
}

// readCredentials reads a CSV file with a header or a JSON list. All faults are
// reported at once, each with its row, counted from 1 without the header.
func readCredentials(provider string, text []byte) (wanted []webhook.Credential, err error) {
	rows, err := credentialRows(bytes.TrimPrefix(text, []byte("\ufeff")))
	if err != nil {
		return nil, err
	}
	var faults []error
	first := map[string]int{} // place of a user in wanted
	for i, row := range rows {
		user, id := strings.TrimSpace(row.User), strings.TrimSpace(row.Credential)
		if user == "" || id == "" || len(user) > webhook.MaxCredential || len(id) > webhook.MaxCredential {
			faults = append(faults, fmt.Errorf("row %d: provider_user and credential have 1 to 200 characters", i+1))
			continue
		}
		before, twice := first[user]
		if twice && wanted[before].ID != id {
			faults = append(faults, fmt.Errorf("row %d: %q has the credential %q already, not %q", i+1, user, wanted[before].ID, id))
		}
		if twice {
			continue
		}
		first[user] = len(wanted)
		wanted = append(wanted, webhook.Credential{Provider: provider, User: user, ID: id})
	}
	if len(rows) == 0 {
		faults = append(faults, errors.New("no credentials in it"))
	}
	return wanted, errors.Join(faults...)
}

func credentialRows(text []byte) (rows []credentialRow, err error) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		err = json.Unmarshal(text, &rows)
		return rows, err
	}
	r := csv.NewReader(bytes.NewReader(text))
	all, err := r.ReadAll()
	if err != nil || len(all) == 0 {
		return nil, errors.Join(errors.New("neither a JSON list nor CSV with a header"), err)
	}
	for i := range all[0] {
		all[0][i] = strings.ToLower(strings.TrimSpace(all[0][i]))
	}
	user, id := slices.Index(all[0], "provider_user"), slices.Index(all[0], "credential")
	if user < 0 || id < 0 {
		return nil, fmt.Errorf("the header %q names no columns provider_user and credential", strings.Join(all[0], ","))
	}
	for _, record := range all[1:] {
		rows = append(rows, credentialRow{record[user], record[id]})
	}
	return rows, nil
}
