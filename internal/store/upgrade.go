package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"
)

// An upgrade brings an older file up to date, each step in a transaction of its
// own. The process that runs it holds the daemon's lock: nobody's schema changes
// under a running daemon. Before the first step the file is copied (copybefore.go).
//
// From the first step to the last the file has the table upgrade_from with the
// schema that it had before. An upgrade that was killed goes on from there: what it
// finds is half migrated, and the copy is there already.

// MigrationNews tells how far a migration is: of its copy, which comes first, or of
// one step.
type MigrationNews struct {
	Copy        string // where the file is kept as it was; empty for a step
	Done, Total int    // pages of the copy

	Step, Steps int    // of a step, from 1
	Name        string // of a step

	Ended bool
	Took  time.Duration // once it has ended
}

func (o Options) news(n MigrationNews) {
	if o.Migrating != nil {
		o.Migrating(n)
	}
}

// upgrade runs the steps that an older file lacks.
func upgrade(ctx context.Context, db *sql.DB, opts Options) error {
	opts.Path = Behind(opts.Path)
	if !opts.Locked && !opts.ownCopy {
		lock, err := lockUpgrade(opts.Path)
		if err != nil {
			return err
		}
		defer lock.Unlock() //nolint:errcheck // it ends with the process
	}
	var version, between int
	if err := db.QueryRowContext(ctx, `SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema WHERE name = 'upgrade_from')`).Scan(&version, &between); err != nil {
		return err
	}
	from, newest := version, SchemaVersion()
	switch {
	case version >= newest:
		return nil // another process has been faster
	case between > 0:
		if err := db.QueryRowContext(ctx, `SELECT schema FROM upgrade_from`).Scan(&from); err != nil {
			return err
		}
	case !opts.NoCopy && !opts.ownCopy:
		if err := keepBefore(ctx, opts, version); err != nil {
			return err
		}
	}
	steps, err := migrations()
	if err != nil {
		return err
	}
	for _, step := range steps[version:] {
		news := MigrationNews{Step: step.number - from, Steps: newest - from, Name: step.name}
		opts.news(news)
		began := time.Now()
		if err := apply(ctx, db, step, from, newest); err != nil {
			return err
		}
		news.Ended, news.Took = true, time.Since(began)
		opts.news(news)
	}
	if !opts.ownCopy {
		forgetBefore(opts.Path, from)
	}
	return nil
}

// lockUpgrade takes the daemon's lock, or says which daemon keeps the schema as it is.
func lockUpgrade(path string) (*Lock, error) {
	if owner, running := Daemon(path); running {
		return nil, unavailable(fmt.Sprintf("the database %s has an older schema, and a daemon serves it: %s", path, owner),
			"stop that daemon first; then `sealpost db migrate` or this program's `sealpost serve` brings the schema up to date")
	}
	return LockDaemon(path, Owner{PID: os.Getpid(), Started: time.Now()})
}

// apply runs one step of an upgrade that began at schema from.
func apply(ctx context.Context, db *sql.DB, step migration, from, newest int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	var version int
	if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil || version >= step.number {
		return err
	}
	if err := run(ctx, tx, step); err != nil {
		return err
	}
	mark := `CREATE TABLE IF NOT EXISTS upgrade_from (schema INTEGER PRIMARY KEY) STRICT; INSERT OR IGNORE INTO upgrade_from VALUES (%d)`
	if step.number == newest {
		mark = `DROP TABLE IF EXISTS upgrade_from -- %d`
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(mark, from)); err != nil {
		return err
	}
	return tx.Commit()
}
