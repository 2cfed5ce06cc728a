package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"

	"sealpost/internal/webhook"
)

// A backup is made with SQLite's online backup over one read transaction: the
// pages as they were at one moment, while everybody goes on reading and writing.
// VACUUM INTO is about as fast (measured: 190 MB/s against 150), but is one
// statement; a backup goes by steps, between which it can be told how far it is,
// be interrupted, and look at the write-ahead log, which can only grow for as
// long as a read transaction lasts: a backup that would have it grow beyond
// measure is given up. And it copies a file that is not sound as it is.
//
// The copy is written under another name, synced, verified and then renamed, so
// that under its own name it is whole whenever it is there.

const (
	partSuffix = ".partial"
	copyPages  = 256     // pages of one step of a copy; between two it looks around
	maxCopyLog = 1 << 30 // how far the log may grow during a backup, besides half the file's size
)

// PartOf is where a backup is written before it gets its name.
func PartOf(target string) string { return target + partSuffix }

// maxRest bounds the rest after one step of a copy.
const maxRest = 50 * time.Millisecond

// Progress hears how far long work has come; nil hears nothing.
type Progress func(done, total int)

func (p Progress) tell(done, total int) {
	if p != nil {
		p(done, total)
	}
}

// Backup copies the database into the file target, which is replaced, and tells
// what is in the copy. It needs no lock and works beside anything.
func Backup(ctx context.Context, database, target string, progress Progress) (sum Summary, err error) {
	return sum, backup(ctx, database, target, progress, func(part string, original contents) error {
		if sum, err = Verify(ctx, part); err == nil && sum.contents != original {
			err = unavailable(fmt.Sprintf("the copy of %s differs from it: %+v, not %+v", database, sum.contents, original), "check the disk, and try again")
		}
		return err
	})
}

// backup copies the database, has the copy checked, and gives it its name.
func backup(ctx context.Context, database, target string, progress Progress, check func(part string, original contents) error) (err error) {
	if _, err := os.Stat(database); errors.Is(err, fs.ErrNotExist) {
		return missing(database)
	}
	part := PartOf(target)
	if info, err := os.Lstat(part); err == nil && !info.Mode().IsRegular() { // what is behind a link would be emptied
		return unavailable(fmt.Sprintf("%s is no file, and a backup is written there first", part), "move it away, or name another file")
	}
	lock := newLock(part, true)
	held, err := lock.TryLock()
	if err == nil && held {
		err = sole(lock)
	}
	if err != nil {
		return unavailable(fmt.Sprintf("can't write the backup: %v", linked(part, err)), unlessFull(err, "check the folder and its permissions")).Wrap(err)
	}
	if !held {
		return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("another process is writing %s", part)).WithHint("wait for it, or name another file")
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeDatabase(part))
		}
		err = errors.Join(err, lock.Unlock())
	}()
	// One that was killed may have left something.
	if err := errors.Join(overwrite(lock, nil), removeBeside(part)); err != nil {
		return unavailable(fmt.Sprintf("can't write the backup: %v", err), unlessFull(err, "check the folder and its permissions")).Wrap(err)
	}
	original, err := copyDatabase(ctx, database, part, progress)
	if err == nil && check != nil {
		err = check(part, original)
	}
	if err != nil {
		return err
	}
	give(part, database)
	return place(part, target)
}

// give hands a copy of a database to whoever runs its service, see [GiveToService].
func give(part, database string) {
	if file, err := OpenPrivate(part, part, os.O_RDWR); err == nil {
		GiveToService(file, database)
		_ = file.Close()
	}
}

// backuper is what the driver's connections can do.
type backuper interface {
	NewBackup(target string) (*sqlite.Backup, error)
	NewRestore(source string) (*sqlite.Backup, error)
}

