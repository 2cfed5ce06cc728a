package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"sealpost/internal/deliver"
	"sealpost/internal/webhook"
)

func newDelivery(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delivery",
		Short: "See deliveries and their attempts; retry or cancel them",
		Example: `  sealpost delivery list --state dead
  sealpost delivery retry --state dead -y`,
	}
	cmd.AddCommand(newDeliveryList(a), newDeliveryGet(a), newDeliveryRetry(a), newDeliveryCancel(a))
	return cmd
}

// listJSON is a page of a list.
type listJSON[T any] struct {
	Data []T    `json:"data"`
	Next string `json:"next"`
}

func newDeliveryList(a *app) *cobra.Command {
	var f deliveryFilter
	var follow bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List deliveries, those of the newest events first",
		Long: `list shows deliveries, those of the newest events first, a page at a time. With --follow it
shows the last ones, the newest last, and then each that comes or changes, until it is
interrupted; that is a stream, so its form for programs is -o jsonl.

  pending    on its way, or waiting for the time under NEXT
  delivered  answered with 2xx
  dead       all attempts failed; sealpost delivery retry gives it new ones
  parked     waits until its webhook is enabled
  cancelled  ended by hand, or because its webhook was deleted`,
		Example: `  sealpost delivery list --state dead --since 1d
  sealpost delivery list --webhook orders -o json
  sealpost delivery list --follow --limit 10`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q, err := f.query(a)
			if err == nil {
				err = checkPage(f.limit)
			}
			if err != nil {
				return err
			}
			if follow && (a.output == "json" || f.cursor != "") {
				return &usageError{"--follow is a stream without pages", "leave --cursor out, and use -o jsonl, one delivery a line"}
			}
			b, err := a.backend(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer b.Close() //nolint:errcheck // nothing was written
			if follow {
				return a.followList(cmd.Context(), b, q)
			}
			found, next, err := b.ListDeliveries(cmd.Context(), q)
			if err == nil && len(found) == 0 && f.cursor == "" {
				err = a.nothingFits(cmd.Context(), b, q)
			}
			if err != nil {
				return err
			}
			return a.printDeliveryList(found, next)
		},
	}
	f.add(a, cmd, webhook.DeliveryStates...)
	cmd.Flags().IntVar(&f.limit, "limit", webhook.DefaultPage, "rows of a page")
	cmd.Flags().StringVar(&f.cursor, "cursor", "", "where the page before ended")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what comes and changes")
	return cmd
}

func (a *app) printDeliveryList(found []webhook.Delivery, next string) error {
	views := make([]webhook.DeliveryView, len(found))
	for i := range found {
		views[i] = found[i].View(false)
	}
	switch a.output {
	case "json":
		return a.printJSON(listJSON[webhook.DeliveryView]{views, next})
	case "jsonl":
		return printList(a, views)
	}
	rows := make([][]string, len(found))
	for i, d := range found {
		last := "–"
		if n := len(d.Attempts); n > 0 {
			last = deliver.Describe(d.Attempts[n-1])
		}
		rows[i] = []string{d.ID, d.EventID, d.Type, d.Webhook, string(d.State), strconv.Itoa(d.Count), last, a.when(d.Due)}
	}
	if err := a.printTable([]string{"DELIVERY", "EVENT", "TYPE", "WEBHOOK", "STATE", "ATTEMPTS", "LAST", "NEXT"}, rows); err != nil {
		return err
	}
	if next != "" {
		a.say("more: --cursor %s", next)
	}
	return nil
}

