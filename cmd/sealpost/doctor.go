package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"sealpost/internal/webhook"
)

// What a check can come to.
const (
	checkPass = "pass"
	checkWarn = "warn"
	checkFail = "fail"
)

// check is one thing that was looked at. Its code is stable.
type check struct {
	Code    string `json:"check"`
	Subject string `json:"subject"` // the file, webhook or setting
	Status  string `json:"status"`
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"` // what to do; empty for a pass
}

// diagnosis collects checks, each shown as soon as it is made where the form
// allows it.
type diagnosis struct {
	app    *app
	checks []check
	err    error // of showing them
}

func (d *diagnosis) pass(code, subject, format string, args ...any) {
	d.add(check{code, subject, checkPass, fmt.Sprintf(format, args...), ""})
}

func (d *diagnosis) warn(code, subject, fix, format string, args ...any) {
	d.add(check{code, subject, checkWarn, fmt.Sprintf(format, args...), fix})
}

func (d *diagnosis) fail(code, subject, fix, format string, args ...any) {
	d.add(check{code, subject, checkFail, fmt.Sprintf(format, args...), fix})
}

func (d *diagnosis) add(c check) {
	d.checks = append(d.checks, c)
	if d.err == nil {
		d.err = d.app.printCheck(c)
	}
}

func (d *diagnosis) count(status string) (n int) {
	for _, c := range d.checks {
		if c.Status == status {
			n++
		}
	}
	return n
}

func newDoctor(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor [NAME]",
		Short: "Look for what keeps webhooks from arriving, on this machine and on the way",
		Long: `doctor looks at the settings, the database file, the daemon, the disk, and at which
organizations of the file are near a limit or have missed events. Then it looks at each
webhook of the organization, or at the one that is named: where its host leads,
whether that may be called, how long connecting takes, and its certificate. It opens
connections and shakes hands; it sends receivers no request, and changes nothing. An
Ethereum node (receipts.rpc_url) is asked for its chain, its newest block, and
receipts that events wait for.

Every line is pass, warn or fail, and says what to do. The exit code is 0 when
nothing failed, 1 otherwise, and 5 when the database can't be opened.`,
		Example: `  sealpost doctor
  sealpost doctor orders -o json`,
		Args:              atMost(1),
		ValidArgsFunction: a.completeWebhooks,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.onFile("doctor"); err != nil {
				return err
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			return a.doctor(cmd.Context(), name)
		},
	}
}

func (a *app) doctor(ctx context.Context, name string) error {
	d := &diagnosis{app: a}
	err := a.examine(ctx, d, name)
	if a.output == "json" {
		shown := struct {
			Checks []check `json:"checks"`
			Pass   int     `json:"pass"`
			Warn   int     `json:"warn"`
			Fail   int     `json:"fail"`
		}{d.checks, d.count(checkPass), d.count(checkWarn), d.count(checkFail)}
		if d.err == nil {
			d.err = a.printJSON(shown)
		}
	}
	a.say("%d passed, %d to look at, %d failed", d.count(checkPass), d.count(checkWarn), d.count(checkFail))
	switch {
	case d.err != nil:
		return d.err
	case err != nil:
		return err
	case d.count(checkFail) > 0:
		return verdict{exitNegative}
	}
	return nil
}

// examine makes every check. The error is that of a database that can't be
// opened, after all has been said that can be said without it.
func (a *app) examine(ctx context.Context, d *diagnosis, name string) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	a.examineSettings(d, c)
	a.examineFiles(d, c)
	a.examineOwners(d, c)
	a.examineDescriptors(d, c)
	l, err := a.localIn(ctx, false)
	if err != nil {
		f := describe(err)
		d.fail("database.open", c.Database, f.Hint, "%s", f.Message)
		return err
	}
	defer l.Close() //nolint:errcheck // nothing was written
	if err := a.examineDatabase(ctx, d, l); err != nil {
		return err
	}
	if err := a.examineDaemon(ctx, d, c, l); err != nil {
		return err
	}
	if err := a.examineLimits(ctx, d, l.store); err != nil {
		return err
	}
	a.examineNode(ctx, d, c, l.store)
	found, err := l.List(ctx, a.organization())
	if err != nil {
		return err
	}
	if name != "" {
		found = slices.DeleteFunc(found, func(w webhook.Webhook) bool { return w.Name != name })
		if len(found) == 0 {
			return webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("no webhook %q", name)).WithHint("`sealpost webhook list` shows their names")
		}
	}
	if len(found) == 0 {
		d.warn("webhook.none", a.organization(), "`sealpost webhook create NAME --url URL`", "the organization has no webhook")
	}
	return a.examineWebhooks(ctx, d, l, found)
}

// probing bounds how many webhooks are looked at at a time, and for how long each.
const (
	probing      = 8
	probeTimeout = 10 * time.Second
)

func (a *app) examineWebhooks(ctx context.Context, d *diagnosis, l *local, found []webhook.Webhook) error {
	each := make([]*diagnosis, len(found))
	var g errgroup.Group
	g.SetLimit(probing)
	done := make([]chan struct{}, len(found))
	for i := range found {
		each[i], done[i] = &diagnosis{app: &app{output: "silent"}}, make(chan struct{})
		g.Go(func() error {
			defer close(done[i])
			return a.examineWebhook(ctx, each[i], l, &found[i])
		})
	}
	for i := range found { // in order, as they end
		<-done[i]
		for _, c := range each[i].checks {
			d.add(c)
		}
	}
	return g.Wait()
}

// printCheck shows one check.
func (a *app) printCheck(c check) error {
	switch a.output {
	case "jsonl":
		return a.printJSON(c)
	case "table":
	default:
		return nil
	}
	color := map[string]adaptive{checkPass: styleGood, checkWarn: styleWarn, checkFail: styleError}[c.Status]
	if err := a.print("%s  %-20s %s: %s", a.styleOut(color, c.Status), c.Code, c.Subject, c.Message); err != nil || c.Fix == "" {
		return err
	}
	return a.print("      %s %s", a.styleOut(styleHint, "→"), c.Fix)
}
