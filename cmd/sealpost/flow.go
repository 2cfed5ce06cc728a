package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/catalog"
	"sealpost/internal/config"
	"sealpost/internal/webhook"
)

// flowFlags are the flags of publish that make it publish a flow.
type flowFlags struct {
	name, interval string
	pause          time.Duration
	seeded         bool
}

func (f *flowFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.name, "flow", "", "publish the events of a card purchase instead: purchase, declined, reversal, declined-increment, partial-capture, over-capture, force-capture or refund")
	cmd.Flags().StringVar(&f.interval, "interval", "", "with --flow: wait so long between two events, such as 2s")
	for _, other := range []string{"data", "event", "sample", "set", "receipt", "print"} {
		cmd.MarkFlagsMutuallyExclusive("flow", other)
	}
	var names []string
	for _, flow := range catalog.Flows() {
		names = append(names, flow.Name+"\t"+flow.Description)
	}
	_ = cmd.RegisterFlagCompletionFunc("flow", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
}

func (f *flowFlags) check(cmd *cobra.Command, args []string) error {
	f.seeded = cmd.Flags().Changed("seed")
	switch {
	case f.name == "" && f.interval != "":
		return &usageError{"--interval is the time between the events of a --flow", ""}
	case f.name != "" && len(args) > 0:
		return &usageError{fmt.Sprintf("TYPE %q can't be given with --flow: the flow says which events there are", args[0]), ""}
	case f.interval == "":
		return nil
	}
	d, err := config.ParseDuration(f.interval)
	if err != nil || d < 0 {
		return &usageError{fmt.Sprintf("--interval %q is no time such as 2s", f.interval), ""}
	}
	f.pause = d
	return nil
}

// flowJSON is a flow that was published, or would be.
type flowJSON[T any] struct {
	Flow  string `json:"flow"`
	Seed  uint64 `json:"seed"`
	Steps []T    `json:"steps"`
}

// stepJSON is one event of a flow.
type stepJSON struct {
	Step int    `json:"step"`
	Type string `json:"type"`
	Note string `json:"note"`
	publishedJSON
}

// publishFlow publishes the events of a flow, one after the other. A delivery
// that fails, or is not what was expected, ends it: the next event would tell of
// something that the receiver doesn't know.
func (a *app) publishFlow(ctx context.Context, f *publishFlags) error {
	if !f.flow.seeded {
		f.seed = rand.Uint64N(1 << 32) //nolint:gosec // a sample's seed is no secret
	}
	if err := a.loadCatalog(); err != nil {
		return err
	}
	steps, err := a.catalog.Flow(f.flow.name, f.seed)
	if err != nil {
		return &usageError{err.Error(), "docs/flows.md tells what each of them shows"}
	}
	drafts := make([]*webhook.Draft, len(steps))
	for i, step := range steps {
		if drafts[i], err = webhook.NewDraft(step.Type, step.Body); err != nil {
			return err
		}
		if f.id != "" {
			drafts[i].ID = fmt.Sprintf("%s-%d", f.id, i+1)
		}
	}
	if !f.flow.seeded {
		a.say("flow %s; --seed %d makes the same one again", f.flow.name, f.seed)
	}
	if f.dryRun {
		return a.previewFlow(ctx, f, steps, drafts)
	}
	done, err := a.publishSteps(ctx, f, steps, drafts)
	if a.output == "json" && len(done) > 0 {
		view := flowJSON[stepJSON]{f.flow.name, f.seed, make([]stepJSON, len(done))}
		for i, p := range done {
			view.Steps[i] = p.step(i)
		}
		err = heard(a.printJSON(view), err)
	}
	if missing := len(steps) - len(done); missing > 0 {
		a.say("%d of %d events were not published", missing, len(steps))
	}
	return a.conclude(f, done, err)
}

func (a *app) publishSteps(ctx context.Context, f *publishFlags, steps []catalog.Step, drafts []*webhook.Draft) (done []*published, err error) {
	for i, step := range steps {
		if i > 0 && f.flow.pause > 0 {
			select {
			case <-time.After(f.flow.pause):
			case <-ctx.Done():
				return done, context.Cause(ctx)
			}
		}
		p, err := a.publish(ctx, f, drafts[i])
		p.note = step.Note
		f.expect.judge(p)
		if p.id != "" {
			done = append(done, p)
			if err := heard(a.printStep(i, p), nil); err != nil {
				return done, err
			}
		}
		if err != nil || p.failed() || unmet(p.expected) > 0 {
			return done, err
		}
	}
	return done, nil
}

func (p *published) step(i int) stepJSON { return stepJSON{i + 1, p.eventType, p.note, p.view()} }

// printStep tells of an event of a flow as soon as it is published.
func (a *app) printStep(i int, p *published) error {
	switch a.output {
	case "json":
		return nil // all of them are one document
	case "jsonl":
		return a.printJSON(p.step(i))
	}
	a.say("%d. %s: %s", i+1, p.eventType, p.note)
	return a.printPublished(p)
}

// rehearsedJSON is one event of a flow that would be published.
type rehearsedJSON struct {
	Step int    `json:"step"`
	Type string `json:"type"`
	Note string `json:"note"`
	*dryRun
}

// previewFlow shows what each event of a flow would be, and where it would go;
// when, once, as it is the same for all of them.
func (a *app) previewFlow(ctx context.Context, f *publishFlags, steps []catalog.Step, drafts []*webhook.Draft) error {
	all := flowJSON[rehearsedJSON]{Flow: f.flow.name, Seed: f.seed}
	for i, draft := range drafts {
		run, err := a.rehearse(ctx, f, draft)
		if err != nil {
			return err
		}
		all.Steps = append(all.Steps, rehearsedJSON{i + 1, steps[i].Type, steps[i].Note, run})
	}
	if err := a.printRehearsedFlow(all); err != nil {
		return err
	}
	for _, step := range all.Steps {
		if err := step.verdict(); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) printRehearsedFlow(all flowJSON[rehearsedJSON]) error {
	switch a.output {
	case "json":
		return a.printJSON(all)
	case "jsonl":
		return printList(a, all.Steps)
	}
	a.say(nothingSent)
	for i, step := range all.Steps {
		lead := "\n"
		if i == 0 {
			lead = ""
		}
		if err := a.print("%s%d. %s: %s", lead, step.Step, step.Type, step.Note); err != nil {
			return err
		}
		if err := a.printRehearsed(step.dryRun); err != nil {
			return err
		}
	}
	return a.printTimetable(all.Steps[0].timetable)
}
