package store_test

import (
	"path/filepath"
	"strings"
	"testing"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

func TestDaemonLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	if _, running := store.Daemon(path); running {
		t.Error("a daemon runs before one was started")
	}
	lock, err := store.LockDaemon(path, store.Owner{PID: 42, Started: now, Listen: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if owner, running := store.Daemon(path); !running || owner.PID != 42 {
		t.Errorf("%+v, %t", owner, running)
	}
	if _, err := store.LockDaemon(path, store.Owner{PID: 43}); webhook.CodeOf(err) != webhook.CodeUnavailable || !strings.Contains(err.Error(), "process 42") {
		t.Errorf("a second daemon: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if _, running := store.Daemon(path); running {
		t.Error("the lock outlives its owner")
	}
}
