//go:build unix

package store_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestLocksOfRoot: what root leaves beside a service's database, the service can open.
func TestLocksOfRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	if err := errors.Join(s.Close(), os.Chown(path, 4711, 4712)); err != nil {
		t.Fatal(err)
	}
	daemon, err := store.LockDaemon(path, store.Owner{})
	if err != nil {
		t.Fatal(err)
	}
	_, claim, err := store.LockClaim(path, now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(daemon.Unlock(), claim.Unlock()); err != nil {
			t.Error(err)
		}
	}()
	made, err := filepath.Glob(path + ".*")
	if err != nil || len(made) != 2 {
		t.Fatalf("%v (%v)", made, err)
	}
	for _, name := range made {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 4711 || owner.Gid != 4712 {
			t.Errorf("%s belongs to %d:%d", name, owner.Uid, owner.Gid)
		}
	}
}

// TestWipeBesideAReader: what can't be wiped is not said to be.
func TestWipeBesideAReader(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	reader, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close() //nolint:errcheck // it was only read
	tx, err := reader.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRowContext(t.Context(), `SELECT count(*) FROM webhook`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	create(t, s, "acme", webhook.Config{Name: "y", URL: "u"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := store.Wipe(t.Context(), path); err == nil || !strings.Contains(err.Error(), "another process reads") {
		t.Errorf("beside a reader: %v", err)
	}
	if err := errors.Join(tx.Rollback(), store.Wipe(t.Context(), path)); err != nil {
		t.Errorf("and after it: %v", err)
	}
}
