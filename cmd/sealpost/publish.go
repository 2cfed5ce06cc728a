package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"sealpost/internal/admin"
	"sealpost/internal/config"
	"sealpost/internal/deliver"
	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// publishFlags are the flags of publish.
type publishFlags struct {
	data, event, id, url, secret, print string
	sample                              bool
	seed                                uint64
	set                                 []string
	to                                  []string
	wait, direct, dryRun                bool
	attempts                            int
	timeout                             string
	deadline                            time.Duration
	provider                            string
}

func newPublish(a *app) *cobra.Command {
	var f publishFlags
	cmd := &cobra.Command{
		Use:   "publish TYPE",
		Short: "Publish an event: store it durably, and deliver it",
		Long: `publish stores an event and a delivery for each webhook that wants it, and
prints the event's id. A daemon (sealpost serve) on the same database delivers.

With --wait it follows the daemon until every delivery has ended. With --direct
it delivers in this process, three attempts by default, and needs no daemon.`,
		Example: `  sealpost publish order.paid --data '{"order":"A-17","total":2500}'
  sealpost publish transaction.created --sample --set spend.amount=2500 --direct`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeTypes,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.provider != "" {
				return a.publishProvider(cmd.Context(), f.provider, args)
			}
			if err := f.check(cmd, args); err != nil {
				return err
			}
			draft, err := a.draft(&f, args)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			if f.dryRun || f.print != "" {
				return a.previewPublish(ctx, &f, draft)
			}
			if f.deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, f.deadline)
				defer cancel()
			}
			if f.url != "" {
				return a.publishToURL(ctx, &f, draft)
			}
			return a.publish(ctx, &f, draft)
		},
	}
	cmd.Flags().StringVar(&f.data, "data", "", "the event's body, a JSON object: @FILE, - or the JSON itself")
	cmd.Flags().BoolVar(&f.sample, "sample", false, "a sample of the type as the body")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "vary the sample, the same way each time; 0 is the documented one")
	cmd.Flags().StringArrayVar(&f.set, "set", nil, "PATH=VALUE: change a field of the sample, such as spend.amount=2500 (may be repeated)")
	cmd.Flags().StringVar(&f.event, "event", "", "a whole event, sent byte for byte as it is: @FILE or -")
	cmd.Flags().StringVar(&f.id, "id", "", "event id; the same id with the same content is the same event")
	cmd.Flags().StringArrayVar(&f.to, "to", nil, "only to this webhook (may be repeated)")
	cmd.Flags().StringVar(&f.url, "url", "", "to this URL instead of webhooks; needs --secret, and delivers directly")
	cmd.Flags().StringVar(&f.secret, "secret", "", "what signs for --url: @FILE, -, env:NAME or the secret")
	cmd.Flags().BoolVar(&f.wait, "wait", false, "follow the daemon until every delivery has ended")
	cmd.Flags().BoolVar(&f.direct, "direct", false, "deliver in this process; no daemon is needed")
	cmd.Flags().IntVar(&f.attempts, "attempts", 3, "attempts with --direct, 1 to 100")
	cmd.Flags().StringVar(&f.timeout, "timeout", "", "give up waiting after this time, such as 30s (5m with --wait)")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would be sent where, and when; store and send nothing")
	cmd.Flags().StringVar(&f.print, "print", "", "print the request and send nothing: curl, http or json")
	cmd.Flags().StringVar(&f.provider, "provider", "", "take a card provider's event in instead: --provider panda @FILE")
	for _, other := range []string{"data", "event", "id", "to", "url", "wait", "direct", "dry-run", "print"} {
		cmd.MarkFlagsMutuallyExclusive("provider", other)
	}
	cmd.MarkFlagsMutuallyExclusive("wait", "direct")
	cmd.MarkFlagsMutuallyExclusive("data", "event", "sample")
	cmd.MarkFlagsMutuallyExclusive("url", "to")
	_ = cmd.RegisterFlagCompletionFunc("to", a.completeWebhooks)
	_ = cmd.RegisterFlagCompletionFunc("print", cobra.FixedCompletions([]string{"curl", "http", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (f *publishFlags) check(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0 && f.event == "":
		return &usageError{"TYPE is missing", "for instance `sealpost publish transaction.created --data @body.json`"}
	case f.event != "" && f.id != "":
		return &usageError{"--id can't be given with --event: a whole event carries its id", ""}
	case f.url != "" && f.secret == "":
		return &usageError{"--url needs --secret", "--secret @FILE, - or env:NAME says what signs"}
	case f.url != "" && f.wait:
		return &usageError{"--url delivers in this process; --wait is for the daemon", ""}
	case f.secret != "" && f.url == "":
		return &usageError{"--secret is for --url; a webhook signs with its own secret", ""}
	case !f.sample && (f.set != nil || cmd.Flags().Changed("seed")):
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
	if f.wait {
		f.deadline = 5 * time.Minute
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
func (a *app) publish(ctx context.Context, f *publishFlags, draft *webhook.Draft) error {
	if f.direct {
		return a.publishDirectly(ctx, f, draft)
	}
	b, err := a.backend(ctx, false)
	if err != nil {
		return err
	}
	defer b.Close() //nolint:errcheck // what counts is committed by then
	if l, onFile := b.(*local); onFile && f.wait {
		if _, running := store.Daemon(l.store.Path()); !running {
			return &webhook.Error{Code: webhook.CodeUnavailable, Messages: []string{"no daemon serves " + l.store.Path() + ", so there is nothing to wait for"},
				Hint: "start `sealpost serve`, or deliver in this process with --direct"}
		}
	}
	result, err := publishOne(ctx, b, admin.PublishParams{Organization: a.organization(), Draft: draft, To: f.to})
	if err != nil {
		return err
	}
	if f.wait {
		err = a.follow(ctx, b, result.ID)
	}
	return errors.Join(err, a.printPublished(b, result, err))
}

// publishOne publishes a single event.
func publishOne(ctx context.Context, b backend, params admin.PublishParams) (webhook.Publishing, error) {
	results, err := b.Publish(ctx, []admin.PublishParams{params})
	if err != nil {
		return webhook.Publishing{}, err
	}
	return results[0], results[0].Err
}

// publishDirectly stores the event under a claim of this process, and delivers
// it here.
func (a *app) publishDirectly(ctx context.Context, f *publishFlags, draft *webhook.Draft) error {
	if err := a.onFile("publish --direct"); err != nil {
		return err
	}
	l, err := a.local(ctx, false)
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // what counts is committed by then
	if err := l.store.SweepDirect(ctx); err != nil {
		return err
	}
	claim, lock, err := store.LockClaim(l.store.Path(), a.now())
	if err != nil {
		return err
	}
	defer lock.Drop() //nolint:errcheck // it dies with the process at the latest
	result, err := publishOne(ctx, l, admin.PublishParams{Organization: a.organization(), Draft: draft, To: f.to, Direct: claim})
	if err != nil {
		return err
	}
	if result.Repeated {
		err = a.follow(ctx, l, result.ID)
	} else {
		err = a.deliverDirectly(ctx, l, f, result, claim)
	}
	return errors.Join(err, a.printPublished(l, result, err))
}

// deliverDirectly delivers in this process what it has claimed.
func (a *app) deliverDirectly(ctx context.Context, l *local, f *publishFlags, result webhook.Publishing, claim string) error {
	works, err := l.store.Direct(ctx, result.Deliveries, claim)
	if err != nil {
		return err
	}
	lasting := context.WithoutCancel(ctx) // what has happened is recorded, also after the time is up
	var g errgroup.Group
	for _, work := range works {
		g.Go(func() error {
			receiver, err := l.store.Receiver(ctx, work.Key.Webhook)
			if err != nil {
				return err
			}
			_, err = a.foreground(l, f, func(o *webhook.Outcome) error {
				_, err := l.store.Finish(lasting, []*webhook.Outcome{o})
				return err
			}).Deliver(ctx, work, receiver)
			return err
		})
	}
	err = g.Wait()
	return errors.Join(err, l.store.EndDirect(lasting, claim, "the publishing process gave up"))
}

func (a *app) foreground(l *local, f *publishFlags, record func(*webhook.Outcome) error) deliver.Foreground {
	p := policy(a.conf)
	p.Retries = f.attempts - 1
	return deliver.Foreground{Client: l.guard.Client(), Policy: p, Timeout: a.conf.Delivery.Timeout, UserAgent: userAgent(), Now: a.now, Record: record}
}

func userAgent() string { return "sealpost/" + version }

// follow waits until every delivery of an event has ended.
func (a *app) follow(ctx context.Context, b backend, id string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		deliveries, err := a.deliveriesOf(ctx, b, id, false)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(deliveries, func(d webhook.Delivery) bool { return d.State == webhook.Pending }) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// deliveriesOf lists an event's deliveries, whole with all their attempts.
func (a *app) deliveriesOf(ctx context.Context, b backend, id string, whole bool) (all []webhook.Delivery, err error) {
	q := webhook.DeliveryQuery{Organization: a.organization(), Event: id, Limit: webhook.MaxPage}
	for {
		found, next, err := b.ListDeliveries(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
		if next == "" {
			break
		}
		q.Cursor = next
	}
	for i := range all {
		if whole && all[i].Count > 0 {
			if all[i], err = b.Delivery(ctx, a.organization(), all[i].Key.String()); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// printPublished prints the event's id and its deliveries, and answers with
// the exit code that they amount to.
func (a *app) printPublished(b backend, result webhook.Publishing, waited error) error {
	var deliveries []webhook.Delivery
	if result.Count > 0 {
		var err error
		// A publisher may not list; then what it published is all that is shown.
		deliveries, err = a.deliveriesOf(context.Background(), b, result.ID, true)
		if err != nil && webhook.CodeOf(err) != webhook.CodeNoPermission {
			return err
		}
	}
	if err := a.printDeliveries(result.ID, deliveries); err != nil || waited != nil {
		return err
	}
	if result.Count == 0 && result.State == webhook.Accepted {
		a.say("stored, but no webhook wants it; `sealpost webhook list` shows them")
		return verdict{exitUnwanted}
	}
	for _, d := range deliveries {
		if d.State == webhook.Dead || d.State == webhook.Cancelled {
			return verdict{exitNegative}
		}
	}
	return nil
}

// publishToURL sends one event to a target that is not registered. Nothing of
// it is stored.
func (a *app) publishToURL(ctx context.Context, f *publishFlags, draft *webhook.Draft) error {
	work, receiver, err := a.unregistered(f, draft)
	if err != nil {
		return err
	}
	g, err := a.newGuard()
	if err != nil {
		return err
	}
	defer g.Close()
	if v := g.Check(ctx, f.url); !v.Allowed && v.Reason != "dns_error" {
		return &webhook.Error{Code: webhook.CodeInvalidURL, Messages: []string{fmt.Sprintf("%s: %s: %s", f.url, v.Reason, v.Message)},
			Hint: "receivers are public https URLs; `sealpost help egress` tells how to make an exception"}
	}
	delivery := webhook.Delivery{EventID: work.EventID, Type: work.Type, URL: f.url, State: webhook.Pending}
	last, err := a.foreground(&local{guard: g}, f, func(o *webhook.Outcome) error {
		delivery.Attempts, delivery.State, delivery.Reason = append(delivery.Attempts, o.Attempt), o.State, o.Reason
		return nil
	}).Deliver(ctx, work, receiver)
	if printErr := a.printDeliveries(work.EventID, []webhook.Delivery{delivery}); printErr != nil || err != nil {
		return errors.Join(err, printErr)
	}
	if last.State != webhook.Delivered {
		return verdict{exitNegative}
	}
	return nil
}

// unregistered makes work for a target that is not in the database.
func (a *app) unregistered(f *publishFlags, draft *webhook.Draft) (*webhook.Work, *webhook.Receiver, error) {
	if _, err := a.config(); err != nil {
		return nil, nil, err
	}
	value, err := a.signingSecret("--secret", f.secret)
	if err != nil {
		return nil, nil, err
	}
	if err := a.validate(draft); err != nil {
		return nil, nil, err
	}
	now := a.now().UTC().Truncate(time.Millisecond)
	if draft.ID == "" {
		draft.ID = webhook.NewEventID(now)
	}
	work := &webhook.Work{EventID: draft.ID, Type: draft.Type(), Accepted: now, Bytes: draft.Build(now)}
	return work, target(f.url, value), nil
}

// validate judges an event by size and catalog, without a database.
func (a *app) validate(draft *webhook.Draft) error {
	if err := a.loadCatalog(); err != nil {
		return err
	}
	return a.service(nil, nil).Validate(draft)
}

func target(url string, value secret.Text) *webhook.Receiver {
	return &webhook.Receiver{Config: webhook.Config{URL: url}, Secrets: []webhook.SigningSecret{{Value: value}}}
}

// attemptJSON and deliveryJSON are shapes that scripts rely on.
type attemptJSON struct {
	N        int     `json:"n"`
	Status   int     `json:"status"`
	Duration float64 `json:"duration_ms"`
	Error    string  `json:"error"`
}

type deliveryJSON struct {
	ID       string        `json:"id"`
	Webhook  string        `json:"webhook"`
	URL      string        `json:"url"`
	State    string        `json:"state"`
	Attempts []attemptJSON `json:"attempts"`
}

func (a *app) printDeliveries(id string, deliveries []webhook.Delivery) error {
	if !a.json() {
		if err := a.print("%s", id); err != nil {
			return err
		}
		for _, d := range deliveries {
			a.say("  %s", a.deliveryLine(&d))
		}
		return nil
	}
	rows := make([]deliveryJSON, len(deliveries))
	for i, d := range deliveries {
		rows[i] = deliveryJSON{Webhook: d.Webhook, URL: d.URL, State: string(d.State), Attempts: make([]attemptJSON, len(d.Attempts))}
		if d.Key != (webhook.DeliveryKey{}) {
			rows[i].ID = d.Key.String()
		}
		for j, t := range d.Attempts {
			rows[i].Attempts[j] = attemptJSON{t.N, t.Status, milliseconds(t.Duration), t.Error}
		}
	}
	return a.printJSON(struct {
		ID         string         `json:"id"`
		Deliveries []deliveryJSON `json:"deliveries"`
	}{id, rows})
}

// deliveryLine tells of one delivery in a line.
func (a *app) deliveryLine(d *webhook.Delivery) string {
	color := styleName
	switch d.State {
	case webhook.Delivered:
		color = styleGood
	case webhook.Dead, webhook.Cancelled:
		color = styleError
	}
	name := d.Webhook
	if name == "" {
		name = "→"
	}
	line := fmt.Sprintf("%s %s %s", name, d.URL, a.style(color, string(d.State)))
	if n := len(d.Attempts); n > 0 {
		last := d.Attempts[n-1]
		line += fmt.Sprintf(" after %d attempt%s, the last one %s in %s", n, plural(n), deliver.Describe(last), last.Duration.Round(time.Millisecond))
	}
	if d.Reason != "" && d.State != webhook.Dead {
		line += " (" + d.Reason + ")"
	}
	return strings.TrimSpace(line)
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
