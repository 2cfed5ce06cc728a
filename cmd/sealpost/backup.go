package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

func newDBBackup(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the database into one file, also while the daemon runs",
		Long: `backup copies the database as it is at one moment into one file, beside whatever works on
it. The copy is verified before it gets its name, so FILE is never half of one; its mode
is 0600, for it holds the signing secrets as the database does. A file that is there is
replaced only with -y.

Copying the database file by other means gives a broken copy while anything runs.`,
		Example: `  sealpost db backup sealpost-backup.db
  sealpost db backup -y "/var/backups/sealpost-$(date +%u).db"`,
		Args: exactly("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.onFile("db backup"); err != nil {
				return err
			}
			return a.backup(cmd.Context(), args[0])
		},
	}
}

func (a *app) backup(ctx context.Context, target string) error {
	if target == "-" {
		return &usageError{"a backup can't be written to stdout: it is verified as a file before it counts", "name a file, and send that on"}
	}
	database, err := a.database()
	if err != nil {
		return err
	}
	if err := apart(database, target); err != nil {
		return err
	}
	if info, err := os.Stat(target); err == nil {
		if !info.Mode().IsRegular() {
			return &usageError{fmt.Sprintf("%s is not a file", target), "name a file, for instance " + filepath.Join(target, "sealpost-backup.db")}
		}
		if err := a.confirm(fmt.Sprintf("%s is there; replace it?", target)); err != nil {
			return err
		}
	}
	working := a.progress("copying pages")
	sum, err := store.Backup(ctx, database, target, working.at)
	working.end()
	if err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(newSummaryView(target, sum))
	}
	a.say("%s: %d bytes, %d webhook%s, %d event%s, %d pending", target, sum.Bytes,
		sum.Webhooks, plural(int(sum.Webhooks)), sum.Events, plural(int(sum.Events)), sum.Pending)
	return nil
}

// summaryView is what is told of a backup.
type summaryView struct {
	File     string `json:"file"`
	Bytes    int64  `json:"bytes"`
	Schema   int    `json:"schema"`
	Webhooks int64  `json:"webhooks"`
	Events   int64  `json:"events"`
	Pending  int64  `json:"pending"`
	Newest   string `json:"newest,omitempty"` // when its last event was accepted
}

func newSummaryView(file string, sum store.Summary) summaryView {
	v := summaryView{File: file, Bytes: sum.Bytes, Schema: sum.Schema, Webhooks: sum.Webhooks, Events: sum.Events, Pending: sum.Pending}
	if !sum.Newest.IsZero() {
		v.Newest = webhook.Timestamp(sum.Newest)
	}
	return v
}

// database is the path of the configured file.
func (a *app) database() (string, error) {
	c, err := a.config()
	if err != nil {
		return "", err
	}
	if c.Database == "" {
		return "", noDatabase()
	}
	return c.Database, nil
}

func sameFile(one, other string) bool {
	a, err := os.Stat(one)
	if err != nil {
		return false
	}
	b, err := os.Stat(other)
	return err == nil && os.SameFile(a, b)
}

// apart refuses a name for a backup that is the database's, or would be on the
// way: what is written to it would be the end of what it is a copy of.
func apart(database, target string) error {
	if sameFile(database, target) {
		return &usageError{fmt.Sprintf("%s is the database itself", target), "name another file"}
	}
	if part := store.PartOf(target); samePlace(database, part) {
		return &usageError{fmt.Sprintf("%s, where the backup would be written first, is the database itself", part), "name another file"}
	}
	for _, suffix := range []string{"-wal", "-shm", "-journal", ".lock", ".crash"} {
		if samePlace(database+suffix, target) {
			return &usageError{fmt.Sprintf("%s belongs to the database", target), "name another file"}
		}
	}
	return nil
}

// samePlace is sameFile also for names where nothing is yet.
func samePlace(one, other string) bool {
	return sameFile(one, other) || filepath.Base(one) == filepath.Base(other) && sameFile(filepath.Dir(one), filepath.Dir(other))
}

