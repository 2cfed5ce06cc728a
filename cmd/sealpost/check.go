package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sealpost/internal/store"
)

func newDBCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Read the whole database and say what is not in order",
		Long: `check reads the whole database, also while the daemon runs: whether SQLite finds its
pages, indexes and references in order, whether every event has its deliveries, every
delivery its event, every attempt is counted, every webhook has its secret and every
sealed secret opens. Nothing is changed. Exit code 1 when something is wrong.

A backup is checked as well when it is made, and before it is restored.`,
		Example: `  sealpost db check
  sealpost db check --database sealpost-backup.db -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.onFile("db check"); err != nil {
				return err
			}
			database, err := a.database()
			if err != nil {
				return err
			}
			key, err := a.sealKey(a.conf)
			if err != nil {
				return err
			}
			working := a.progress("checking")
			found, err := store.Check(cmd.Context(), database, key)
			working.end()
			if err != nil {
				return err
			}
			return a.printChecked(database, found)
		},
	}
}

// checkView is one check as it is shown.
type checkView struct {
	Name   string   `json:"name"`
	What   string   `json:"what"`
	OK     bool     `json:"ok"`
	Faults []string `json:"faults,omitempty"`
}

func (a *app) printChecked(database string, found []store.Checked) error {
	all := true
	views := make([]checkView, len(found))
	for i, c := range found {
		views[i] = checkView{c.Name, c.What, len(c.Faults) == 0, c.Faults}
		all = all && views[i].OK
	}
	if err := a.printCheckViews(database, all, views); err != nil || all {
		return err
	}
	a.say("stop the daemon, keep a copy of the file, and restore a backup: `sealpost db restore FILE`")
	return verdict{exitNegative}
}

func (a *app) printCheckViews(database string, all bool, views []checkView) error {
	if a.json() {
		return a.printJSON(struct {
			Database string      `json:"database"`
			OK       bool        `json:"ok"`
			Checks   []checkView `json:"checks"`
		}{database, all, views})
	}
	for _, v := range views {
		mark := a.styleOut(styleGood, "ok   ")
		if !v.OK {
			mark = a.styleOut(styleError, "wrong")
		}
		if err := a.print("%s  %s", mark, fmt.Sprintf("%-10s  %s", v.Name, v.What)); err != nil {
			return err
		}
		for _, fault := range v.Faults {
			if err := a.print("       %s", strings.ReplaceAll(fault, "\n", "\n       ")); err != nil {
				return err
			}
		}
	}
	return nil
}
