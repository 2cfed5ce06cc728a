// Package store keeps everything in one SQLite file: organizations, webhooks
// and their secrets, events, deliveries and attempts.
//
// One file a noun. Each exported method owns its transaction and takes its one
// "now" as a parameter; SQL never reads a clock. Writes go through one writer
// that lets many callers share a commit (see writer.go), and are answered
// after the commit that holds them, with synchronous=FULL. Reads go through a
// pool of their own and hold no rows open beyond a method.
//
// Rules live elsewhere: which webhook wants an event is decided by package
// webhook, what follows an attempt by package deliver.
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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"modernc.org/sqlite"

	"sealpost/internal/access"
	"sealpost/internal/bounds"
	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// driverName names the driver of all connections. Tests of the store put one there
// that records all SQL.
var driverName = "sqlite" //nolint:gochecknoglobals // written by tests only, before they open anything

// BusyTimeout is how long a statement waits for another process's lock.
const BusyTimeout = 5 * time.Second

// Options say how a store is opened.
type Options struct {
	Key     secret.Text // seals signing secrets; see seal.go. Zero: they are stored as they are
	Path    string
	Create  bool // make the file, and its folder, when it is missing
	Migrate bool // bring an older schema up to date; otherwise that is an error
	Locked  bool // the caller holds the daemon's lock; otherwise Open takes it while it migrates
	NoCopy  bool // migrate without keeping the file as it was

	Migrating func(MigrationNews) // hears how far a migration is; nil hears nothing
	ownCopy   bool                // nobody else knows the file: it needs neither lock nor copy

	Bounds bounds.Values // what an organization may have that has no bounds of its own
	Space  Space         // how much of the disk must stay free
}

// Store is an open database file. It is safe for concurrent use.
type Store struct {
	path        string
	lists       reader  // what people ask for
	engine      reader  // what the engine asks for
	access      reader  // tokens and sessions
	read        *sql.DB // of lists
	write       *sql.DB
	writer      *writer
	fanouts     *fanouts
	tallies     *tallies
	tokens      *looks[string, access.Token]
	remembered  remembered
	credentials map[[2]string]webhook.Credential // by provider and user; the writer's own, see credential
	written     func(webhook.Committed)
	key         *sealKey

	measured func(operations, rows int, took time.Duration)

	ids   ids
	floor floor

	declines int64 // reasons that are kept of one organization
	full     full
}

// Open opens the database file and checks that it is one that this program
// can use. Errors are [webhook.Error] with [webhook.CodeUnavailable] and say
// what to do.
func Open(ctx context.Context, opts Options) (*Store, error) {
	if err := prepare(opts); err != nil {
		return nil, err
	}
	s := &Store{path: opts.Path, fanouts: newFanouts(opts.Bounds), tallies: newTallies(), credentials: map[[2]string]webhook.Credential{}, floor: floor{Space: opts.Space}, declines: MaxDeclines}
	s.tokens = newLooks(s.readToken)
	// As in every distribution's SQLite a commit syncs data and what is needed to
	// read it back, not the file's times as well. Where there is no such call it
	// stays with fsync.
	_, _ = sqlite.Fdatasync(true)
	var err error
	if s.key, err = newSealKey(opts.Key); err != nil {
		return nil, err
	}
	if s.write, err = connect(opts.Path, false); err != nil {
		return nil, fault(opts.Path, err)
	}
	s.write.SetMaxOpenConns(1)
	if err := migrate(ctx, s.write, opts); err != nil {
		_ = s.write.Close()
		return nil, fault(opts.Path, err)
	}
	if err := checkKey(ctx, s.write, s.key, opts.Path); err != nil {
		_ = s.write.Close()
		return nil, fault(opts.Path, err)
	}
	for pool, size := range map[*reader]int{&s.lists: listReaders, &s.engine: engineReaders, &s.access: accessReaders} {
		if err := pool.open(opts.Path, size); err != nil {
			_ = errors.Join(s.closeReaders(), s.write.Close())
			return nil, fault(opts.Path, err)
		}
	}
	s.read = s.lists.db
	s.writer, err = startWriter(ctx, s)
	if err != nil {
		_ = errors.Join(s.closeReaders(), s.write.Close())
		return nil, fault(opts.Path, err)
	}
	// The key of ids is made now, for a file that can't be written later can still
	// be read; here it may be locked, or read-only, and then whoever needs the key is told.
	_ = s.ids.load(ctx, s)
	return s, nil
}