// copyDatabase copies what the database holds at one moment, and returns what
// that was.
func copyDatabase(ctx context.Context, database, part string, progress Progress) (original contents, err error) {
	db, err := connect(database, true)
	if err != nil {
		return original, fault(database, err)
	}
	defer db.Close() //nolint:errcheck // it was only read
	conn, err := db.Conn(ctx)
	if err != nil {
		return original, fault(database, err)
	}
	defer conn.Close() //nolint:errcheck // it was only read
	if _, err := conn.ExecContext(ctx, `BEGIN`); err != nil {
		return original, fault(database, err)
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`) //nolint:errcheck // it was only read
	if err := ours(ctx, conn, database); err != nil {
		return original, fault(database, err)
	}
	if original, err = readContents(ctx, conn); err != nil {
		return original, fault(database, err)
	}
	copying, err := os.Open(part) //nolint:gosec // the backup's own file, locked by it
	if err != nil {
		return original, fault(part, err)
	}
	defer copying.Close() //nolint:errcheck // it was only synced
	began := time.Now()
	watch := func() error {
		err := errors.Join(watchLog(database), yield(ctx, copying, began))
		began = time.Now()
		return err
	}
	err = conn.Raw(func(driver any) error {
		b, err := driver.(backuper).NewBackup(dsn(part, "_pragma", "journal_mode(off)", "_pragma", "synchronous(off)"))
		if err != nil {
			return err
		}
		return errors.Join(steps(ctx, b, progress, watch), b.Finish())
	})
	if err != nil {
		return original, fault(part, err)
	}
	// The copy is one file: it has no log, and makes none when it is opened.
	copied, err := sql.Open(driverName, dsn(part))
	if err != nil {
		return original, fault(part, err)
	}
	_, err = copied.ExecContext(ctx, `PRAGMA journal_mode = DELETE`)
	return original, fault(part, errors.Join(err, copied.Close()))
}

// steps carries out a copy, looking around between two steps.
func steps(ctx context.Context, b *sqlite.Backup, progress Progress, watch func() error) error {
	for more := true; more; {
		var err error
		if more, err = b.Step(copyPages); err != nil {
			return err
		}
		progress.tell(b.PageCount()-b.Remaining(), b.PageCount())
		if err := errors.Join(ctx.Err(), watch()); err != nil {
			return err
		}
	}
	return nil
}

// yield leaves the disk to others after a step of a copy: it has the disk hold
// what was written, lest it pile up and a daemon's next commit wait for all of it,
// and then rests for as long as the step took.
func yield(ctx context.Context, copying *os.File, began time.Time) error {
	if err := copying.Sync(); err != nil {
		return err
	}
	select {
	case <-time.After(min(time.Since(began), maxRest)):
	case <-ctx.Done():
	}
	return ctx.Err()
}

// watchLog gives a backup up when the log has grown too far meanwhile.
func watchLog(database string) error {
	log, err := os.Stat(database + "-wal")
	if err != nil {
		return nil //nolint:nilerr // no log has not grown
	}
	file, err := os.Stat(database)
	if err != nil {
		return err
	}
	if log.Size() > maxCopyLog+file.Size()/2 {
		return unavailable(fmt.Sprintf("the backup was given up: meanwhile so much was written that the log of %s has %d MiB, and it can't shrink while it is read", database, log.Size()>>20),
			"try again when less is going on, or onto a faster disk")
	}
	return nil
}

// place syncs a file that is written and gives it its name.
func place(part, target string) error {
	file, err := OpenPrivate(part, part, os.O_RDWR)
	if err == nil {
		err = errors.Join(file.Sync(), file.Chmod(0o600), file.Close())
	}
	if err == nil {
		err = os.Rename(part, target)
	}
	if err == nil {
		err = syncFile(filepath.Dir(target))
	}
	if err != nil {
		return unavailable(fmt.Sprintf("can't write %s: %v", target, err), unlessFull(err, "check the folder, its permissions and the disk")).Wrap(err)
	}
	return nil
}

// syncFile has the disk hold what was written to a file, or which names a
// folder has.
func syncFile(path string) error {
	file, err := os.Open(path) //nolint:gosec // one that the caller has written
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// dsn names a database file with parameters, given in pairs.
func dsn(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	return location(path, q)
}
