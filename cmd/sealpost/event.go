package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sealpost/internal/catalog"
	"sealpost/internal/webhook"
)

func newEvent(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "event",
		Short: "See events, send them again, learn their types",
		Example: `  sealpost event list --since 1d
  sealpost event types transaction.created`,
	}
	cmd.AddCommand(newEventList(a), newEventGet(a), newEventResend(a), newEventReceipt(a), newEventTypes(a))
	return cmd
}

func newEventList(a *app) *cobra.Command {
	var q webhook.EventQuery
	var state, since string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List events, the newest first",
		Long: `list shows events, the newest first, a page at a time. Their states:

  accepted     has gone out to the webhooks that wanted it; sealpost delivery list shows how it went
  held         waits for its on-chain receipt, or behind an earlier event of its transaction
  reverted     its transaction failed on chain: never sent
  expired      no receipt came in time; sealpost event receipt can still complete it
  quarantined  a card provider's, and did not fit; see sealpost quarantine list`,
		Example: `  sealpost event list --type transaction.created
  sealpost event list --state held -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := a.backend(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer b.Close() //nolint:errcheck // nothing was written
			q.Organization, q.State = a.organization(), webhook.EventState(state)
			if state != "" && !slices.Contains(webhook.EventStates, q.State) {
				return unknownState(state, webhook.EventStates)
			}
			if err := errors.Join(checkPage(q.Limit), checkType(q.Type)); err != nil {
				return err
			}
			if q.Since, err = a.since(since); err != nil {
				return err
			}
			found, next, err := b.Events(cmd.Context(), q)
			if err != nil {
				return err
			}
			if len(found) == 0 && q.Cursor == "" {
				a.doubtType(q.Type)
				a.doubtOrganization(cmd.Context(), b)
			}
			return a.printEvents(found, next)
		},
	}
	cmd.Flags().StringVar(&q.Type, "type", "", "only this event type")
	cmd.Flags().StringVar(&state, "state", "", "only this state: accepted, held, reverted, expired or quarantined")
	cmd.Flags().StringVar(&q.Transaction, "transaction", "", "only of this transaction id")
	cmd.Flags().StringVar(&since, "since", "", "only since: 2h, 3d, or a time (RFC 3339)")
	cmd.Flags().IntVar(&q.Limit, "limit", webhook.DefaultPage, "rows of a page")
	cmd.Flags().StringVar(&q.Cursor, "cursor", "", "where the page before ended")
	_ = cmd.RegisterFlagCompletionFunc("type", a.completeTypes)
	return cmd
}

func (a *app) printEvents(found []webhook.Event, next string) error {
	views := make([]webhook.EventView, len(found))
	for i := range found {
		views[i] = found[i].View(false)
	}
	switch a.output {
	case "json":
		return a.printJSON(listJSON[webhook.EventView]{views, next})
	case "jsonl":
		return printList(a, views)
	}
	rows := make([][]string, len(found))
	for i, e := range found {
		rows[i] = []string{e.ID, e.Type, string(e.State), e.Subject, fmt.Sprint(e.Deliveries), a.when(e.Accepted)}
	}
	if err := a.printTable([]string{"EVENT", "TYPE", "STATE", "TRANSACTION", "DELIVERIES", "ACCEPTED"}, rows); err != nil {
		return err
	}
	if next != "" {
		a.say("more: --cursor %s", next)
	}
	return nil
}

func newEventGet(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "get ID",
		Short: "Show an event with its body",
		Example: `  sealpost event get evt-1
  sealpost event get evt-1 -o json`,
		Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := a.backend(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer b.Close() //nolint:errcheck // nothing was written
			e, err := b.Event(cmd.Context(), a.organization(), args[0])
			if err != nil {
				return err
			}
			view := e.View(true)
			if a.json() {
				return a.printJSON(view)
			}
			fields := [][2]string{{"event", e.ID}, {"type", e.Type}, {"state", string(e.State)}, {"accepted", a.when(e.Accepted)}, {"deliveries", fmt.Sprint(e.Deliveries)}}
			if e.Missed > 0 {
				fields = append(fields, [2]string{"missed by", fmt.Sprintf("%d disabled webhook%s, past limits.parked; `sealpost event resend --missing` sends it", e.Missed, plural(e.Missed))})
			}
			if e.Subject != "" {
				fields = append(fields, [2]string{"transaction", e.Subject})
			}
			if e.Hold != nil && e.State == webhook.Held {
				fields = append(fields, [2]string{"waits for", waitsFor(e.Hold)}, [2]string{"held until", a.when(e.Hold.Until)})
			}
			if e.Pruned {
				fields = append(fields, [2]string{"body", "pruned"})
			} else {
				fields = append(fields, [2]string{"body", string(view.Body)})
			}
			return a.printFields(fields)
		},
	}
}

// waitsFor says what a held event waits for.
func waitsFor(h *webhook.Hold) string {
	switch {
	case h.Behind || h.Receipt != nil: // it has its own already
		return "an earlier event of its transaction"
	case h.TransactionHash != "":
		return "the receipt of " + h.TransactionHash
	default:
		return "its receipt"
	}
}

func newEventTypes(a *app) *cobra.Command {
	var schema, sample bool
	cmd := &cobra.Command{
		Use:   "types [TYPE]",
		Short: "List the event types, or show the fields of one",
		Example: `  sealpost event types
  sealpost event types transaction.created
  sealpost event types card.updated --sample`,
		Args:              atMost(1),
		ValidArgsFunction: a.completeTypes,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := a.loadCatalog(); err != nil {
				return err
			}
			if len(args) == 0 {
				if schema || sample {
					return &usageError{"--schema and --sample show one type", "name it: `sealpost event types transaction.created --sample`"}
				}
				return a.printTypes()
			}
			t, found := a.catalog.Type(args[0])
			if !found {
				err := webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("no event type %q in the catalog", args[0]))
				err.Hint = "`sealpost event types` lists them"
				if near := a.catalog.Near(args[0]); len(near) > 0 {
					err.Hint = "did you mean " + strings.Join(near, " or ") + "?"
				}
				return err
			}
			switch {
			case schema && a.json():
				return a.printJSON(json.RawMessage(t.Schema))
			case schema:
				return a.printText(strings.TrimSpace(string(t.Schema)))
			case sample:
				return a.printText(string(t.Sample))
			}
			return a.printType(t)
		},
	}
	cmd.Flags().BoolVar(&schema, "schema", false, "print its JSON Schema")
	cmd.Flags().BoolVar(&sample, "sample", false, "print a full sample")
	cmd.MarkFlagsMutuallyExclusive("schema", "sample")
	return cmd
}

// typeJSON is an event type as data.
type typeJSON struct {
	Name        string      `json:"name"`
	Title       string      `json:"title"`
	Description string      `json:"description"`
	BuiltIn     bool        `json:"built_in"`
	Fields      []fieldJSON `json:"fields,omitempty"`
}

type fieldJSON struct {
	Path        string   `json:"path"`
	Type        string   `json:"type"`
	Required    bool     `json:"required"`
	Nullable    bool     `json:"nullable"`
	Description string   `json:"description"`
	Enum        []string `json:"enum,omitempty"`
	Limits      string   `json:"limits,omitempty"`
}

func (a *app) printTypes() error {
	types := a.catalog.Types()
	if a.json() {
		rows := make([]typeJSON, len(types))
		for i, t := range types {
			rows[i] = typeJSON{Name: t.Name, Title: t.Title, Description: t.Description, BuiltIn: t.BuiltIn}
		}
		return printList(a, rows)
	}
	rows := make([][]string, len(types))
	for i, t := range types {
		rows[i] = []string{t.Name, t.Title}
	}
	return a.printTable([]string{"TYPE", "WHAT IT TELLS"}, rows)
}

func (a *app) printType(t catalog.Type) error {
	if a.json() {
		out := typeJSON{Name: t.Name, Title: t.Title, Description: t.Description, BuiltIn: t.BuiltIn}
		for _, f := range t.Fields {
			out.Fields = append(out.Fields, fieldJSON{f.Path, f.Type, f.Required, f.Nullable, f.Description, f.Enum, f.Limits})
		}
		return a.printJSON(out)
	}
	if text := cmp.Or(t.Description, t.Title); text != "" {
		a.say("%s: %s", t.Name, text)
	}
	rows := make([][]string, len(t.Fields))
	for i, f := range t.Fields {
		rows[i] = []string{f.Path, f.Type, needed(f), f.Text()}
	}
	return a.printTable([]string{"FIELD", "TYPE", "NEEDED", "WHAT IT IS"}, rows)
}

// needed says whether a field must be there.
func needed(f catalog.Field) string {
	need := "optional"
	if f.Required {
		need = "required"
	}
	if f.Nullable {
		need += ", may be null"
	}
	return need
}