func newDBRestore(a *app) *cobra.Command {
	var pending string
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make the database be what a backup holds",
		Long: `restore verifies a backup and puts its contents into the database, all or nothing. The
daemon must be stopped. A database that is there is replaced only with -y, and kept
beside it as DATABASE.before-TIME. A backup of an older schema is brought up to date.

What was published after the backup was made is not in it. What was pending then may
have been delivered since, and would be delivered twice: so webhooks with pending
deliveries are disabled, and those deliveries parked, until you enable them
(sealpost webhook update NAME --enable). Receivers that know an event by its id may
take it twice: then --pending deliver lets everything go out with the next start.`,
		Example: `  sealpost db restore sealpost-backup.db
  sealpost db restore -y sealpost-backup.db --pending deliver`,
		Args: exactly("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.onFile("db restore"); err != nil {
				return err
			}
			if pending != "park" && pending != "deliver" {
				return &usageError{fmt.Sprintf("--pending %q is none of park, deliver", pending), ""}
			}
			return a.restore(cmd.Context(), args[0], pending == "deliver")
		},
	}
	cmd.Flags().StringVar(&pending, "pending", "park", "what becomes of deliveries that were pending: park or deliver")
	_ = cmd.RegisterFlagCompletionFunc("pending", cobra.FixedCompletions([]string{"park", "deliver"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a *app) restore(ctx context.Context, file string, deliver bool) error {
	if file == "-" {
		return &usageError{"a backup can't be read from stdin: it is verified as a file before it counts", "name a file"}
	}
	database, err := a.database()
	if err != nil {
		return err
	}
	if sameFile(database, file) {
		return &usageError{fmt.Sprintf("%s is the database itself", file), "name a backup"}
	}
	if samePlace(store.RestoringOf(database), file) {
		return &usageError{fmt.Sprintf("%s is where a restore writes first, so what is there would be lost", file), "rename it, and restore from that"}
	}
	key, err := a.sealKey(a.conf)
	if err != nil {
		return err
	}
	there := holds(database)
	if _, running := store.Daemon(database); there && !running { // which the lock below tells of
		if _, err := store.Verify(ctx, file); err != nil { // before anybody is asked
			return err
		}
		if err := a.confirm(fmt.Sprintf("%s is there; replace what is in it?", database)); err != nil {
			return err
		}
	}
	lock, err := store.LockDaemon(database, store.Owner{PID: os.Getpid(), Started: a.now()})
	if err != nil {
		return err
	}
	defer lock.Unlock() //nolint:errcheck // it ends with the process
	if !there && holds(database) {
		return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("%s has just been made by another process", database)).WithHint("look what it holds, and restore again")
	}
	working := a.progress("restoring")
	r, err := store.Restore(ctx, store.RestoreOptions{File: file, Database: database, Key: key, Deliver: deliver, Now: a.now()})
	working.end()
	if err != nil {
		return err
	}
	return a.printRestored(database, file, r, deliver)
}

// holds reports whether a file is there and has anything in it.
func holds(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Size() > 0
}

func (a *app) printRestored(database, file string, r store.Restored, deliver bool) error {
	if a.json() {
		return a.printJSON(struct {
			Database string `json:"database"`
			Kept     string `json:"kept,omitempty"`
			summaryView
			Parked []string `json:"parked"`
		}{database, r.Kept, newSummaryView(file, r.Summary), append([]string{}, r.Parked...)})
	}
	a.say("%s is restored: %d webhook%s, %d event%s", database, r.Webhooks, plural(int(r.Webhooks)), r.Events, plural(int(r.Events)))
	if r.Kept != "" {
		a.say("what was there before is kept as %s", r.Kept)
	}
	if !r.Newest.IsZero() {
		a.say("the last event in it is of %s; what came later is not there", webhook.Timestamp(r.Newest))
	}
	switch {
	case deliver && r.Pending > 0:
		a.say("%s %s pending in the backup; those made since go out again with the next start", a.style(styleWarn, "warning:"), deliveriesWere(r.Pending))
	case len(r.Parked) > 0:
		a.say("%s %s pending in the backup and may have been made since; parked until you enable their webhooks: %s", a.style(styleWarn, "warning:"), deliveriesWere(r.Pending), strings.Join(r.Parked, ", "))
		a.say("`sealpost webhook update NAME --enable` lets them go out")
	}
	return nil
}

// deliveriesWere begins a sentence about so many deliveries.
func deliveriesWere(n int64) string {
	if n == 1 {
		return "1 delivery was"
	}
	return fmt.Sprintf("%d deliveries were", n)
}
