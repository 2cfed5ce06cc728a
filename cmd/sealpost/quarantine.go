package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"sealpost/internal/admin"
	"sealpost/internal/catalog"
	"sealpost/internal/config"
	"sealpost/internal/metrics"
	"sealpost/internal/server"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// intake takes providers' events in, as the settings want it.
func (a *app) intake(c *config.Config, s *store.Store) *admin.Intake {
	return &admin.Intake{Store: s, Now: a.now, Await: c.Receipts.Await, Timeout: c.Receipts.Timeout, KeepUnlinked: c.Provider.KeepUnlinked}
}

// hooks are the routes of the providers whose key is configured, with each
// event counted.
func hooks(c *config.Config, intake *admin.Intake, counts *metrics.Metrics) (routes []server.Hook) {
	for _, p := range catalog.Providers() {
		key := c.Provider.Panda.Secret
		if p.Name() != "panda" || key.IsZero() {
			continue
		}
		counts.Expect(p.Name())
		routes = append(routes, server.Hook{
			Name: p.Name(),
			Check: func(header func(string) string) (server.Check, error) {
				check, err := p.Check(key, header)
				if err != nil {
					counts.Taken(p.Name(), webhook.IntakeUnsigned)
					return nil, err
				}
				return counted{check, func() { counts.Taken(p.Name(), webhook.IntakeUnsigned) }}, nil
			},
			Take: func(ctx context.Context, raw []byte) (webhook.Taking, error) {
				taken, err := intake.Take(ctx, p, raw)
				if err == nil || taken.Kept {
					counts.Taken(p.Name(), taken.Result())
				}
				return taken, err
			},
		})
	}
	return routes
}

// counted is the check of a signature that counts a refusal.
type counted struct {
	server.Check
	refused func()
}

// Verify implements [server.Check].
func (c counted) Verify() error {
	err := c.Check.Verify()
	if err != nil {
		c.refused()
	}
	return err
}

func newQuarantine(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "quarantine",
		Short: "Events of a card provider that did not fit: list them, push them again",
		Example: `  sealpost quarantine list
  sealpost quarantine push 3`,
	}
	cmd.AddCommand(newQuarantineList(a), newQuarantinePush(a))
	return cmd
}

func newQuarantineList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List what is in quarantine, with what is wrong with it",
		Example: `  sealpost quarantine list
  sealpost quarantine list -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.openFile(cmd.Context(), "quarantine", false)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // nothing was written
			found, err := s.Quarantine(cmd.Context())
			if err != nil {
				return err
			}
			if a.json() {
				return printList(a, append([]webhook.QuarantinedIntake{}, found...))
			}
			rows := make([][]string, len(found))
			for i, q := range found {
				rows[i] = []string{strconv.FormatInt(q.Seq, 10), q.Provider, a.when(q.At), strings.Join(q.Faults, "; ")}
			}
			return a.printTable([]string{"ID", "PROVIDER", "CAME", "FAULTS"}, rows)
		},
	}
}

func newQuarantinePush(a *app) *cobra.Command {
	var provider, user string
	cmd := &cobra.Command{
		Use:   "push ID | --user ID",
		Short: "Take an event from quarantine once more, or all that are kept for a user",
		Long: `An event that fits by now, for instance after an update, is sent to the organization
of its user's credential, and leaves the quarantine. It stays there when it does not fit
still, and when its user is linked to no credential: link the user, and push it again.