func newDeliveryGet(a *app) *cobra.Command {
	var part, form string
	cmd := &cobra.Command{
		Use:   "get ID",
		Short: "Show a delivery with its attempts",
		Long: `get shows a delivery with every attempt: status, time, what the receiver answered, and
when the next one comes. --print http writes the request as it was sent last, in a form
that verify-signature --request - accepts (on the database file).`,
		Example: `  sealpost delivery get dlv_4d2k9q0m7g3t8s1r5v6n0b2c4h
  sealpost delivery get dlv_4d2k9q0m7g3t8s1r5v6n0b2c4h --print http | sealpost verify-signature --request - --webhook orders --tolerance none`,
		Args:              exactly("ID"),
		ValidArgsFunction: a.completeDeliveries,
		RunE: func(cmd *cobra.Command, args []string) error {
			if part != "" && part != "request" && part != "response" {
				return &usageError{fmt.Sprintf("--body %q is neither request nor response", part), ""}
			}
			if form != "" && form != "http" && form != "curl" {
				return &usageError{fmt.Sprintf("--print %q is neither http nor curl", form), ""}
			}
			b, err := a.backend(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer b.Close() //nolint:errcheck // nothing was written
			d, err := b.Delivery(cmd.Context(), a.organization(), args[0])
			if err != nil {
				return err
			}
			switch {
			case form != "" || part == "request":
				return a.printSent(cmd.Context(), b, &d, form)
			case part == "response":
				if n := len(d.Attempts); n > 0 {
					return a.printBytes("body", d.Attempts[n-1].Response)
				}
				return webhook.Errorf(webhook.CodeNotFound, "there was no attempt yet, so there is no answer")
			case a.json():
				return a.printJSON(d.View(true))
			}
			return a.printDelivery(&d)
		},
	}
	cmd.Flags().StringVar(&part, "body", "", "write exact bytes: of the request or of the last response")
	cmd.Flags().StringVar(&form, "print", "", "write the request as it was sent last: http or curl")
	cmd.MarkFlagsMutuallyExclusive("body", "print")
	return cmd
}

func (a *app) printDelivery(d *webhook.Delivery) error {
	fields := [][2]string{{"delivery", d.ID}, {"event", d.EventID}, {"type", d.Type}, {"webhook", d.Webhook}, {"url", d.URL}, {"state", string(d.State)}}
	if d.Reason != "" {
		fields = append(fields, [2]string{"reason", d.Reason})
	}
	if d.State == webhook.Pending && d.Floor.In(a.now()) {
		fields = append(fields, [2]string{"waits until", a.when(d.Floor.Time) + ", as the receiver asked by Retry-After"})
	}
	if !d.Due.IsZero() {
		fields = append(fields, [2]string{"next", a.when(d.Due)})
	}
	if err := a.printFields(append(fields, [2]string{"created", a.when(d.Created)})); err != nil {
		return err
	}
	for _, t := range d.Attempts {
		if err := a.print("\nattempt %d  %s  %s  %s", t.N, a.when(t.At), took(t.Duration), deliver.Describe(t)); err != nil {
			return err
		}
		if len(t.Response) > 0 {
			if err := a.print("  answer: %.200q", t.Response); err != nil {
				return err
			}
		}
	}
	return nil
}

// printSent writes the request of the last attempt: the stored bytes, signed
// as they were then.
func (a *app) printSent(ctx context.Context, b backend, d *webhook.Delivery, form string) error {
	l, onFile := b.(*local)
	if !onFile {
		return &usageError{"the exact request is on the database file only", "leave --server out, on the server's own machine"}
	}
	event, err := l.Event(ctx, a.organization(), d.EventID)
	if err != nil {
		return err
	}
	if event.Bytes == nil {
		return webhook.Errorf(webhook.CodeNotFound, "the body of this event was pruned")
	}
	if form == "" {
		return a.printBytes("body", event.Bytes)
	}
	receiver, err := l.store.Receiver(ctx, d.Key.Webhook)
	if err != nil {
		return err
	}
	at := a.now()
	if n := len(d.Attempts); n > 0 {
		at = d.Attempts[n-1].At
	}
	u, err := webhook.ParseURL(d.URL)
	if err != nil {
		return usagef("%s is not a URL", d.URL)
	}
	headers := map[string]string{}
	for name, values := range deliver.NewRequest(ctx, u, userAgent(), deliver.SignFor(receiver, at).Sign(d.EventID, at, event.Bytes), event.Bytes).Header {
		headers[name] = values[0]
	}
	if a.json() {
		return a.printJSON(requestOf(preview{URL: d.URL, Headers: headers}, event.Bytes))
	}
	return a.printRequest(form, preview{URL: d.URL, Headers: headers}, event.Bytes)
}

func newDeliveryCancel(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "cancel ID",
		Short: "End a delivery that is pending or parked",
		Long: `cancel ends a delivery: no further attempt is made. It can be undone with sealpost
delivery retry. What a receiver has got already can't be taken back.`,
		Example: `  sealpost delivery cancel dlv_4d2k9q0m7g3t8s1r5v6n0b2c4h
  sealpost delivery cancel dlv_4d2k9q0m7g3t8s1r5v6n0b2c4h -y -o json`,
		Args:              exactly("ID"),
		ValidArgsFunction: a.completeDeliveries,
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := a.backend(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer b.Close() //nolint:errcheck // the change is committed by then
			if err := a.confirm("cancel delivery " + args[0] + "?"); err != nil {
				return err
			}
			d, err := b.CancelDelivery(cmd.Context(), a.organization(), args[0])
			if err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(d.View(false))
			}
			a.say("%s is %s", args[0], d.State)
			return nil
		},
	}
}
