package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

func newEventReceipt(a *app) *cobra.Command {
	var hash, status string
	var block uint64
	cmd := &cobra.Command{
		Use:   "receipt ID --transaction-hash HASH --block-number N",
		Short: "Complete an event that waits for its on-chain receipt",
		Long: `receipt gives an event that is held, or has expired, what it waits for: it goes out with
the receipt in it, or, with --status reverted, never. Events wait that were published with
--receipt (or ?receipt=await over HTTP), and those of card providers that receipts.await
names; sealpost event list --state held shows them. The same receipt again changes nothing,
another one is refused (exit 4).`,
		Example: `  sealpost event receipt evt-1 --transaction-hash 0x… --block-number 19000000
  sealpost event receipt evt-1 --transaction-hash 0x… --block-number 19000000 --status reverted`,
		Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			outcome, err := webhook.NewReceiptOutcome(hash, block, status)
			if err != nil {
				return err
			}
			b, err := a.backend(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer b.Close() //nolint:errcheck // the change is committed by then
			if err := b.Attach(cmd.Context(), a.organization(), args[0], outcome); err != nil {
				return err
			}
			return a.done("%s: %s", args[0], outcome.Status())
		},
	}
	cmd.Flags().StringVar(&hash, "transaction-hash", "", "0x and 64 hex digits")
	cmd.Flags().Uint64Var(&block, "block-number", 0, "number of the block that holds the transaction")
	cmd.Flags().StringVar(&status, "status", "success", "success or reverted")
	_ = cmd.MarkFlagRequired("transaction-hash")
	_ = cmd.MarkFlagRequired("block-number")
	_ = cmd.RegisterFlagCompletionFunc("status", cobra.FixedCompletions([]string{"success", "reverted"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// expireEvery is how often the daemon looks for events whose receipt did not
// come in time.
const expireEvery = time.Second

// expire gives up on events whose receipt did not come, until ctx ends.
func (a *app) expire(ctx context.Context, s *store.Store, log *slog.Logger) {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		n, err := s.Expire(ctx, a.now())
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Error("events whose receipt did not come could not be ended; tried again soon", "error", err)
		case n > 0:
			log.Warn("no receipt came in time", "events", n)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
