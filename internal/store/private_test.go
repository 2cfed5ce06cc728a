//go:build unix

package store_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestLinksBesideTheDatabaseAreNotFollowed plants links, second names and pipes where the program
// keeps files of its own, as somebody whom the folder belongs to can. What they lead to stays
// as it is: its content, its mode, and that it is not there.
func TestLinksBesideTheDatabaseAreNotFollowed(t *testing.T) {
	backup := func(path string) error {
		_, err := store.Backup(t.Context(), path, filepath.Join(filepath.Dir(path), "copy.db"), nil)
		return err
	}
	for _, c := range []struct {
		name   string
		suffix string // after the database's path
		use    func(path string) error
	}{
		{"lock", ".lock", func(path string) error {
			lock, err := store.LockDaemon(path, store.Owner{PID: 1})
			if err == nil {
				return errors.Join(lock.Tell(store.Owner{PID: 2}), lock.Unlock())
			}
			return err
		}},
		{"crash", ".crash", func(path string) error {
			file, err := store.OpenPrivate(path+".crash", path, os.O_CREATE|os.O_RDWR)
			if err == nil {
				return errors.Join(file.Truncate(0), file.Close())
			}
			return err
		}},
		{"part of a backup", "/copy.db.part", backup},
	} {
		for kind, plant := range map[string]func(target, at string) error{
			"symbolic link": os.Symlink,
			"second name":   os.Link,
			"link to nothing": func(target, at string) error {
				return errors.Join(os.Remove(target), os.Symlink(target, at))
			},
			"pipe": func(_, at string) error { return syscall.Mkfifo(at, 0o600) },
		} {
			t.Run(c.name+", "+kind, func(t *testing.T) {
				folder := t.TempDir()
				path, target := filepath.Join(folder, "s.db"), filepath.Join(t.TempDir(), "target")
				s, err := store.Open(t.Context(), store.Options{Path: path, Create: true, Migrate: true})
				if err != nil {
					t.Fatal(err)
				}
				create(t, s, "acme", webhook.Config{Name: "a", URL: "u"})
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(target, []byte("precious"), 0o640); err != nil {
					t.Fatal(err)
				}
				at := path + c.suffix
				if strings.HasPrefix(c.suffix, "/") {
					at = store.PartOf(filepath.Join(folder, "copy.db"))
				}
				if err := plant(target, at); err != nil {
					t.Fatal(err)
				}
				if err := c.use(path); err == nil {
					t.Error("it was used")
				}
				info, err := os.Stat(target)
				if kind == "link to nothing" {
					if !errors.Is(err, os.ErrNotExist) {
						t.Errorf("the target was made: %v", err)
					}
					return
				}
				text, _ := os.ReadFile(target)
				if err != nil || string(text) != "precious" || info.Mode().Perm() != 0o640 {
					t.Errorf("the target is %q, %v, %v", text, info.Mode(), err)
				}
			})
		}
	}
}

// TestOwnerIsReadFromAFileOnly: what a link leads to names no daemon.
func TestOwnerIsReadFromAFileOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	target := filepath.Join(t.TempDir(), "target")
	if err := errors.Join(os.WriteFile(target, []byte(`{"pid":1}`), 0o600), os.Symlink(target, path+".lock")); err != nil {
		t.Fatal(err)
	}
	if owner, running := store.Daemon(path); running || owner.PID != 0 {
		t.Errorf("%+v", owner)
	}
}

// TestClaimIsOneFile makes a claim and writes nothing anywhere else.
func TestClaimIsOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	claim, lock, err := store.LockClaim(path, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	file, err := store.OpenPrivate(path+".direct-"+claim, path, os.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(file); err != nil || len(text) > 0 {
		t.Errorf("%q, %v", text, err)
	}
	if err := errors.Join(file.Close(), lock.Drop()); err != nil {
		t.Error(err)
	}
}