// Close waits for writes that were handed in and closes the file.
func (s *Store) Close() error {
	s.writer.stop()
	return errors.Join(s.closeReaders(), s.write.Close())
}

// Path returns the database file's path.
func (s *Store) Path() string { return s.path }

// Writable says why nothing can be written to the file, such as its permissions:
// SQLite opens one that is read-only without a word. That another process is
// writing at the moment is no reason.
func (s *Store) Writable(ctx context.Context) error {
	if err := s.always(ctx, func(tx *session) error { return tx.exec(`DELETE FROM used_nonce WHERE false`) }); !Busy(err) {
		return err
	}
	return nil
}

// prepare makes the file when it may and checks its kind when it is there.
func prepare(opts Options) error {
	info, err := os.Stat(opts.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !opts.Create:
		return missing(opts.Path)
	case errors.Is(err, fs.ErrNotExist):
		if err := MakeFolder(filepath.Dir(opts.Path)); err != nil {
			return unavailable(fmt.Sprintf("can't make the folder of the database %s: %v", opts.Path, err), "choose another place with --database").Wrap(err)
		}
		file, err := os.OpenFile(Behind(opts.Path), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if errors.Is(err, fs.ErrExist) {
			return nil // another process has made it meanwhile
		}
		if err != nil {
			return unavailable(fmt.Sprintf("can't make the database: %v", err), "choose another place with --database").Wrap(err)
		}
		giveTo(file, file.Name())
		return file.Close()
	case err != nil:
		return unavailable(fmt.Sprintf("can't reach the database: %v", err), "check the path and its permissions").Wrap(err)
	case info.IsDir():
		return unavailable(fmt.Sprintf("the database %s is a folder", opts.Path), "name a file with --database")
	}
	return nil
}

func missing(path string) error {
	return unavailable(fmt.Sprintf("there is no database at %s", path),
		"`sealpost webhook create NAME --url URL` makes it, or name another one with --database").Wrap(fs.ErrNotExist)
}

// connect opens a pool whose every connection has the pragmas in its DSN: a
// pragma that is run once reaches one connection only.
func connect(path string, readOnly bool) (*sql.DB, error) {
	q := url.Values{}
	q.Add("_pragma", "busy_timeout("+strconv.FormatInt(BusyTimeout.Milliseconds(), 10)+")") // first: the others may have to wait
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	} else {
		q.Add("_pragma", "journal_mode(wal)")
		q.Add("_pragma", "synchronous(full)")
		q.Add("_pragma", "wal_autocheckpoint(2000)")
		q.Add("_pragma", "journal_size_limit(67108864)")
	}
	q.Add("_pragma", "foreign_keys(1)")
	q.Add("_pragma", "cache_size(-8000)")
	q.Add("_txlock", "immediate")
	return sql.Open(driverName, location(path, q))
}

// location names a database file with parameters for the driver.
func location(path string, q url.Values) string {
	return (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(mustAbs(path)), RawQuery: q.Encode()}).String()
}

func mustAbs(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	return abs
}

func unavailable(message, hint string) *webhook.Error {
	return webhook.Errorf(webhook.CodeUnavailable, message).WithHint(hint)
}

// Primary SQLite result codes that people can do something about.
const (
	codePerm     = 3
	codeBusy     = 5
	codeLocked   = 6
	codeReadOnly = 8
	codeIO       = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeNotADB   = 26

	// codeShmSize is the extended code of codeIO with which SQLite says that the
	// index of the log can't grow, even to read: on a full disk, before all else.
	codeShmSize = codeIO | 19<<8
)

