package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// A restore never leaves anything half done. The backup is verified, copied
// beside the database under another name, brought up to date there, and its
// secrets are opened. The database that is there is kept as a backup of its own.
// Then the new contents go into the file in one transaction, so that a crash, or
// another process that has the file open, sees all of the old or all of the new.
//
// What was pending when the backup was made may have been delivered since, so
// its webhooks are disabled, unless the caller wants it otherwise: nothing goes
// out twice before a person has looked.

// RestoreOptions say what to restore, and where to.
type RestoreOptions struct {
	File     string // the backup
	Database string
	Key      secret.Text // opens its secrets; zero when they are stored as they are
	Deliver  bool        // let what was pending go out, at the price of repeated deliveries
	Now      time.Time
	Progress Progress
}

// RestoringOf is where a restore brings a backup up to date.
func RestoringOf(database string) string { return database + ".restoring" }

// Restored tells what a restore has done.
type Restored struct {
	Summary
	Kept   string   // where the former database is kept; empty when there was none
	Parked []string // webhooks that were disabled, as organization/name
}

// Restore makes a database be what a backup holds. The caller holds the
// daemon's lock. Until it returns without error, the database is as it was.
func Restore(ctx context.Context, o RestoreOptions) (r Restored, err error) {
	if r.Summary, err = Verify(ctx, o.File); err != nil {
		return r, err
	}
	if err := opens(ctx, o.File, o.Key); err != nil {
		return r, err
	}
	part := RestoringOf(o.Database)
	if err := copyFile(o.File, part); err != nil {
		return r, unavailable(fmt.Sprintf("can't copy %s to %s: %v", o.File, part, err), unlessFull(err, "check the folder and the space on its disk")).Wrap(err)
	}
	defer func() { err = errors.Join(err, removeDatabase(part)) }()
	if r.Parked, err = o.prepare(ctx, part); err != nil {
		return r, err
	}
	r.Schema = SchemaVersion()
	info, err := os.Stat(o.Database)
	if err != nil || info.Size() == 0 {
		if log, err := os.Stat(o.Database + "-wal"); err == nil && log.Size() > 0 {
			return r, unavailable(fmt.Sprintf("a write-ahead log is there without its database: %s-wal", o.Database), "move it away")
		}
		likeOwner(part, o.Database)
		return r, place(part, o.Database)
	}
	if r.Kept, err = freeName(fmt.Sprintf("%s.before-%s", o.Database, o.Now.UTC().Format("20060102T150405Z"))); err != nil {
		return r, err
	}
	if err := backup(ctx, o.Database, r.Kept, nil, nil); err != nil { // as it is, sound or not
		if !damaged(err) {
			return r, err
		}
		return r, replaceDamaged(o.Database, r.Kept, part)
	}
	if err := replace(ctx, o.Database, part, o.Progress); err != nil {
		if untouched(err) { // and a second copy of it is of no use, and takes space
			err = errors.Join(err, removeDatabase(r.Kept))
		}
		return r, err
	}
	return r, nil
}

// prepare brings a copy of a backup up to date and parks its webhooks.
func (o RestoreOptions) prepare(ctx context.Context, part string) (parked []string, err error) {
	s, err := Open(ctx, Options{Path: part, Migrate: true, ownCopy: true, Key: o.Key})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return parked, s.separate(ctx, func(tx *session) error {
		// The processes that had these have never heard of this file.
		if err := tx.exec(`UPDATE delivery SET state = ?, claim = claim + 1, reason = 'the process that published it directly has ended' WHERE state = 0 AND direct IS NOT NULL`, deliveryCancelled); err != nil || o.Deliver {
			return err
		}
		const waiting = ` FROM webhook w JOIN organization o ON o.seq = w.organization WHERE (w.disabled IS NULL OR w.disabled = '` + webhook.DisabledBySuspension + `' AND w.disabled_before IS NULL) AND w.deleted_at IS NULL AND EXISTS (SELECT 1 FROM delivery d WHERE d.webhook = w.seq AND d.state = 0)`
		rows, err := tx.conn.QueryContext(ctx, `SELECT o.slug || '/' || w.name`+waiting+` ORDER BY 1`)
		if err != nil {
			return err
		}
		names, err := scanRows(rows, 1)
		if err != nil {
			return err
		}
		for _, name := range names {
			parked = append(parked, fmt.Sprint(name[0]))
		}
		return tx.exec(`UPDATE webhook SET disabled = ?, updated_at = ? WHERE seq IN (SELECT w.seq`+waiting+`)`, webhook.DisabledByRestore, millis(o.Now))
	})
}

// replace puts the contents of part into the database in one transaction.
func replace(ctx context.Context, database, part string, progress Progress) error {
	db, err := connect(database, false)
	if err != nil {
		return fault(database, err)
	}
	defer db.Close() //nolint:errcheck // every statement has been checked
	conn, err := db.Conn(ctx)
	if err != nil {
		return fault(database, err)
	}
	defer conn.Close() //nolint:errcheck // every statement has been checked
	err = conn.Raw(func(driver any) error {
		b, err := driver.(backuper).NewRestore(dsn(part, "mode", "ro", "immutable", "1"))
		if err != nil {
			return err
		}
		return errors.Join(steps(ctx, b, progress, func() error { return nil }), b.Finish())
	})
	if err == nil {
		_, _ = conn.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`) // what is in the log counts; whether it gets into the file now does not
	}
	return changing(database, err)
}

// freeName is name, or name-2 and so on where something is there already: what an
// earlier restore of the same second kept may be the only copy of somebody's events.
func freeName(name string) (string, error) {
	for n, free := 2, name; ; n++ {
		_, err := os.Lstat(free)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return free, nil
		case err != nil:
			return "", unavailable(fmt.Sprintf("can't look for %s: %v", free, err), unlessFull(err, "check the folder's permissions")).Wrap(err)
		}
		free = fmt.Sprintf("%s-%d", name, n)
	}
}

// replaceDamaged moves a database that SQLite can't copy out of the way, with
// its log, and puts part in its place.
func replaceDamaged(database, kept, part string) error {
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Rename(database+suffix, kept+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return unavailable(fmt.Sprintf("can't move %s%s away: %v", database, suffix, err), unlessFull(err, "check the folder's permissions")).Wrap(err)
		}
	}
	if err := os.Link(database, kept); err != nil {
		return unavailable(fmt.Sprintf("can't keep %s as %s: %v", database, kept, err), unlessFull(err, "check the folder's permissions")).Wrap(err)
	}
	likeOwner(part, database)
	return place(part, database)
}

// opens checks that a key opens every secret in a file.
func opens(ctx context.Context, path string, text secret.Text) error {
	key, err := newSealKey(text)
	if err != nil {
		return err
	}
	db, err := openStill(path)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // it was only read
	is, err := keyFits(ctx, db, key, path)
	if err != nil {
		return fault(path, err)
	}
	closed, err := closedSecrets(ctx, db, key, is)
	if err == nil && len(closed) > 0 {
		err = unavailable(fmt.Sprintf("the sealed secret of %q in %s does not open: it was damaged, or moved there from another webhook", closed[0], path), "use another backup")
	}
	return fault(path, err)
}

// copyFile copies a file that nobody writes to, and syncs the copy.
func copyFile(from, to string) error {
	in, err := os.Open(from) //nolint:gosec // the caller names it
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it was only read
	if err := removeDatabase(to); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // beside the database
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// removeDatabase removes a file with what SQLite may have left beside it.
func removeDatabase(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return removeBeside(path)
}

func removeBeside(path string) error {
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
