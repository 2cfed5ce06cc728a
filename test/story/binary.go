package story

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gofrs/flock"
)

// Root is the folder of the module: the first one above the test's own that
// holds go.mod.
func Root(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for at := folder; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			t.Fatalf("no go.mod in or above %s", folder)
		}
	}
}

// Binary is the path of the program as it ships: static, and without the race
// detector, which would make each start five times as long.
func Binary(t testing.TB) string { return filepath.Join(binaries(t), "sealpost") }

// Receiver is the path of the receiver that scripts call (test/receiver).
func Receiver(t testing.TB) string { return filepath.Join(binaries(t), "receiver") }

// Raced is the path of the program with the race detector. Use it where several
// goroutines of one process are what the test is about.
func Raced(t testing.TB) string {
	return filepath.Join(made(t, "race", "CGO_ENABLED=1", "-race"), "sealpost")
}

// binaries is the folder with the program, and the receiver and the stranger of the stories.
func binaries(t testing.TB) string {
	return made(t, "plain", "CGO_ENABLED=0", "-trimpath", "-ldflags", "-s -w")
}

// building has one entry for each kind of binary that this process has asked for.
var building sync.Map

// made builds the binaries of one kind, once in a process. All processes of one
// test run share the folder bin/test: the go command leaves a binary alone that
// is up to date. The lock keeps two processes from writing one file.
func made(t testing.TB, kind, env string, flags ...string) string {
	t.Helper()
	root := Root(t)
	folder := filepath.Join(root, "bin", "test", kind)
	once, _ := building.LoadOrStore(kind, sync.OnceValue(func() error {
		if err := os.MkdirAll(folder, 0o750); err != nil {
			return err
		}
		lock := flock.New(folder + ".lock")
		if err := lock.Lock(); err != nil {
			return err
		}
		defer lock.Unlock() //nolint:errcheck // the lock ends with the process at the latest
		for _, name := range []string{"cmd/sealpost", "test/receiver", "test/signup"} {
			args := append(append([]string{"build"}, flags...), "-o", filepath.Join(folder, filepath.Base(name)), "./"+name)
			cmd := exec.Command("go", args...)
			cmd.Dir, cmd.Env = root, append(os.Environ(), env)
			if out, err := cmd.CombinedOutput(); err != nil {
				return errors.New("building " + name + ": " + err.Error() + "\n" + string(out))
			}
		}
		return nil
	}))
	if err := once.(func() error)(); err != nil {
		t.Fatal(err)
	}
	return folder
}