Events of a user whom nobody had linked are kept apart (setting provider.keep_unlinked).
Once the user is linked, --user sends them in the order in which they arrived.`,
		Example: `  sealpost quarantine push 3
  sealpost quarantine push --user u-17`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := findProvider(provider)
			switch {
			case err != nil:
				return err
			case cmd.Flags().Changed("user") == (len(args) == 1):
				return &usageError{"give either the ID of an event in quarantine or --user", "`sealpost quarantine list` and `sealpost credential unknown` show them"}
			case cmd.Flags().Changed("user"):
				return a.pushUser(cmd.Context(), p, user)
			}
			seq, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return &usageError{fmt.Sprintf("ID %q is not a number", args[0]), "`sealpost quarantine list` shows the ids"}
			}
			s, err := a.openFile(cmd.Context(), "quarantine", false)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // the change is committed by then
			taken, err := a.intake(a.conf, s).Push(cmd.Context(), seq)
			if err != nil {
				return err
			}
			return a.printTaking(taken)
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "the provider's id of a user: push all that is kept for them")
	providerFlag(cmd, &provider)
	return cmd
}

// pushedJSON is what came of the events that were kept for a user.
type pushedJSON struct {
	Sent        int      `json:"sent"`
	Repeated    int      `json:"repeated"`
	Ignored     int      `json:"ignored"`
	Quarantined int      `json:"quarantined"`
	Events      []string `json:"events"`
}

// pushUser sends the events that are kept for a user.
func (a *app) pushUser(ctx context.Context, provider catalog.Provider, user string) error {
	s, err := a.openFile(ctx, "quarantine", false)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // the changes are committed by then
	out := pushedJSON{Events: []string{}}
	err = a.intake(a.conf, s).PushUser(ctx, provider, user, func(t webhook.Taking) {
		switch {
		case t.Kept:
			out.Quarantined++
		case t.Repeated:
			out.Repeated++
		case t.Ignored != "":
			out.Ignored++
		default:
			out.Sent++
			out.Events = append(out.Events, t.Event.ID)
		}
	})
	if err != nil && out.Sent+out.Repeated+out.Ignored+out.Quarantined == 0 {
		return err
	}
	if a.json() {
		return heard(a.printJSON(out), err)
	}
	a.say("%d event%s sent", out.Sent, plural(out.Sent))
	if out.Repeated+out.Ignored > 0 {
		a.say("%d more needed no sending: known already, or of a kind for which nothing is sent", out.Repeated+out.Ignored)
	}
	if out.Quarantined > 0 {
		a.say("%d went to quarantine; `sealpost quarantine list` shows why", out.Quarantined)
	}
	for _, id := range out.Events {
		if err := a.print("%s", id); err != nil {
			return err
		}
	}
	return err
}

// printTaking says what came of a provider's event.
func (a *app) printTaking(t webhook.Taking) error {
	if a.json() {
		return a.printJSON(struct {
			ID       string             `json:"id,omitempty"`
			State    webhook.EventState `json:"state,omitempty"`
			Repeated bool               `json:"repeated,omitempty"`
			Ignored  string             `json:"ignored,omitempty"`
			Waiting  bool               `json:"waiting,omitempty"`
		}{t.Event.ID, t.Event.State, t.Repeated, t.Ignored, t.Waiting})
	}
	switch {
	case t.Repeated:
		a.say("the event is known already; nothing is sent")
	case t.Waiting:
		a.say("accepted, and kept until the user is linked: `sealpost credential link`")
	case t.Ignored != "":
		a.say("accepted, and nothing is sent: %s", t.Ignored)
	default:
		return a.printFields([][2]string{{"id", t.Event.ID}, {"state", string(t.Event.State)}})
	}
	return nil
}

// publishProvider takes a provider's event in by hand. Who can write the
// database needs no signature.
func (a *app) publishProvider(ctx context.Context, name string, args []string) error {
	provider, err := findProvider(name)
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return &usageError{"the provider's event is missing", "for instance `sealpost publish --provider panda @event.json`"}
	}
	raw, err := a.body("--provider", args[0])
	if err != nil {
		return err
	}
	s, err := a.openFile(ctx, "publish --provider", false)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // the change is committed by then
	taken, err := a.intake(a.conf, s).Take(ctx, provider, raw)
	if err == nil && taken.Conflicting {
		err = admin.Conflict(provider.Name())
	}
	if err != nil {
		return err
	}
	return a.printTaking(taken)
}
