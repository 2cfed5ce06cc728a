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
	var none bool
	cmd := &cobra.Command{
		Use:   "receipt ID --transaction-hash HASH [--block-number N] | --none",
		Short: "Complete an event that waits for its on-chain receipt",
		Long: `receipt gives an event that is held, or has expired, what it waits for: it goes out with
the receipt in it, or, with --status reverted, never. Events wait that were published with
--receipt (or ?receipt=await over HTTP), and those of card providers that receipts.await
names; sealpost event list --state held shows them. The same receipt again changes nothing,
another one is refused (exit 4).

--transaction-hash alone has the daemon watch for that transaction (setting
receipts.rpc_url): on a held event it replaces the hash, an expired event is held again.
--none sends the event without a receipt.`,
		Example: `  sealpost event receipt evt-1 --transaction-hash 0x… --block-number 19000000
  sealpost event receipt evt-1 --transaction-hash 0x… --block-number 19000000 --status reverted
  sealpost event receipt evt-1 --none`,
		Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			given, err := givenReceipt(cmd, hash, block, status, none)
			if err != nil {
				return err
			}
			b, err := a.backend(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer b.Close() //nolint:errcheck // the change is committed by then
			event, err := b.GiveReceipt(cmd.Context(), a.organization(), args[0], given)
			if err != nil {
				return err
			}
			switch {
			case a.json():
				return a.printJSON(event.View(false))
			case given.None:
				a.say("%s: %s, without a receipt", event.ID, event.State)
			case given.Watch != "":
				a.say("%s: %s until the receipt of %s comes", event.ID, event.State, given.Watch)
			default:
				a.say("%s: %s", event.ID, given.Outcome.Status())
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&hash, "transaction-hash", "", "0x and 64 hex digits")
	cmd.Flags().Uint64Var(&block, "block-number", 0, "number of the block that holds the transaction; without it the daemon watches for the receipt")
	cmd.Flags().StringVar(&status, "status", "success", "success or reverted")
	cmd.Flags().BoolVar(&none, "none", false, "there is no receipt: send the event without one")
	cmd.MarkFlagsMutuallyExclusive("none", "transaction-hash")
	cmd.MarkFlagsMutuallyExclusive("none", "block-number")
	cmd.MarkFlagsMutuallyExclusive("none", "status")
	cmd.MarkFlagsOneRequired("none", "transaction-hash")
	_ = cmd.RegisterFlagCompletionFunc("status", cobra.FixedCompletions([]string{"success", "reverted"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// givenReceipt is what the flags say of a receipt.
func givenReceipt(cmd *cobra.Command, hash string, block uint64, status string, none bool) (g webhook.GivenReceipt, err error) {
	given := cmd.Flags().Changed
	switch {
	case none:
		return webhook.GivenReceipt{None: true}, nil
	case given("block-number"):
		outcome, err := webhook.NewReceiptOutcome(hash, block, status)
		return webhook.GivenReceipt{Outcome: &outcome}, err
	case given("status"):
		return g, &usageError{"--status needs --block-number", "--transaction-hash alone has the daemon watch for the receipt"}
	case !webhook.ValidTransactionHash(hash):
		return g, usagef("--transaction-hash %q is not 0x and 64 hex digits", hash)
	}
	return webhook.GivenReceipt{Watch: hash}, nil
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
