package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/admin"
	"sealpost/internal/config"
	"sealpost/internal/conformance"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// publishFlags are the flags of publish.
type publishFlags struct {
	data, event, id, url, secret, print string
	forge                               string
	receipt                             string
	sample                              bool
	seed                                uint64
	set                                 []string
	to                                  []string
	wait, direct, dryRun                bool
	attempts                            int
	timeout                             string
	deadline                            time.Duration
	provider                            string
	flow                                flowFlags
	expect                              expectFlags
	report                              string
}

// here reports whether this process delivers itself.
func (f *publishFlags) here() bool { return f.direct || f.url != "" }

func newPublish(a *app) *cobra.Command {
	var f publishFlags
	cmd := &cobra.Command{
		Use:   "publish TYPE",
		Short: "Publish an event: store it durably, and deliver it",
		Long: `publish stores an event and a delivery for each webhook that wants it, and
prints the event's id. A daemon (sealpost serve) on the same database delivers.

With --wait it follows the daemon until every delivery has ended. With --direct
it delivers in this process, three attempts by default, and needs no daemon.

What is delivered may be held against expectations (--expect-…): when one fails the
exit code is 8. A delivery that fails for good is 1, whatever was expected. --report
junit=FILE writes what came of each delivery; under GitHub Actions failures are
annotations too. ` + "`sealpost help ci`" + ` has an example.

An event can wait for its on-chain receipt: --receipt await holds it until
` + "`sealpost event receipt`" + ` or POST /api/event/ID/receipt brings one, --receipt 0x… until the
daemon has found that transaction's (setting receipts.rpc_url), too.

--flow publishes the whole sequence of a card purchase instead of one event.`,
		Example: `  sealpost publish order.paid --data '{"order":"A-17","total":2500}'
  sealpost publish transaction.created --sample --set spend.amount=2500 --direct
  sealpost publish order.paid --data @order.json --direct --expect-status 200 --expect-latency 2s
  sealpost publish transaction.created --data @body.json --receipt await
  sealpost publish --flow partial-capture --wait --interval 2s`,
		Args:              atMost(1),
		ValidArgsFunction: a.completeTypes,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.provider != "" {
				return a.publishProvider(cmd.Context(), f.provider, args)
			}
			if err := f.check(cmd, args); err != nil {
				return err
			}
			ctx := cmd.Context()
			if f.deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, f.deadline)
				defer cancel()
			}
			if f.flow.name != "" {
				return a.publishFlow(ctx, &f)
			}
			draft, err := a.draft(&f, args)
			if err == nil && f.receipt != "" {
				err = f.giveReceipt(draft)
			}
			if err != nil {
				return a.conclude(&f, nil, err)
			}
			if f.dryRun || f.print != "" {
				return a.previewPublish(ctx, &f, draft)
			}
			p, err := a.publish(ctx, &f, draft)
			f.expect.judge(p)
			if p.id != "" {
				printing := a.printPublished(p)
				if printing != nil && !unheard(printing) && f.url == "" {
					a.warn("the event is stored as %s; what failed is telling it", p.id)
				}
				err = heard(printing, err)
			}
			return a.conclude(&f, []*published{p}, err)
		},
	}
	cmd.Flags().StringVar(&f.data, "data", "", "the event's body, a JSON object: @FILE, - or the JSON itself")
	cmd.Flags().BoolVar(&f.sample, "sample", false, "a sample of the type as the body")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "vary the sample, the same way each time; 0 is the documented one")
	cmd.Flags().StringArrayVar(&f.set, "set", nil, "PATH=VALUE: change a field of the sample, such as spend.amount=2500 (may be repeated)")
	cmd.Flags().StringVar(&f.event, "event", "", "a whole event, sent byte for byte as it is: @FILE or - (not with --server)")
	cmd.Flags().StringVar(&f.id, "id", "", "event id; the same id with the same content is the same event")
	cmd.Flags().StringVar(&f.receipt, "receipt", "", "await: hold it until its receipt comes; 0x…: until that transaction's does; JSON: send it along")
	cmd.Flags().StringArrayVar(&f.to, "to", nil, "only to this webhook (may be repeated)")
	cmd.Flags().StringVar(&f.url, "url", "", "to this URL instead of webhooks; needs --secret, and delivers directly")
	cmd.Flags().StringVar(&f.secret, "secret", "", "what signs for --url: @FILE, -, env:NAME or the secret")
	cmd.Flags().StringVar(&f.forge, "forge", "", "with --url: send a forged delivery: signature, body, timestamp or secret is wrong")
	cmd.Flags().BoolVar(&f.wait, "wait", false, "follow the daemon until every delivery has ended")
	cmd.Flags().BoolVar(&f.direct, "direct", false, "deliver in this process; no daemon is needed (not with --server)")
	cmd.Flags().IntVar(&f.attempts, "attempts", 3, "attempts with --direct, 1 to 100")
	cmd.Flags().StringVar(&f.timeout, "timeout", "", "give up waiting after this time, such as 30s (5m with --wait)")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would be sent where, and when; store and send nothing")
	cmd.Flags().StringVar(&f.print, "print", "", "print the request and send nothing: curl, http or json")
	cmd.Flags().StringVar(&f.provider, "provider", "", "take a card provider's event in instead: --provider panda @FILE")
	f.flow.add(cmd)
	f.expect.add(cmd)
	cmd.Flags().StringVar(&f.report, "report", "", "junit=FILE: write what came of each delivery")
	for _, other := range []string{"flow", "expect-status", "expect-latency", "expect-body-contains", "expect-count", "report", "data", "event", "id", "receipt", "to", "url", "wait", "direct", "dry-run", "print"} {
		cmd.MarkFlagsMutuallyExclusive("provider", other)
	}
	cmd.MarkFlagsMutuallyExclusive("wait", "direct")
	cmd.MarkFlagsMutuallyExclusive("data", "event", "sample")
	cmd.MarkFlagsMutuallyExclusive("url", "to")
	cmd.MarkFlagsMutuallyExclusive("event", "receipt")
	_ = cmd.RegisterFlagCompletionFunc("to", a.completeWebhooks)
	_ = cmd.RegisterFlagCompletionFunc("forge", cobra.FixedCompletions(conformance.Forgeries(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("print", cobra.FixedCompletions([]string{"curl", "http", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// giveReceipt puts --receipt into an event.
func (f *publishFlags) giveReceipt(draft *webhook.Draft) error {
	if err := draft.GiveReceipt(f.receipt); err != nil {
		return err
	}
	if draft.Await && f.url != "" {
		return &usageError{"--url sends at once and stores nothing, so nothing can wait for a receipt", "publish to webhooks, or give the whole receipt as JSON"}
	}
	return nil
}

func (f *publishFlags) check(cmd *cobra.Command, args []string) error {
	if err := f.flow.check(cmd, args); err != nil {
		return err
	}
	if err := f.expect.check(cmd); err != nil {
		return err
	}
	if err := checkReport(f.report); err != nil {
		return err
	}
	reads := f.expect.any() || f.report != ""
	switch {
	case len(args) == 0 && f.event == "" && f.flow.name == "":
		return &usageError{"TYPE is missing", "for instance `sealpost publish transaction.created --data @body.json`"}
	case reads && !f.wait && !f.here():
		return &usageError{"nothing is known to expect or report until deliveries have ended", "add --wait for the daemon, or --direct"}
	case reads && (f.dryRun || f.print != ""):
		return &usageError{"nothing is sent, so there is nothing to expect or report", "leave --dry-run and --print out"}
	case f.event != "" && f.id != "":
		return &usageError{"--id can't be given with --event: a whole event carries its id", ""}
	case f.forge != "" && !slices.Contains(conformance.Forgeries(), f.forge):
		return &usageError{fmt.Sprintf("--forge %q is none of %s", f.forge, strings.Join(conformance.Forgeries(), ", ")), ""}
	case f.forge != "" && f.url == "":
		return &usageError{"--forge needs --url: a registered webhook never gets a forged delivery", "--url URL --secret SRC names a receiver that serves tests"}
	case f.forge != "" && (f.dryRun || f.print != ""):
		return &usageError{"--forge forges what is sent; --dry-run and --print send nothing", ""}
	case f.expect.refused && !f.here():
		return &usageError{"--expect-refused needs --direct or --url: a daemon tries a refused delivery again for days", ""}
	case f.url != "" && f.secret == "":
		return &usageError{"--url needs --secret", "--secret @FILE, - or env:NAME says what signs"}
	case f.url != "" && f.wait:
		return &usageError{"--url delivers in this process; --wait is for the daemon", ""}
	case f.secret != "" && f.url == "":
		return &usageError{"--secret is for --url; a webhook signs with its own secret", ""}
	case !f.sample && f.flow.name == "" && (f.set != nil || cmd.Flags().Changed("seed")):
		return &usageError{"--set and --seed change a sample; --sample is missing", ""}
	case f.attempts < 1 || f.attempts > 100:
		return &usageError{fmt.Sprintf("--attempts %d is not from 1 to 100", f.attempts), ""}
	case cmd.Flags().Changed("attempts") && !f.direct && f.url == "" && !f.dryRun:
		return &usageError{"--attempts is for --direct; the daemon goes by the setting retry.attempts", ""}
	case f.print != "" && f.print != "curl" && f.print != "http" && f.print != "json":
		return &usageError{fmt.Sprintf("--print %q is none of curl, http, json", f.print), ""}
	case f.id != "" && !webhook.ValidEventID(f.id):
		return &usageError{fmt.Sprintf("--id %q is not 1 to 200 printable ASCII characters without dot or space", f.id), ""}
	}
	if !cmd.Flags().Changed("attempts") && (f.forge != "" || f.expect.refused) {
		f.attempts = 1 // a refusal stays one
	}
	if f.wait {
		f.deadline = followTime
	}
	if f.timeout != "" {
		d, err := config.ParseDuration(f.timeout)
		if err != nil || d <= 0 {
			return &usageError{fmt.Sprintf("--timeout %q is no time such as 30s", f.timeout), ""}
		}
		f.deadline = d
	}
	return nil
}

// draft reads the event.
func (a *app) draft(f *publishFlags, args []string) (*webhook.Draft, error) {
	if f.event != "" {
		raw, err := a.body("--event", f.event)
		if err != nil {
			return nil, err
		}
		d, err := webhook.WholeDraft(raw)
		if err == nil && len(args) == 1 && args[0] != d.Type() {
			return nil, usagef("the event is a %s, not a %s", d.Type(), args[0])
		}
		return d, err
	}
	if f.sample {
		return a.sampleDraft(f, args[0])
	}
	if f.data == "" {
		return nil, &usageError{"--data is missing", "it holds the event's body: @FILE, - or a JSON object"}
	}
	raw, err := a.body("--data", f.data)
	if err != nil {
		return nil, err
	}
	d, err := webhook.NewDraft(args[0], raw)
	if err != nil {
		return nil, err
	}
	d.ID = f.id
	return d, nil
}

// publish stores the event and, when asked to, sees it delivered.
func (a *app) publish(ctx context.Context, f *publishFlags, draft *webhook.Draft) (*published, error) {
	switch {
	case f.url != "":
		return a.publishToURL(ctx, f, draft)
	case f.direct:
		return a.publishDirectly(ctx, f, draft)
	}
	p := &published{eventType: draft.Type()}
	b, err := a.backend(ctx, false)
	if err != nil {
		return p, err
	}
	defer b.Close() //nolint:errcheck // what counts is committed by then
	if l, onFile := b.(*local); onFile {
		_, running := store.Daemon(l.store.Path())
		p.unserved = !running
		if p.unserved && f.wait {
			return p, &webhook.Error{Code: webhook.CodeUnavailable, Messages: []string{"no daemon serves " + l.store.Path() + ", so there is nothing to wait for"},
				Hint: "start `sealpost serve`, or deliver in this process with --direct"}
		}
	}
	result, err := a.publishOne(ctx, b, admin.PublishParams{Organization: a.organization(), Draft: draft, To: f.to, Named: true})
	if err != nil {
		return p, err
	}
	if f.wait && result.State == webhook.Held {
		result, err = a.release(ctx, b, result)
	}
	if f.wait && err == nil {
		err = a.follow(ctx, b, result.ID)
	}
	return p, errors.Join(err, a.learn(p, b, result))
}

// publishOne publishes a single event.
func (a *app) publishOne(ctx context.Context, b backend, params admin.PublishParams) (result webhook.Publishing, err error) {
	unnamed := params.Draft.ID == ""
	results, err := b.Publish(ctx, []admin.PublishParams{params})
	if err == nil {
		result, err = results[0], results[0].Err
	}
	if unnamed && params.Draft.ID != "" && unsure(err) {
		a.say("it is not known whether the event is stored; published once more with --id %s, it is the same one", params.Draft.ID)
	}
	if err == nil && result.Unwatched {
		why := "the daemon has no Ethereum node (receipts.rpc_url), so"
		if _, onFile := b.(*local); onFile {
			why = "no Ethereum node is configured here (receipts.rpc_url): unless the daemon has one,"
		}
		a.warn("%s nobody watches for the receipt; `sealpost event receipt %s` completes the event by hand", why, result.ID)
	}
	return result, err
}

// unsure reports whether what ended with err may have been done all the same.
func unsure(err error) bool {
	var known *webhook.Error
	var call *net.OpError
	switch {
	case err == nil, store.Busy(err), errors.As(err, &call) && call.Op == "dial":
		return false
	case errors.As(err, &known):
		return known.Code == webhook.CodeUnavailable || known.Code == webhook.CodeTimeout
	}
	return true
}