// fault turns a driver error into one for people. Errors that are no SQLite
// errors pass as they are. It says nothing of changes: where one was under way,
// [changing] does.
func fault(path string, err error) error {
	var known *webhook.Error
	var native *sqlite.Error
	if err == nil || errors.As(err, &known) || !errors.As(err, &native) {
		return err
	}
	say := func(message, hint string) *webhook.Error { return unavailable(message, hint).Wrap(err) }
	switch native.Code() & 0xff {
	case codeBusy, codeLocked:
		return say(fmt.Sprintf("the database %s is locked by another process", path), "try again; `fuser` or `lsof` on the file names who holds it").For(webhook.ReasonLocked)
	case codeReadOnly, codePerm:
		return say(fmt.Sprintf("the database %s can't be written: it or its folder is read-only", path), "check its permissions, who you are, and how its disk is mounted")
	case codeFull:
		return say(fmt.Sprintf("no space is left on the disk of %s", path), "free some space and try again").For(webhook.ReasonDiskFull)
	case codeIO:
		if native.Code() == codeShmSize || noSpace(path) {
			return say(fmt.Sprintf("no space is left on the disk of %s", path), "free some space and try again").For(webhook.ReasonDiskFull)
		}
		return say(fmt.Sprintf("the disk of %s reported an error (%v)", path, native), "check the disk and try again")
	case codeCorrupt:
		return say(fmt.Sprintf("the database %s is damaged: %v", path, native), "stop the daemon and restore a backup")
	case codeNotADB:
		return say(fmt.Sprintf("%s is not an SQLite database", path), "name the right file with --database")
	case codeCantOpen:
		return say(fmt.Sprintf("can't open the database %s: %v", path, native), "check the path, its permissions, whether its disk is mounted read-only, and how many files may be open")
	}
	return say(fmt.Sprintf("the database %s failed: %v", path, native), "see the message")
}

// changing is [fault] for an error of one change. It says whether that change was stored,
// and speaks of no other one: the call may have made changes before.
func changing(path string, err error) error {
	var known *webhook.Error
	var native *sqlite.Error
	if err == nil || errors.As(err, &known) || !errors.As(err, &native) {
		return err
	}
	told := fault(path, err)
	if !errors.As(told, &known) {
		return told
	}
	switch native.Code() & 0xff {
	case codeFull:
		known.Messages[0] += "; this change was not stored"
	case codeIO:
		known.Messages[0] += "; whether this change was stored is not known"
		known.Hint = strings.Replace(known.Hint, " and try again", ", then repeat the call: what is there already is not stored twice", 1)
	}
	return told
}

// unlessFull is a hint for an error of the file system: on a full disk the permissions,
// which most hints are about, are not to blame.
func unlessFull(err error, hint string) string {
	if fullDisk(err) {
		return "free some space and try again"
	}
	return hint
}

func fullDisk(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// noSpace finds out whether a full disk is behind an error, which SQLite's codes
// don't tell: few of its calls that may need space have one of their own for it.
func noSpace(path string) bool {
	probe, err := os.CreateTemp(filepath.Dir(path), ".sealpost-space-*")
	if err == nil {
		_, err = probe.Write(make([]byte, 64<<10))
		_ = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	return fullDisk(err)
}

// damaged reports whether err says that a file is no sound database.
func damaged(err error) bool {
	var native *sqlite.Error
	return errors.As(err, &native) && (native.Code()&0xff == codeCorrupt || native.Code()&0xff == codeNotADB)
}

// Busy reports whether err says that another process held the file's lock, so
// that the same call may succeed later.
func Busy(err error) bool {
	var native *sqlite.Error
	return errors.As(err, &native) && (native.Code()&0xff == codeBusy || native.Code()&0xff == codeLocked)
}

// untouched reports whether err says that what was tried has certainly changed
// nothing.
func untouched(err error) bool {
	var native *sqlite.Error
	return errors.As(err, &native) && slices.Contains([]int{codePerm, codeBusy, codeLocked, codeReadOnly, codeFull, codeCantOpen}, native.Code()&0xff)
}

// millis is how times are stored.
func millis(t time.Time) int64 { return t.UnixMilli() }

// micros is how durations are stored.
func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

// fromMillis is the other way; 0 is the zero time.
func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
