package main

import (
	"github.com/spf13/cobra"
)

func newConfig(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the settings",
		Example: `  sealpost config show
  sealpost config show -o json`,
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "show",
		Short: "Show every setting and where its value came from; secrets are masked",
		Example: `  sealpost config show
  SEALPOST_RETRY_PROFILE=sandbox sealpost config show -o json`,
		RunE: func(*cobra.Command, []string) error {
			c, err := a.config()
			if err != nil {
				return err
			}
			switch a.output {
			case "json":
				return a.printJSON(c.Show())
			case "jsonl":
				for _, s := range c.Show() {
					if err := a.printJSON(s); err != nil {
						return err
					}
				}
				return nil
			}
			var rows [][]string
			for _, s := range c.Show() {
				rows = append(rows, []string{s.Key, s.Value, s.Origin})
			}
			return a.printTable([]string{"SETTING", "VALUE", "FROM"}, rows)
		},
	})
	return cmd
}
