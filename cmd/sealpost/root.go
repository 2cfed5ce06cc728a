package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sealpost/internal/admin"
	"sealpost/internal/bounds"
	"sealpost/internal/catalog"
	"sealpost/internal/config"
	"sealpost/internal/guard"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// app is what every command works with.
type app struct {
	streams streams
	args    []string
	env     []string
	now     func() time.Time

	input input

	output  string // table, json or jsonl
	color   string // auto, always or never
	quiet   bool
	verbose bool
	noInput bool
	yes     bool
	file    string // --config

	flags   *pflag.FlagSet // of the settings, those of the command line itself included
	conf    *config.Config
	catalog *catalog.Catalog

	locked    bool         // this process holds the daemon's lock
	noCopy    bool         // --no-copy
	migration *slog.Logger // hears of migrations, in the daemon
	kept      string       // the copy that a migration has made

	working   webhook.Organization // that a command works on, once known
	announced bool
	last      []string // talk for the end of a command that succeeds
}

// own are the settings that stand in every command's help; the others are
// shown by `sealpost help environment` and work as flags all the same.
var own = []string{"database", "organization", "server", "token"}

func newRoot(a *app) *cobra.Command {
	var showVersion bool
	root := &cobra.Command{
		Use:   "sealpost",
		Short: "Set webhooks up, publish events, deliver them signed and durably retried, verify signatures",
		Long: `sealpost sets webhooks up, publishes events, delivers them signed and durably
retried, verifies signatures, and runs as a daemon, over one SQLite file.

When something does not arrive: sealpost delivery list --state dead shows what failed and
why, sealpost doctor what is in the way, sealpost delivery retry sends it again.`,
		Example: `  sealpost demo
  sealpost webhook create orders --url https://receiver.example.com/hook
  sealpost publish order.paid --data '{"total":2500}'
  sealpost serve`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if showVersion && len(args) == 0 {
				return a.printVersion()
			}
			return group(cmd, args)
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			err := cmd.ValidateRequiredFlags()
			if err == nil {
				err = cmd.ValidateFlagGroups()
			}
			if err != nil {
				return asUsage(cmd, err)
			}
			a.applyGlobals()
			return a.checkFlags()
		},
	}
	root.SetIn(a.streams.in)
	root.SetOut(a.streams.out)
	root.SetErr(a.streams.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		a.output = askedFor(a.args, a.output)
		return flagFault(cmd, err)
	})
	f := root.PersistentFlags()
	f.SortFlags = false
	settings := pflag.NewFlagSet("settings", pflag.ContinueOnError)
	for _, s := range config.Settings() {
		name := config.FlagName(s.Key)
		if s.Default == "true" || s.Default == "false" {
			settings.Bool(name, s.Default == "true", s.Help)
		} else {
			settings.String(name, s.Default, s.Help)
		}
		settings.Lookup(name).Hidden = !slices.Contains(own, s.Key)
	}
	settings.SortFlags = false
	f.AddFlagSet(settings)
	a.flags = f
	f.StringVar(&a.file, "config", "", "configuration file (YAML, TOML or JSON)")
	f.StringVarP(&a.output, "output", "o", a.variable("OUTPUT", "table"), "how to print: table, json or jsonl")
	f.StringVar(&a.color, "color", a.variable("COLOR", "auto"), "colours: auto, always or never")
	f.BoolVarP(&a.quiet, "quiet", "q", a.variable("QUIET", "") != "", "print data only")
	f.BoolVarP(&a.verbose, "verbose", "v", a.variable("VERBOSE", "") != "", "say more on stderr")
	f.BoolVar(&a.noInput, "no-input", a.variable("NO_INPUT", "") != "", "never ask")
	f.BoolVarP(&a.yes, "yes", "y", a.variable("YES", "") != "", "answer yes to every question")

	root.AddCommand(
		newWebhook(a), newPublish(a), newEvent(a), newDelivery(a), newVerify(a), newSign(a), newCheckReceiver(a), newListen(a), newServe(a),
		newToken(a), newOrg(a), newMember(a), newCredential(a), newQuarantine(a), newLogin(a), newLogout(a), newWhoami(a), newDB(a),
		newConfig(a), newDoctor(a), newDemo(a), newVersion(a),
	)
	root.Flags().BoolVar(&showVersion, "version", false, "print the version")
	root.SetHelpCommand(newHelp(a, root))
	root.SetHelpTemplate(helpTemplate)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	a.helpAsData(root)
	prepare(root)
	a.completeFlags(root)
	return root
}

