package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sealpost/internal/access"
)

func newMember(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "member",
		Short: "List, add, change and remove the members of an organization",
		Long: `member works on the database file, as an owner. A member is an Ethereum wallet:
whoever signs in with it over HTTP acts with the member's role.`,
		Example: `  sealpost member add 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed --role admin
  sealpost member list`,
	}
	cmd.AddCommand(newMemberList(a), newMemberAdd(a), newMemberUpdate(a), newMemberRemove(a), newMemberImport(a))
	return cmd
}

// memberJSON is a member as data.
type memberJSON struct {
	ID      string      `json:"id"`
	User    string      `json:"user"`
	Address string      `json:"address"`
	Role    access.Role `json:"role"`
	Joined  string      `json:"joined"`
}

func showMember(m access.Membership) memberJSON {
	return memberJSON{m.ID, m.User.ID, m.User.Address.String(), m.Role, stamp(m.Joined)}
}

// members opens the database and runs a use case on the organization's
// members, as an owner. add lets the organization be made, as on any first use.
func (a *app) members(ctx context.Context, add bool, do func(s *access.Service, owner access.Caller) error) error {
	s, err := a.openIn(ctx, "member", false)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // the change is committed by then
	o, err := s.Organization(ctx, a.organization())
	if add {
		o, err = s.OwnOrganization(ctx, a.organization(), a.now())
	}
	if err != nil {
		return err
	}
	return do(&access.Service{Store: s, Now: a.now}, access.Local(o.ID))
}

// byAddress finds a member by wallet or by user id.
func byAddress(ctx context.Context, s *access.Service, c access.Caller, name string) (access.Membership, error) {
	found, err := s.Members(ctx, c)
	if err != nil {
		return access.Membership{}, err
	}
	i := slices.IndexFunc(found, func(m access.Membership) bool {
		return m.User.ID == name || strings.EqualFold(m.User.Address.String(), name)
	})
	if i < 0 {
		return access.Membership{}, access.Fault(access.CodeMemberNotFound, fmt.Sprintf("%q; `sealpost member list` shows them", name))
	}
	return found[i], nil
}

func newMemberList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the organization's members, in order of joining",
		Example: `  sealpost member list
  sealpost member list -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.members(cmd.Context(), false, func(s *access.Service, owner access.Caller) error {
				found, err := s.Members(cmd.Context(), owner)
				if err != nil {
					return err
				}
				return a.printMembers(found)
			})
		},
	}
}

func (a *app) printMembers(found []access.Membership) error {
	if a.json() {
		rows := make([]memberJSON, len(found))
		for i, m := range found {
			rows[i] = showMember(m)
		}
		return printList(a, rows)
	}
	rows := make([][]string, len(found))
	for i, m := range found {
		rows[i] = []string{m.User.Address.String(), string(m.Role), m.User.ID, a.when(m.Joined)}
	}
	return a.printTable([]string{"WALLET", "ROLE", "USER", "JOINED"}, rows)
}

// roleFlag adds --role, of the roles that members can have.
func roleFlag(cmd *cobra.Command, role *string, usual string) {
	names := make([]string, len(access.Roles))
	for i, r := range access.Roles {
		names[i] = string(r)
	}
	cmd.Flags().StringVar(role, "role", usual, strings.Join(names, ", "))
	_ = cmd.RegisterFlagCompletionFunc("role", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
}

// addition reads a wallet and a role. Mixed case carries a checksum (EIP-55),
// which then has to be right: it is what catches a typing error.
func addition(wallet, role string) (access.Addition, error) {
	address, err := access.ParseAddress(wallet)
	if err != nil {
		return access.Addition{}, err
	}
	digits := strings.TrimPrefix(wallet, "0x")
	if digits != strings.ToLower(digits) && digits != strings.ToUpper(digits) && wallet != address.String() {
		return access.Addition{}, fmt.Errorf("%q has a wrong checksum (EIP-55); a digit or a letter's case is mistyped", wallet)
	}
	return access.Addition{Address: address, Role: access.Role(role)}, nil
}

func newMemberAdd(a *app) *cobra.Command {
	var role string
	cmd := &cobra.Command{
		Use:   "add WALLET",
		Short: "Make a wallet a member; one that is it already, with that role, stays as it is",
		Example: `  sealpost member add 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed
  sealpost member add 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed --role owner --org acme`,
		Args: exactly("WALLET"),
		RunE: func(cmd *cobra.Command, args []string) error {
			wanted, err := addition(args[0], role)
			if err != nil {
				return &usageError{err.Error(), "a wallet is 0x and 40 hex digits"}
			}
			return a.addMembers(cmd.Context(), []access.Addition{wanted})
		},
	}
	roleFlag(cmd, &role, string(access.Member))
	return cmd
}

// addMembers adds all or none, and prints those that are new.
func (a *app) addMembers(ctx context.Context, wanted []access.Addition) error {
	return a.members(ctx, true, func(s *access.Service, owner access.Caller) error {
		added, err := s.AddMembers(ctx, owner, wanted)
		if err != nil {
			return err
		}
		if a.json() {
			return a.printMembers(added)
		}
		for _, m := range added {
			a.say("%s is %s now", m.User.Address, m.Role)
		}
		if known := len(wanted) - len(added); known > 0 {
			a.say("%d of %d were members already", known, len(wanted))
		}
		return nil
	})
}

func newMemberUpdate(a *app) *cobra.Command {
	var role string
	cmd := &cobra.Command{
		Use:   "update WALLET --role ROLE",
		Short: "Change a member's role, from their next request on",
		Example: `  sealpost member update 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed --role admin
  sealpost member update 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed --role member -o json`,
		Args: exactly("WALLET"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeMember(cmd.Context(), args[0], access.Role(role))
		},
	}
	roleFlag(cmd, &role, "")
	_ = cmd.MarkFlagRequired("role")
	return cmd
}

func newMemberRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "remove WALLET",
		Short: "Remove a member; their sessions may do nothing here from the next request on",
		Example: `  sealpost member remove 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed
  sealpost member remove 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed -y`,
		Args: exactly("WALLET"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeMember(cmd.Context(), args[0], "")
		},
	}
}

// changeMember changes a role, or removes the member when it is empty.
func (a *app) changeMember(ctx context.Context, wallet string, role access.Role) error {
	return a.members(ctx, false, func(s *access.Service, owner access.Caller) error {
		m, err := byAddress(ctx, s, owner, wallet)
		if err != nil {
			return err
		}
		if role == "" {
			if err := a.confirm(fmt.Sprintf("remove %s (%s) from %s?", m.User.Address, m.Role, m.Organization.Slug)); err != nil {
				return err
			}
		}
		if err := s.UpdateMember(ctx, owner, m.User.ID, role); err != nil {
			return err
		}
		if m.Role = role; role == "" {
			return a.done("%s is no member any more", m.User.Address)
		}
		if a.json() {
			return a.printJSON(showMember(m))
		}
		a.say("%s is %s now", m.User.Address, role)
		return nil
	})
}

func newMemberImport(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Add the members that a file lists (CSV or JSON), all or none",
		Long: `import adds wallets as members. FILE is CSV with a header line, or a JSON list of
