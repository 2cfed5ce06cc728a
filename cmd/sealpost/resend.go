package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"sealpost/internal/webhook"
)

func newEventResend(a *app) *cobra.Command {
	var to []string
	var missing, dryRun bool
	cmd := &cobra.Command{
		Use:   "resend [ID]",
		Short: "Send an event once more, or send what webhooks missed",
		Long: `resend makes new deliveries of an event, with the same id and the same bytes: a receiver
that goes by the id takes it for one that it has. To try a failed delivery again, use
sealpost delivery retry.

With --missing it sends what webhooks missed: events that came while the webhook was
disabled and its organization had as many parked deliveries as limits.parked allows.
Disabled webhooks get nothing; enable them first. It may be stopped and called again:
nothing is sent twice.`,
		Example: `  sealpost event resend evt-1
  sealpost event resend evt-1 --to orders -o json
  sealpost event resend --missing --to orders --dry-run`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case missing && len(args) > 0:
				return &usageError{"--missing names no event", "leave the id out, or leave --missing out"}
			case !missing && len(args) == 0:
				return &usageError{"which event? ID is missing", "`sealpost event list` shows ids; --missing sends what webhooks missed"}
			case !missing && dryRun:
				return &usageError{"--dry-run works with --missing", "leave one out, or add the other"}
			}
			b, err := a.backend(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer b.Close() //nolint:errcheck // the change is committed by then
			if missing {
				return a.resendMissing(cmd.Context(), b, to, dryRun)
			}
			return a.resend(cmd.Context(), b, args[0], to)
		},
	}
	cmd.Flags().StringArrayVar(&to, "to", nil, "only to this webhook (may be repeated)")
	cmd.Flags().BoolVar(&missing, "missing", false, "send what webhooks missed while too many deliveries were parked")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say how many events were missed, and send nothing")
	_ = cmd.RegisterFlagCompletionFunc("to", a.completeWebhooks)
	return cmd
}

func (a *app) resend(ctx context.Context, b backend, id string, to []string) error {
	result, err := b.Resend(ctx, a.organization(), id, to)
	if err != nil {
		return err
	}
	if a.json() {
		err = a.printJSON(map[string]any{"id": result.ID, "deliveries": result.Count})
	} else {
		a.say("%s goes out once more, to %d webhook%s", result.ID, result.Count, plural(result.Count))
	}
	if err == nil && result.Count == 0 {
		return verdict{exitUnwanted}
	}
	return err
}

// resendMissing calls until nothing is left that can be sent. What was sent is told,
// also when a limit or a fault ends it early.
func (a *app) resendMissing(ctx context.Context, b backend, to []string, dryRun bool) error {
	count, err := a.missed(ctx, b, to)
	if err != nil {
		return err
	}
	if dryRun {
		return a.printMissing(webhook.Progress{Matched: count}, true)
	}
	sum, err := a.sendMissed(ctx, b, to, count)
	if err != nil && sum.Done == 0 {
		return err
	}
	return heard(a.printMissing(sum, false), err)
}

func (a *app) sendMissed(ctx context.Context, b backend, to []string, count int) (sum webhook.Progress, err error) {
	working := a.progress("sending what was missed")
	defer working.end()
	q := webhook.MissingQuery{To: to}
	for {
		done, err := b.ResendMissing(ctx, a.organization(), q)
		sum.Matched += done.Matched
		sum.Done += done.Done
		if err != nil || done.Next == "" {
			return sum, err
		}
		working.at(sum.Done, max(sum.Done, count))
		q.Cursor = done.Next
	}
}

// missed counts what webhooks missed, all of them or those that are named.
func (a *app) missed(ctx context.Context, b backend, to []string) (count int, err error) {
	found, err := b.List(ctx, a.organization())
	if err != nil {
		return 0, err
	}
	for _, name := range to {
		if !slices.ContainsFunc(found, func(w webhook.Webhook) bool { return w.Name == name }) {
			return 0, webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("no webhook %q", name)).WithHint("`sealpost webhook list` shows their names")
		}
	}
	if to != nil {
		found = slices.DeleteFunc(found, func(w webhook.Webhook) bool { return !slices.Contains(to, w.Name) })
	}
	if err := a.learnStates(ctx, b, found); err != nil {
		return 0, err
	}
	for i := range found {
		count += int(found[i].Missed.Events)
	}
	return count, nil
}

func (a *app) printMissing(sum webhook.Progress, dryRun bool) error {
	if a.json() {
		return a.printJSON(map[string]any{"matched": sum.Matched, "done": sum.Done, "dry_run": dryRun})
	}
	switch left := sum.Matched - sum.Done; {
	case sum.Matched == 0:
		a.say("nothing was missed")
	case dryRun:
		a.say("%d missed event%s would be sent, where the webhook is enabled", sum.Matched, plural(sum.Matched))
	case left > 0:
		a.say("%d sent; %d stay missed: their webhooks are disabled, or a limit was reached", sum.Done, left)
	default:
		a.say("%d missed event%s sent", sum.Done, plural(sum.Done))
	}
	return nil
}
