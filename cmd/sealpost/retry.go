package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/webhook"
)

func newDeliveryRetry(a *app) *cobra.Command {
	var f deliveryFilter
	var dryRun bool
	var rate float64
	cmd := &cobra.Command{
		Use:   "retry [ID]",
		Short: "Make a delivery due at once, or all that a filter chooses",
		Long: `retry makes one delivery due at once, or, without an id, all that the filter chooses
(--state dead, say). A dead or cancelled one gets all its retries anew. Doing it twice
is doing it once: what is pending already is left alone.`,
		Example: `  sealpost delivery retry dlv_4d2k9q0m7g3t8s1r5v6n0b2c4h
  sealpost delivery retry --state dead --webhook orders --dry-run
  sealpost delivery retry --state dead --webhook orders --since 1d --rate 10 -y`,
		Args:              atMost(1),
		ValidArgsFunction: a.completeDeliveries,
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := a.backend(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer b.Close() //nolint:errcheck // the changes are committed by then
			if len(args) == 1 {
				d, err := b.Retry(cmd.Context(), a.organization(), args[0])
				if err != nil {
					return err
				}
				if a.json() {
					return a.printJSON(d.View(false))
				}
				if d.State == webhook.Parked {
					a.say("%s stays parked, for %s is disabled; `sealpost webhook update %s --enable` lets it go out", args[0], d.Webhook, d.Webhook)
					return nil
				}
				a.say("%s is %s, due now", args[0], d.State)
				return nil
			}
			if f.state == "" {
				return &usageError{"which deliveries? name an id, or a state", "for instance --state dead, narrowed by --webhook, --type, --event and --since"}
			}
			if s := webhook.DeliveryState(f.state); s != webhook.Dead && s != webhook.Cancelled {
				return &usageError{"only dead and cancelled deliveries are retried in bulk", "a pending one is retried by its id; parked ones go out with `sealpost webhook update NAME --enable`"}
			}
			if err := checkRate(rate); err != nil {
				return err
			}
			return a.retryAll(cmd.Context(), b, &f, dryRun, rate)
		},
	}
	f.add(a, cmd, webhook.Dead, webhook.Cancelled)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say which ones, and change nothing")
	cmd.Flags().Float64Var(&rate, "rate", 0, "deliveries a second; 0 is no limit")
	return cmd
}

// retryAll retries what a filter chooses. The list is made first, so that what
// is retried now does not turn up in it again.
func (a *app) retryAll(ctx context.Context, b backend, f *deliveryFilter, dryRun bool, rate float64) error {
	q, err := f.query(a)
	if err != nil {
		return err
	}
	q.Limit = webhook.MaxPage
	var ids []string
	for {
		found, next, err := b.ListDeliveries(ctx, q)
		if err != nil {
			return err
		}
		for _, d := range found {
			ids = append(ids, d.ID)
		}
		if q.Cursor = next; next == "" {
			break
		}
	}
	if len(ids) == 0 {
		if err := a.nothingFits(ctx, b, q); err != nil {
			return err
		}
	}
	if !dryRun && len(ids) > 0 {
		if err := a.confirm(fmt.Sprintf("retry %d deliveries?", len(ids))); err != nil {
			return err
		}
	}
	retried := ids
	if !dryRun {
		retried, err = a.retryPaced(ctx, b, ids, rate)
	}
	return heard(a.printRetried(retried, dryRun), err) // what was done is told, also when something came in between
}

// retryPaced retries deliveries one after the other, so many a second, and
// returns those that it retried.
func (a *app) retryPaced(ctx context.Context, b backend, ids []string, rate float64) ([]string, error) {
	working := a.progress("retrying")
	defer working.end()
	retried, gone := []string{}, 0
	defer func() {
		if gone > 0 {
			a.say("%d left out: delivered meanwhile, or gone with their webhook or event", gone)
		}
	}()
	for n, id := range ids {
		if n > 0 && rate > 0 {
			select {
			case <-time.After(time.Duration(float64(time.Second) / rate)):
			case <-ctx.Done():
				return retried, context.Cause(ctx)
			}
		}
		working.at(n, len(ids))
		_, err := b.Retry(ctx, a.organization(), id)
		switch code := webhook.CodeOf(err); {
		case code == webhook.CodeConflict, code == webhook.CodeNotFound: // delivered, deleted or pruned since it was listed
			gone++
		case err != nil:
			return retried, err
		default:
			retried = append(retried, id)
		}
	}
	return retried, nil
}

func (a *app) printRetried(retried []string, dryRun bool) error {
	if retried == nil {
		retried = []string{}
	}
	if a.json() {
		return a.printJSON(map[string]any{"deliveries": retried, "dry_run": dryRun})
	}
	for _, id := range retried {
		if err := a.print("%s", id); err != nil {
			return err
		}
	}
	verb := "retried"
	if dryRun {
		verb = "would be retried"
	}
	a.say("%d %s", len(retried), verb)
	return nil
}
