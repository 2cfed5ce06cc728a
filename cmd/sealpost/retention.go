package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/config"
	"sealpost/internal/store"
)

// retention is what the settings say about how long things are kept.
func retention(c *config.Config) store.Retention {
	return store.Retention{Bodies: c.Retention.Bodies, Attempts: c.Retention.Attempts, Events: c.Retention.Events}
}

// retainEvery is how often the daemon prunes; retainFirst how long after its
// start it does so for the first time, for then it has a backlog to deliver.
const (
	retainFirst = time.Minute
	retainEvery = time.Hour
)

// retain prunes what is older than the settings allow and forgets what has
// expired, until ctx ends.
func (a *app) retain(ctx context.Context, s *store.Store, keep store.Retention, log *slog.Logger) {
	timer := time.NewTimer(retainFirst)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		pruned, err := s.Prune(ctx, store.PruneOptions{Retention: keep, Now: a.now(), Gentle: true})
		if err == nil {
			_, err = s.Tidy(ctx, a.now())
		}
		if err == nil {
			_, err = s.ForgetUnlinked(ctx, a.now().Add(-a.conf.Provider.KeepUnlinked))
		}
		if err == nil {
			err = s.Purge(ctx, true, a.now()) // what an interrupted `org delete` has left
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Error("not all that is old could be pruned; tried again in an hour", "error", err)
		case pruned.Bodies+pruned.Attempts+pruned.Events > 0:
			log.Info("pruned", "bodies", pruned.Bodies, "attempts", pruned.Attempts, "events", pruned.Events, "bytes", pruned.Bytes, "kept", pruned.Kept)
		}
		timer.Reset(retainEvery)
	}
}

func newDBPrune(a *app) *cobra.Command {
	var olderThan string
	var dryRun, compact bool
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Take away what is older than the settings allow",
		Long: `prune takes away what has ended long enough ago: bodies, earlier attempts, deliveries
and events, as retention.bodies, retention.attempts and retention.events say (30 days
each by default). The daemon does the same every hour, so this is for doing it now, or
once with another time (--older-than). It works in small steps beside a running daemon.

What is pending, parked, held or in quarantine stays, however old. The id of a pruned
event stays known: publishing it again is answered as before and sends nothing.

The file does not shrink: what became free is used by the events to come. --compact
writes it anew without the free space, as large as what is in it, with the daemon
stopped.`,
		Example: `  sealpost db prune --dry-run
  sealpost db prune --older-than 7d
  sealpost db prune --compact`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.onFile("db prune"); err != nil {
				return err
			}
			if dryRun && compact {
				return &usageError{"--dry-run and --compact exclude each other", "a dry run changes nothing"}
			}
			keep := retention(a.conf)
			if cmd.Flags().Changed("older-than") {
				age, err := config.ParseDuration(olderThan)
				if err != nil || age <= 0 {
					return &usageError{fmt.Sprintf("--older-than %q is not a time above 0, such as 12h or 7d", olderThan), ""}
				}
				keep = store.Retention{Events: age}
			}
			return a.prune(cmd.Context(), store.PruneOptions{Retention: keep, Now: a.now(), DryRun: dryRun}, compact)
		},
	}
	cmd.Flags().StringVar(&olderThan, "older-than", "", "prune events that ended longer ago than this, instead of what the settings say")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would go")
	cmd.Flags().BoolVar(&compact, "compact", false, "then write the file anew without free space; the daemon must be stopped")
	return cmd
}

func (a *app) prune(ctx context.Context, opts store.PruneOptions, compact bool) error {
	s, err := a.open(ctx, false)
	if err != nil {
		return err
	}
	path := s.Path()
	_, opts.Gentle = store.Daemon(path)
	if compact {
		lock, err := store.LockDaemon(path, store.Owner{PID: os.Getpid(), Started: a.now()})
		if err != nil {
			_ = s.Close()
			return err
		}
		defer lock.Unlock() //nolint:errcheck // it ends with the process
	}
	working := a.progress("pruning")
	pruned, err := s.Prune(ctx, opts)
	if err == nil && !opts.DryRun {
		_, err = s.Tidy(ctx, opts.Now)
	}
	if err == nil && !opts.DryRun {
		_, err = s.ForgetUnlinked(ctx, opts.Now.Add(-a.conf.Provider.KeepUnlinked))
	}
	if closing := s.Close(); err == nil {
		err = closing
	}
	if err == nil && compact {
		err = store.Wipe(ctx, path)
	}
	working.end()
	if err != nil {
		return err
	}
	return a.printPruned(pruned, opts.DryRun)
}

func (a *app) printPruned(p store.Pruned, dryRun bool) error {
	if a.json() {
		return a.printJSON(struct {
			DryRun bool `json:"dry_run"`
			store.Pruned
		}{dryRun, p})
	}
	var parts []string
	for _, part := range []struct {
		n    int
		what string
	}{{p.Bodies, "bodies"}, {p.Attempts, "events' earlier attempts"}, {p.Events, "event" + plural(p.Events)}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	verb := "pruned"
	if dryRun {
		verb = "to prune"
	}
	if parts == nil {
		a.say("%s: nothing", verb)
	} else {
		a.say("%s: %s, with %d bytes of bodies", verb, strings.Join(parts, ", "), p.Bytes)
	}
	if p.Kept > 0 {
		a.say("kept, though old enough: %d with work that has not ended, or not long ago", p.Kept)
	}
	return nil
}