// prepare gives every command what all need: groups refuse what they don't
// know, commands without Args take none, nor do cobra's own for completion.
func prepare(cmd *cobra.Command) {
	if cmd.HasSubCommands() && cmd.RunE == nil {
		cmd.RunE, cmd.Args = group, cobra.ArbitraryArgs
	}
	if cmd.Args == nil || cmd.HasParent() && cmd.Parent().Name() == "completion" {
		cmd.Args = atMost(0)
	}
	inner := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := inner(cmd, args); err != nil {
			return asUsage(cmd, err)
		}
		return nil
	}
	for _, sub := range cmd.Commands() {
		prepare(sub)
	}
}

// askedFor is the --output of a command line that could not be read to its end: the
// error is told in the form that was asked for, also when the mistake comes first.
func askedFor(args []string, otherwise string) string {
	for i, arg := range args {
		value, found := strings.CutPrefix(arg, "--output=")
		switch {
		case arg == "--":
			return otherwise
		case found:
			otherwise = value
		case (arg == "-o" || arg == "--output") && i+1 < len(args):
			otherwise = args[i+1]
		case strings.HasPrefix(arg, "-o") && len(arg) > 2:
			otherwise = strings.TrimPrefix(arg[2:], "=")
		}
	}
	return otherwise
}

// variable reads one of the variables that are no settings.
func (a *app) variable(name, otherwise string) string {
	for _, pair := range a.env {
		if value, found := strings.CutPrefix(pair, "SEALPOST_"+name+"="); found {
			return value
		}
	}
	return otherwise
}

// applyGlobals lets the configuration file, too, say how to print. Settings that
// can't be read are told of by the commands that need them.
func (a *app) applyGlobals() {
	if c, err := a.config(); err == nil {
		a.output, a.color, a.quiet, a.verbose, a.noInput, a.yes = c.Output, c.Color, c.Quiet, c.Verbose, c.NoInput, c.Yes
	}
}

func (a *app) checkFlags() error {
	if !slices.Contains([]string{"table", "json", "jsonl"}, a.output) {
		return &usageError{fmt.Sprintf("--output %q is none of table, json, jsonl", a.output), ""}
	}
	if !slices.Contains([]string{"auto", "always", "never"}, a.color) {
		return &usageError{fmt.Sprintf("--color %q is none of auto, always, never", a.color), ""}
	}
	return nil
}

// config reads the settings, once.
func (a *app) config() (*config.Config, error) {
	if a.conf != nil {
		return a.conf, nil
	}
	given := make(map[string]string)
	for _, s := range slices.Concat(config.Globals(), config.Settings()) {
		if f := a.flags.Lookup(config.FlagName(s.Key)); f != nil && f.Changed {
			given[s.Key] = f.Value.String()
		}
	}
	c, err := config.Load(config.Sources{File: a.file, Env: a.env, Flags: given})
	var file *config.FileError
	if errors.As(err, &file) {
		return nil, err
	}
	if err != nil {
		return nil, &usageError{err.Error(), "`sealpost help environment` explains each setting"}
	}
	if !c.Quiet {
		for _, warning := range c.Warnings {
			a.warn("%s", warning)
		}
	}
	c.Database = store.Behind(c.Database)
	a.conf = c
	return c, nil
}

// organization is the one to work on.
func (a *app) organization() string { return a.conf.Organization }

// open opens the database; create lets it be made.
func (a *app) open(ctx context.Context, create bool) (*store.Store, error) {
	c, err := a.config()
	if err != nil {
		return nil, err
	}
	if c.Database == "" {
		return nil, noDatabase()
	}
	key, err := a.sealKey(c)
	if err != nil {
		return nil, err
	}
	talk := &migrationTalk{app: a}
	defer talk.end()
	return store.Open(ctx, store.Options{Path: c.Database, Create: create, Migrate: create, Bounds: boundsOf(c), Key: key, Space: spaceOf(c),
		Locked: a.locked, NoCopy: a.noCopy || !c.MigrationCopy, Migrating: talk.hear})
}

// spaceOf is what the settings say of the disk's free space.
func spaceOf(c *config.Config) store.Space {
	folder := filepath.Dir(c.Database)
	return store.Space{Least: uint64(c.Storage.MinFree), Free: func() (uint64, error) { return freeBytes(folder) }}
}

