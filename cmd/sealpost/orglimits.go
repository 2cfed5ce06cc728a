package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"sealpost/internal/bounds"
	"sealpost/internal/config"
	"sealpost/internal/store"
)

// settingDefault is the value of a flag that takes a bound of one organization
// away.
const settingDefault = "default"

func newOrgLimits(a *app) *cobra.Command {
	given := make(map[bounds.Kind]*string)
	cmd := &cobra.Command{
		Use:   "limits ORG",
		Short: "Show and change how much an organization may have",
		Long: `limits shows what an organization uses, how much it may have, and where each limit
comes from. With flags it changes limits of this organization, and running daemons obey
at once. 0 is no limit. "default" takes the organization's own limit away, so that the
setting counts again.

A limit refuses only calls that add something. What is there stays and can be changed.`,
		Example: `  sealpost org limits acme
  sealpost org limits acme --webhooks 20 --stored-bytes 256MiB
  sealpost org limits acme --webhooks default`,
		Args: exactly("ORG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			changes := make(map[bounds.Kind]*int64)
			for _, row := range bounds.Table {
				text := *given[row.Kind]
				switch {
				case !cmd.Flags().Changed(row.Flag()):
				case text == settingDefault:
					changes[row.Kind] = nil
				default:
					value, err := config.ParseBound(row, text)
					if err != nil {
						return &usageError{fmt.Sprintf("--%s %q is not a number of %s", row.Flag(), text, row.Counts), "0 is no limit, and default is what the setting " + row.Key + " says"}
					}
					changes[row.Kind] = &value
				}
			}
			s, err := a.openFile(cmd.Context(), "org", false)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // the change is committed by then
			if len(changes) > 0 {
				if err := s.SetBounds(cmd.Context(), args[0], changes); err != nil {
					return err
				}
			}
			use, err := s.Use(cmd.Context(), args[0], a.now())
			if err != nil {
				return err
			}
			return a.printLimits(use)
		},
	}
	for _, row := range bounds.Table {
		given[row.Kind] = cmd.Flags().String(row.Flag(), "", row.Counts+"; 0 is no limit, default is what "+row.Key+" says")
	}
	cmd.Flags().SortFlags = false
	return cmd
}

// limitJSON is one limit of an organization as data.
type limitJSON struct {
	Limit string `json:"limit"`
	Use   *int64 `json:"use"`   // null for what only a running daemon knows
	Value int64  `json:"value"` // 0 is no limit
	From  string `json:"from"`  // organization, or where the setting comes from
}

func (a *app) printLimits(use store.Use) error {
	origins := make(map[string]string)
	for _, s := range a.conf.Show() {
		origins[s.Key] = s.Origin
	}
	var shown []limitJSON
	for _, row := range bounds.Table {
		l := limitJSON{Limit: row.Key, Value: use.Values[row.Kind], From: origins[row.Key]}
		if use.Own[row.Kind] {
			l.From = "organization"
		}
		if row.Kind != bounds.Reads {
			used := use.Used[row.Kind]
			l.Use = &used
		}
		shown = append(shown, l)
	}
	if a.json() {
		return a.printJSON(struct {
			Organization string      `json:"organization"`
			Limits       []limitJSON `json:"limits"`
		}{use.Organization, shown})
	}
	rows := make([][]string, len(shown))
	for i, l := range shown {
		row := bounds.Table[i]
		used, value := "–", "none"
		if l.Use != nil {
			used = amount(row, *l.Use)
		}
		if l.Value != 0 {
			value = amount(row, l.Value)
		}
		rows[i] = []string{l.Limit, used, value, l.From, row.Counts}
	}
	return a.printTable([]string{"LIMIT", "USE", "VALUE", "FROM", "COUNTS"}, rows)
}

// amount writes a number of what a bound counts.
func amount(row bounds.Row, n int64) string {
	if row.Bytes {
		return size(uint64(n))
	}
	return strconv.FormatInt(n, 10)
}