objects; - is standard input. A column or member address is needed; role is
member when it is absent; others are ignored. Members that are there already,
with the same role, stay as they are, so importing twice is importing once.`,
		Example: `  sealpost member import members.csv
  sealpost member import - < members.json`,
		Args: exactly("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			source := "@" + args[0]
			if args[0] == "-" {
				source = args[0]
			}
			text, err := a.body("FILE", source)
			if err != nil {
				return err
			}
			wanted, err := readMembers(text)
			if err != nil {
				return &usageError{fmt.Sprintf("%s: %v", args[0], err), "nothing was added; `sealpost member import --help` shows the form"}
			}
			return a.addMembers(cmd.Context(), wanted)
		},
	}
}

// readMembers reads a CSV file with a header or a JSON list. All faults are
// reported at once, each with its row, counted from 1 without the header.
func readMembers(text []byte) (wanted []access.Addition, err error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	rows, err := memberRows(text)
	if err != nil {
		return nil, err
	}
	var faults []error
	for i, row := range rows {
		if row.Role == "" {
			row.Role = string(access.Member)
		}
		a, err := addition(strings.TrimSpace(row.Address), strings.TrimSpace(row.Role))
		if err == nil && !a.Role.ForMembers() {
			err = fmt.Errorf("role %q is none of owner, admin and member", row.Role)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("row %d: %w", i+1, err))
			continue
		}
		wanted = append(wanted, a)
	}
	if len(rows) == 0 {
		faults = append(faults, errors.New("no members in it"))
	}
	return wanted, errors.Join(faults...)
}

type memberRow struct{ Address, Role string }

func memberRows(text []byte) (rows []memberRow, err error) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		err = json.Unmarshal(text, &rows)
		return rows, err
	}
	r := csv.NewReader(bytes.NewReader(text))
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("neither a JSON list nor CSV with a header: %w", err)
	}
	for i := range header {
		header[i] = strings.ToLower(strings.TrimSpace(header[i]))
	}
	address, role := slices.Index(header, "address"), slices.Index(header, "role")
	if address < 0 {
		return nil, fmt.Errorf("the header %q names no column address", strings.Join(header, ","))
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		row := memberRow{Address: record[address]}
		if role >= 0 {
			row.Role = record[role]
		}
		rows = append(rows, row)
	}
}
