package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/conformance"
	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// checkReceiverFlags are the flags of check-receiver.
type checkReceiverFlags struct {
	secret, scheme, report, timeout string
	eventType, data                 string
	deadline                        time.Duration
}

func newCheckReceiver(a *app) *cobra.Command {
	var f checkReceiverFlags
	cmd := &cobra.Command{
		Use:   "check-receiver URL --secret SRC",
		Short: "Check that a receiver takes good deliveries and refuses forged ones",
		Long: `check-receiver sends good and forged deliveries to a URL, one after the other. It says
what the receiver should have answered, what it did answer, and what to change.

The receiver must answer 2xx to a good delivery and to the same delivery again. It must
answer 4xx to a forged signature, to a changed body and to another secret. It gets a
warning if it takes a delivery signed an hour ago, a body of 64 MiB or a body of type
text/plain, and if it answers 5xx instead of 4xx.

The events are real to the receiver: use one that serves tests. Their type is
transaction.created, unless --type names another one. Nothing is stored here.

The exit code is 0 if no required answer is wrong, 1 if one is, and 6 if the good
delivery got no answer. ` + "`sealpost listen --reject`" + ` is a receiver that passes.`,
		Example: `  sealpost check-receiver https://receiver.example.com/hook --secret env:HOOK_SECRET
  sealpost check-receiver https://receiver.example.com/hook --secret @secret.txt --scheme signature
  sealpost check-receiver https://receiver.example.com/hook --secret env:HOOK_SECRET --report junit=receiver.xml`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(a); err != nil {
				return err
			}
			results, err := a.checkReceiver(cmd.Context(), args[0], &f)
			if results != nil {
				err = heard(a.printChecks(args[0], f.scheme, results), err)
			}
			if f.report != "" && results != nil {
				if written := writeSuite(f.report, checksSuite(args[0], results)); written != nil && err == nil {
					return written
				}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&f.secret, "secret", "", "what signs: @FILE, -, env:NAME or the secret")
	cmd.Flags().StringVar(&f.scheme, "scheme", conformance.SchemeBoth, "which headers to send: signature, standard or both")
	cmd.Flags().StringVar(&f.eventType, "type", "transaction.created", "event type; the body is a sample of it")
	cmd.Flags().StringVar(&f.data, "data", "", "the events' body, a JSON object: @FILE, - or the JSON itself")
	cmd.Flags().StringVar(&f.timeout, "timeout", "", "wait so long for each answer (30s)")
	cmd.Flags().StringVar(&f.report, "report", "", "junit=FILE: write what came of each case")
	_ = cmd.RegisterFlagCompletionFunc("scheme", cobra.FixedCompletions(schemes, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("type", a.completeTypes)
	return cmd
}

var schemes = []string{conformance.SchemeSignature, conformance.SchemeStandard, conformance.SchemeBoth}

func (f *checkReceiverFlags) check(a *app) (err error) {
	switch {
	case f.secret == "":
		return &usageError{"--secret is missing", "--secret @FILE, - or env:NAME gives the receiver's secret"}
	case f.secret == "-" && f.data == "-":
		return &usageError{"--secret - and --data - can't both read standard input", "read one of them from a file"}
	case !slices.Contains(schemes, f.scheme):
		return &usageError{fmt.Sprintf("--scheme %q is none of %s", f.scheme, strings.Join(schemes, ", ")), ""}
	}
	if err := a.onFile("check-receiver"); err != nil {
		return err
	}
	if f.deadline, err = positive("--timeout", f.timeout); err != nil {
		return err
	}
	if f.deadline == 0 {
		f.deadline = 30 * time.Second
	}
	return checkReport(f.report)
}

// checkReceiver sends all cases to a URL. The error is the verdict.
func (a *app) checkReceiver(ctx context.Context, text string, f *checkReceiverFlags) ([]conformance.Result, error) {
	if _, err := a.config(); err != nil {
		return nil, err
	}
	key, err := a.signingSecret("--secret", f.secret)
	if err != nil {
		return nil, err
	}
	draft, err := a.draft(&publishFlags{data: f.data, sample: f.data == ""}, []string{f.eventType})
	if err != nil {
		return nil, err
	}
	if err := a.validate(draft); err != nil {
		return nil, err
	}
	g, err := a.receiverGuard(ctx, text)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	target, err := webhook.ParseURL(text)
	if err != nil {
		return nil, err
	}
	checker := conformance.Checker{
		Client: g, URL: target, Key: key.Key(), Scheme: f.scheme, Timeout: f.deadline, UserAgent: userAgent(), Now: a.now,
		Event: func() (string, []byte) {
			now := a.now().UTC().Truncate(time.Millisecond)
			draft.ID = webhook.NewEventID(now)
			return draft.ID, draft.Build(now)
		},
	}
	working := a.progress("checking the receiver")
	defer working.end()
	done := 0
	results, err := checker.Run(ctx, func(conformance.Case) {
		working.at(done, len(conformance.Cases(f.scheme)))
		done++
	})
	switch {
	case err != nil:
		return results, err
	case results[0].Status == 0:
		return results, verdict{exitTimeout}
	case slices.ContainsFunc(results, func(r conformance.Result) bool { return r.Verdict == conformance.Fail }):
		return results, verdict{exitNegative}
	}
	return results, nil
}

type checksJSON struct {
	URL      string      `json:"url"`
	Scheme   string      `json:"scheme"`
	Passed   int         `json:"passed"`
	Warnings int         `json:"warnings"`
	Failed   int         `json:"failed"`
	Cases    []checkJSON `json:"cases"`
}

type checkJSON struct {
	Name     string  `json:"name"`
	Title    string  `json:"title"`
	Expected string  `json:"expected"`
	Required bool    `json:"required"`
	Verdict  string  `json:"verdict"`
	Status   int     `json:"status"`
	Error    string  `json:"error"`
	Duration float64 `json:"duration_ms"`
	Response string  `json:"response"`
	Why      string  `json:"why"`
}

func count(results []conformance.Result, v conformance.Verdict) (n int) {
	for _, r := range results {
		if r.Verdict == v {
			n++
		}
	}
	return n
}

// printChecks prints what came of each case.
func (a *app) printChecks(target, scheme string, results []conformance.Result) error {
	passed, warnings, failed := count(results, conformance.Pass), count(results, conformance.Warning), count(results, conformance.Fail)
	if a.json() {
		v := checksJSON{URL: target, Scheme: scheme, Passed: passed, Warnings: warnings, Failed: failed}
		for _, r := range results {
			v.Cases = append(v.Cases, checkJSON{r.Name, r.Title, r.Expected, r.Required, string(r.Verdict), r.Status, r.Error, milliseconds(r.Duration), answerText(r.Answer), r.Why})
		}
		return a.printJSON(v)
	}
	rows := make([][]string, len(results))
	for i, r := range results {
		rows[i] = []string{r.Title, r.Expected, r.Got(), string(r.Verdict)}
	}
	if err := a.printTable([]string{"CASE", "SHOULD BE", "ANSWER", "VERDICT"}, rows); err != nil {
		return err
	}
	for _, r := range results {
		if r.Why == "" || r.Verdict == conformance.Skipped {
			continue
		}
		color := styleWarn
		if r.Verdict == conformance.Fail {
			color = styleError
		}
		a.say("%s %s: %s", a.style(color, string(r.Verdict)+":"), r.Title, escaped(r.Why))
		if len(r.Answer) > 0 {
			a.say("  the receiver said: %s", answerLine(r.Answer))
		}
	}
	a.say("%d passed, %d warning%s, %d failed", passed, warnings, plural(warnings), failed)
	return nil
}

// checksSuite is the report of a check.
func checksSuite(target string, results []conformance.Result) junitSuite {
	suite := junitSuite{Name: "sealpost check-receiver"}
	var total time.Duration
	for _, r := range results {
		total += r.Duration
		c := junitCase{Class: "sealpost.check-receiver." + hostOf(target), Name: r.Title, Time: seconds(r.Duration), Output: string(r.Verdict) + ": answered " + r.Got()}
		if r.Why != "" {
			c.Output += "\n" + r.Why
		}
		if len(r.Answer) > 0 {
			c.Output += "\nthe receiver said: " + escaped(answerText(r.Answer))
		}
		switch r.Verdict {
		case conformance.Fail:
			c.Failure = &junitProblem{Message: "should be " + r.Expected + ", was " + r.Got(), Type: r.Name, Text: r.Why}
		case conformance.Skipped:
			c.Skipped = &junitProblem{Message: r.Why}
		case conformance.Pass, conformance.Warning:
		}
		suite.Cases = append(suite.Cases, c)
	}
	return suite.whole(total)
}

// forger forges what goes to a URL, as --forge says.
func (f *publishFlags) forger(client conformance.Doer, value secret.Text) conformance.Forger {
	return conformance.Forger{Client: client, Kind: conformance.Forgery(f.forge), Key: value.Key()}
}
