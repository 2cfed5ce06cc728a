package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"sealpost/internal/store"
)

func newDBMigrate(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring an older database up to date",
		Long: `migrate brings the database's schema to that of this program. Stop the daemon first.
serve does the same when it starts, and so does every command that may make a database.
Commands that only read refuse an older database.

Before the schema changes, the database is kept as DATABASE.before-N, where N is the old
schema. The copy needs as much free space as the database is large, and the upgrade a
quarter more. --no-copy leaves the copy out, and so does the setting
database.migration_copy: false. The next upgrade removes older copies.

To go back to the older program, move the database away and restore the copy with the
older program: sealpost db restore DATABASE.before-N. Everything after the upgrade is
missing then.

A migration that was killed goes on when migrate or serve starts again.`,
		Example: `  sealpost db migrate
  sealpost db migrate --database ./sealpost.db --no-copy`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.onFile("db migrate"); err != nil {
				return err
			}
			if !fileExists(a.conf.Database) {
				_, err := a.open(cmd.Context(), false) // tells what is wrong
				return err
			}
			// An older daemon would go on with a schema that it does not know.
			lock, err := store.LockDaemon(a.conf.Database, store.Owner{PID: os.Getpid(), Started: a.now()})
			if err != nil {
				return err
			}
			defer lock.Unlock() //nolint:errcheck // it ends with the process
			a.locked = true
			s, err := a.open(cmd.Context(), true)
			if err != nil {
				return err
			}
			a.say("%s has schema %d, the newest", s.Path(), store.SchemaVersion())
			if err := s.Close(); err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(struct {
					Schema int    `json:"schema"`
					Copy   string `json:"copy,omitempty"`
				}{store.SchemaVersion(), a.kept})
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&a.noCopy, "no-copy", false, "do not keep the database as it was")
	return cmd
}

// migrationTalk tells of a migration: in the log of the daemon, on a terminal as
// progress, otherwise as a line a step.
type migrationTalk struct {
	app     *app
	working *progress
	begun   bool
}

func (t *migrationTalk) hear(n store.MigrationNews) {
	if n.Copy != "" && n.Ended {
		t.app.kept = n.Copy
	}
	if log := t.app.migration; log != nil {
		switch {
		case n.Ended && n.Copy != "":
			log.Info("the database is kept as it was", "file", n.Copy, "duration_ms", n.Took.Milliseconds())
		case n.Ended:
			log.Info("migrated", "step", n.Step, "of", n.Steps, "name", n.Name, "duration_ms", n.Took.Milliseconds())
		}
		return
	}
	if !t.begun {
		t.begun, t.working = true, t.app.progress("migrating")
	}
	what := fmt.Sprintf("migrating: step %d of %d (%s)", n.Step, n.Steps, n.Name)
	if n.Copy != "" {
		what = "keeping the database as " + n.Copy
	}
	switch {
	case t.working != nil:
		t.working.now(what)
		t.working.at(n.Done, n.Total)
	case n.Done == 0 && !n.Ended:
		t.app.say("%s", what)
	}
}

// end takes the progress away, and says what is kept.
func (t *migrationTalk) end() {
	t.working.end()
	if t.working != nil && t.app.kept != "" {
		t.app.say("the database as it was is kept as %s", t.app.kept)
	}
}
