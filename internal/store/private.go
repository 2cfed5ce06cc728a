package store

import (
	"errors"
	"fmt"
	"os"

	"github.com/gofrs/flock"
)

// The folder of a database may belong to somebody else than to who runs the
// program, to a service, say, when root does. Whoever owns the folder can put links where the
// program writes files of its own. So those are opened without following a
// link, are refused when they have a second name, and are written, emptied and given
// away through the descriptor that was checked.

// errLinked says that a file of ours is none.
var errLinked = errors.New("it is a link, has a second name, or is no file; remove it")

// OpenPrivate opens a file that the program keeps beside a database, such as
// DATABASE.crash, with the flags of [os.OpenFile] but for os.O_TRUNC. A file that it
// makes has mode 0600, and the owner of the database, or of its folder, when root makes it. It is an
// error when the file is a link, has a second name, or is not a regular file.
func OpenPrivate(path, database string, flag int) (*os.File, error) {
	file, err := os.OpenFile(path, flag|noFollow, 0o600) //nolint:gosec // beside the database, and checked below
	if err != nil {
		return nil, linked(path, err)
	}
	info, err := file.Stat()
	if err == nil && !oneName(info) {
		err = fmt.Errorf("%s: %w", path, errLinked)
	}
	if err == nil && flag&os.O_CREATE != 0 {
		giveTo(file, database)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// newLock makes a lock on a file beside a database. It follows no link.
func newLock(path string, create bool) *flock.Flock {
	flag := os.O_RDWR | noFollow
	if create {
		flag |= os.O_CREATE
	}
	return flock.New(path, flock.SetFlag(flag), flock.SetPermissions(0o600))
}

// sole checks that a lock that is held stands for one file of ours, and returns an
// error after giving it up otherwise.
func sole(l *flock.Flock) error {
	info, err := l.Stat()
	if err == nil && !oneName(info) {
		err = fmt.Errorf("%s: %w", l.Path(), errLinked)
	}
	if err != nil {
		return errors.Join(err, l.Unlock())
	}
	return nil
}

// likeOwner gives a file that root has made to whoever owns the database or its folder, as SQLite
// does with its own: a daemon that is not root could not open it, nor start.
func likeOwner(path, database string) {
	if file, err := OpenPrivate(path, database, os.O_RDWR); err == nil {
		giveTo(file, database)
		_ = file.Close()
	}
}

// overwrite replaces what is in a file whose lock is held.
func overwrite(l *flock.Flock, text []byte) error {
	held, err := l.Stat()
	if err != nil {
		return err
	}
	file, err := OpenPrivate(l.Path(), l.Path(), os.O_WRONLY)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // every write has been checked
	info, err := file.Stat()
	if err != nil || !os.SameFile(held, info) {
		return errors.Join(fmt.Errorf("%s was replaced by another file", l.Path()), err)
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err = file.Write(text)
	return err
}
