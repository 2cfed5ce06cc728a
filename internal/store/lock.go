package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"sealpost/internal/webhook"
)

// One daemon owns a file's deliveries. It says so by an operating-system lock
// on a file beside the database, which ends with the process however it ends;
// what stands in the lock file only serves to name the owner.

// Behind is the file to which a path leads over symbolic links, there or not yet.
// SQLite keeps the log beside that one. So must the locks be, or two daemons serve
// one file under two names, and everything goes out twice.
func Behind(path string) string {
	for range 40 { // as many as the system follows; a circle opens nothing
		target, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			folder, err := filepath.EvalSymlinks(filepath.Dir(path)) // or .. would lead elsewhere
			if err != nil {
				break
			}
			target = filepath.Join(folder, target)
		}
		path = target
	}
	return path
}

// Owner names the process that holds a lock.
type Owner struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Listen  string    `json:"listen,omitempty"`
}

func (o Owner) String() string {
	if o.PID == 0 {
		return "another process"
	}
	s := fmt.Sprintf("process %d, running since %s", o.PID, o.Started.UTC().Format(time.RFC3339))
	if o.Listen != "" {
		s += ", on " + o.Listen
	}
	return s
}

// Lock is a lock that this process holds.
type Lock struct {
	lock *flock.Flock
	path string
}

func daemonLock(database string) string { return database + ".lock" }

// LockDaemon makes this process the file's daemon, or says who is.
func LockDaemon(database string, owner Owner) (*Lock, error) {
	path := daemonLock(database)
	if err := MakeFolder(filepath.Dir(path)); err != nil {
		return nil, unavailable(fmt.Sprintf("can't make the folder of the database %s: %v", database, err), "choose another place with --database").Wrap(err)
	}
	l := newLock(path, true)
	held, err := l.TryLock()
	if err == nil && held {
		err = sole(l)
	}
	if err != nil {
		return nil, unavailable(fmt.Sprintf("can't lock %s: %v", path, linked(path, err)), unlessFull(err, "check the folder's permissions, and that the lock file is a plain file")).Wrap(err)
	}
	if !held {
		return nil, &webhook.Error{Code: webhook.CodeUnavailable,
			Messages: []string{fmt.Sprintf("a daemon serves %s already: %s", database, readOwner(path))},
			Hint:     "stop that one first, or name another file with --database"}
	}
	likeOwner(path, database)
	lock := &Lock{lock: l, path: path}
	if err := lock.Tell(owner); err != nil {
		return nil, errors.Join(err, l.Unlock())
	}
	return lock, nil
}

// Tell says whose the lock is.
func (l *Lock) Tell(owner Owner) error {
	text, err := json.Marshal(owner)
	if err == nil {
		err = overwrite(l.lock, append(text, '\n'))
	}
	if err != nil {
		return unavailable(fmt.Sprintf("can't write %s: %v", l.path, err), unlessFull(err, "check the folder's permissions")).Wrap(err)
	}
	return nil
}

// Unlock gives the lock up.
func (l *Lock) Unlock() error { return l.lock.Unlock() }

func readOwner(path string) (owner Owner) {
	file, err := OpenPrivate(path, path, os.O_RDONLY)
	if err != nil {
		return owner
	}
	defer file.Close() //nolint:errcheck // it was only read
	if text, err := io.ReadAll(io.LimitReader(file, 4<<10)); err == nil {
		_ = json.Unmarshal(text, &owner) // what can't be read names nobody
	}
	return owner
}

// Daemon reports whether a daemon serves the file, and which.
func Daemon(database string) (Owner, bool) {
	path := daemonLock(database)
	if _, err := os.Lstat(path); err != nil {
		return Owner{}, false
	}
	l := newLock(path, false)
	held, err := l.TryRLock()
	if err != nil {
		return Owner{}, false
	}
	if held {
		_ = l.Unlock()
		return Owner{}, false
	}
	return readOwner(path), true
}

// A process that delivers by itself marks its deliveries with a claim, and
// holds a lock named after it for as long as it lives.

const claimInfix = ".direct-"

// LockClaim makes a claim for this process. A sweep that comes between its making
// and its locking takes it for one that is dead; then there is another.
func LockClaim(database string, now time.Time) (claim string, lock *Lock, err error) {
	var path string
	var l *flock.Flock
	for held := false; !held; {
		claim = webhook.NewID(now)
		path = database + claimInfix + claim
		l = newLock(path, true)
		if held, err = l.TryLock(); err == nil && held {
			err = sole(l)
		}
		if err != nil {
			return "", nil, unavailable(fmt.Sprintf("can't lock %s: %v", path, err), unlessFull(err, "check the folder's permissions")).Wrap(err)
		}
		if _, gone := os.Lstat(path); held && gone != nil {
			held = false
			_ = l.Unlock()
		}
	}
	likeOwner(path, database)
	return claim, &Lock{lock: l, path: path}, nil
}

// liveClaim reports whether the process that made a claim lives.
func liveClaim(database, claim string) bool {
	l := newLock(database+claimInfix+claim, false)
	held, err := l.TryRLock()
	if held {
		_ = l.Unlock()
	}
	return !held && err == nil
}

// Drop gives a claim's lock up and removes its file.
func (l *Lock) Drop() error {
	return errors.Join(l.lock.Unlock(), os.Remove(l.path))
}

// deadClaims calls end for each claim whose process has ended without dropping
// it, and then removes the claim's file: one that could not be ended is found again.
func deadClaims(database string, end func(claim string) error) error {
	paths, err := filepath.Glob(escapeGlob(database) + claimInfix + "*")
	if err != nil {
		return err
	}
	for _, path := range paths {
		l := newLock(path, false)
		held, err := l.TryLock()
		if err != nil || !held {
			continue
		}
		if err := end(strings.TrimPrefix(path, database+claimInfix)); err != nil {
			return errors.Join(err, l.Unlock())
		}
		early := os.Remove(path) // under the lock, lest somebody gets it meanwhile; some systems don't let
		if err := l.Unlock(); err != nil {
			return err
		}
		if early != nil {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