// boundsOf is what the settings say that an organization may have.
func boundsOf(c *config.Config) bounds.Values {
	values := c.Limits
	values[bounds.Pending] = int64(c.Publish.MaxPending)
	return values
}

func noDatabase() error {
	return &webhook.Error{Code: webhook.CodeUnavailable, Messages: []string{"no database is named, and neither HOME nor XDG_STATE_HOME says where it would be"},
		Hint: "name one with --database or SEALPOST_DATABASE"}
}

// newGuard makes the guard from the settings.
func (a *app) newGuard() (*guard.Guard, error) {
	c, err := a.config()
	if err != nil {
		return nil, err
	}
	g, err := guard.New(guard.Settings{Allow: c.Egress.Allow, AllowHTTP: c.Egress.AllowHTTP, Resolver: c.Egress.Resolver, CAFile: c.Egress.CAFile, MaxIdle: capacityOf(c).idle})
	if err != nil {
		return nil, &usageError{err.Error(), "`sealpost help egress` explains exceptions"}
	}
	return g, nil
}

// judge is the guard as package admin sees it.
type judge struct{ guard *guard.Guard }

func (j judge) Check(ctx context.Context, url string) admin.Verdict {
	v := j.guard.Check(ctx, url)
	return admin.Verdict{URL: v.URL, Allowed: v.Allowed, Reason: string(v.Reason), Message: v.Message, Outside: v.Reason.Message()}
}

// local is the whole tool over the database file.
type local struct {
	*admin.Service
	store *store.Store
	guard *guard.Guard
}

func (l *local) Close() error {
	l.guard.Close()
	return l.store.Close()
}

// deliveryID is the public id of a delivery, for the log.
func (l *local) deliveryID(key webhook.DeliveryKey) string {
	id, err := l.store.DeliveryID(context.Background(), key)
	if err != nil {
		return key.String() // the command line takes this form too
	}
	return id
}

// local opens the database and puts the use cases over it.
func (a *app) local(ctx context.Context, create bool) (*local, error) {
	g, err := a.newGuard()
	if err != nil {
		return nil, err
	}
	if err := a.loadCatalog(); err != nil {
		return nil, err
	}
	s, err := a.open(ctx, create)
	if err != nil {
		return nil, err
	}
	return &local{Service: a.service(s, g), store: s, guard: g}, nil
}

func (a *app) service(s *store.Store, g *guard.Guard) *admin.Service {
	return &admin.Service{Store: s, Deliver: s, Guard: judge{g}, Catalog: a.catalog, Now: a.now, MaxBody: a.conf.Publish.MaxBody, Hold: a.conf.Receipts.Timeout, Node: !a.conf.Receipts.RPCURL.IsZero()}
}

// loadCatalog makes the catalog that the settings ask for, once.
func (a *app) loadCatalog() error {
	if a.catalog != nil {
		return nil
	}
	c, err := a.config()
	if err != nil {
		return err
	}
	opts := catalog.Options{Strict: c.Events.Strict}
	if c.Events.Schemas != "" {
		opts.Schemas = os.DirFS(c.Events.Schemas)
	}
	if a.catalog, err = catalog.New(opts); err != nil {
		return &usageError{fmt.Sprintf("events.schemas %s: %v", c.Events.Schemas, err), "correct the schema, or name another folder"}
	}
	return nil
}

// policy is the retry timetable that the settings ask for.
func policy(c *config.Config) webhook.RetryPolicy {
	p := webhook.DefaultRetry()
	if c.Retry.Profile == "sandbox" {
		p = webhook.SandboxRetry()
	}
	if c.Retry.Attempts >= 0 {
		p.Retries = c.Retry.Attempts
	}
	p.Base, p.Factor, p.Cap, p.Jitter = c.Retry.Base, c.Retry.Factor, c.Retry.MaxDelay, c.Retry.Jitter
	return p
}

// logger writes what the daemon has to say to stderr.
func (a *app) logger(c *config.Config) *slog.Logger {
	opts := &slog.HandlerOptions{Level: c.Log.Level}
	if a.verbose {
		opts.Level = slog.LevelDebug
	}
	if c.Log.Format == "json" || a.json() {
		return slog.New(slog.NewJSONHandler(a.streams.err, opts))
	}
	return slog.New(slog.NewTextHandler(a.streams.err, opts))
}
