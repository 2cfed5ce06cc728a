package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// applicationID marks a file as sealpost's ("seal" in ASCII), where SQLite
// keeps such marks (PRAGMA application_id).
const applicationID = 0x7365616c

// migration is one numbered step of the schema; it is never edited once it
// has been released.
type migration struct {
	number int
	name   string
	sql    string
}

func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	steps := make([]migration, 0, len(names))
	for i, name := range names { // Glob sorts
		number, err := strconv.Atoi(path.Base(name)[:4])
		if err != nil || number != i+1 {
			return nil, fmt.Errorf("migration %s is not number %04d", name, i+1)
		}
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		steps = append(steps, migration{number, strings.TrimSuffix(path.Base(name), ".sql"), string(text)})
	}
	return steps, nil
}

// SchemaVersion is the newest schema that this program knows.
func SchemaVersion() int {
	steps, err := migrations()
	if err != nil {
		panic(err) // the files are part of the program
	}
	return len(steps)
}

// migrate checks whose file it is and brings its schema up to date.
func migrate(ctx context.Context, db *sql.DB, opts Options) error {
	var id, version, tables int
	if err := db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&id, &version, &tables); err != nil {
		return err
	}
	newest := SchemaVersion()
	switch {
	case id != applicationID && tables > 0:
		return unavailable(fmt.Sprintf("%s is an SQLite database, but not sealpost's", opts.Path), "name the right file with --database")
	case version > newest:
		return unavailable(fmt.Sprintf("the database %s has schema %d; this program knows schemas up to %d", opts.Path, version, newest),
			"use the newer sealpost that wrote it")
	case version == newest:
		return nil
	case version == 0 && !opts.Create:
		return unavailable(fmt.Sprintf("the database %s is empty", opts.Path), "`sealpost webhook create NAME --url URL` fills it, or name another one with --database")
	case version > 0 && !opts.Migrate:
		return unavailable(fmt.Sprintf("the database %s has the older schema %d; this program uses %d", opts.Path, version, newest),
			"run `sealpost db migrate`, or start `sealpost serve`, which does it too")
	}
	if version == 0 {
		return fresh(ctx, db)
	}
	return upgrade(ctx, db, opts)
}

// fresh makes the schema of a new file in one transaction, so that a file is
// new or whole, and never between.
func fresh(ctx context.Context, db *sql.DB) error {
	steps, err := migrations()
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	var version int
	if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil || version > 0 {
		return err // another process has been faster
	}
	for _, step := range steps {
		if err := run(ctx, tx, step); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// run runs the SQL of a step and notes its number.
func run(ctx context.Context, tx *sql.Tx, step migration) error {
	if _, err := tx.ExecContext(ctx, step.sql); err != nil {
		return fmt.Errorf("migration %s: %w", step.name, err)
	}
	pragmas := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, step.number)
	_, err := tx.ExecContext(ctx, pragmas)
	return err
}
