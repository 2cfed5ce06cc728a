package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// denials are the ways in which a database can be closed to who runs the program.
var denials = []struct {
	name          string
	files, folder os.FileMode
	log           bool     // is there beside the file
	why           []string // one of these is said
}{
	{"file, log and folder are read-only", 0o444, 0o555, true, []string{"read-only", "permission denied"}},
	{"the file is read-only", 0o444, 0o777, false, []string{"read-only"}},
	{"the folder is read-only", 0o666, 0o555, false, []string{"read-only", "permission denied"}},
	{"the file can't be read", 0o000, 0o777, true, []string{"can't open the database", "permission denied"}},
	{"the folder is closed", 0o600, 0o000, true, []string{"permission denied"}},
}

// readOnly has the daemon and commands of somebody with no rights find a database
// that they can't write: each says so and ends with exit code 5, the file is as it
// was, and nothing is left beside it.
func readOnly(ctx context.Context, w *world) error {
	for _, d := range denials {
		if err := w.pend(ctx); err != nil {
			return err
		}
		if !d.log { // who closes the file last takes it away
			if err := w.json(ctx, nil, "webhook", "list"); err != nil {
				return err
			}
		}
		before, err := os.ReadFile(w.database())
		if err != nil {
			return err
		}
		names, err := w.beside()
		if err != nil {
			return err
		}
		if err := errors.Join(os.Remove(w.database()+".lock"), w.permit(d.files, d.folder)); err != nil { // which would be in the way before the file is
			return err
		}
		for _, args := range [][]string{
			{"serve"}, {"publish", "chaos.made", "--data", "{}"}, {"publish", "chaos.made", "--data", "{}", "--direct"},
			{"webhook", "delete", "good", "-y"}, {"db", "restore", "-y", w.backupFile()},
		} {
			if err := w.denied(ctx, d.why, args...); err != nil {
				return fmt.Errorf("where %s: %w", d.name, err)
			}
		}
		if err := w.permit(0o600, 0o700); err != nil {
			return err
		}
		after, err := os.ReadFile(w.database())
		if err != nil {
			return err
		}
		left, err := w.beside()
		if err != nil || !bytes.Equal(before, after) || !slices.Equal(names, left) {
			return fmt.Errorf("where %s, the file was changed: %t, and there are %v after %v: %w", d.name, !bytes.Equal(before, after), left, names, err)
		}
	}
	if err := w.start(ctx); err != nil {
		return err
	}
	return end(ctx, w)
}

// pend leaves events pending, in the file's log as well, and a backup of them.
func (w *world) pend(ctx context.Context) error {
	w.receiver.behave("good", hang)
	defer w.receiver.behave("good", nil)
	if err := w.start(ctx); err != nil {
		return err
	}
	if w.client.many(3) != 3 {
		return errors.New("the daemon takes no events")
	}
	if err := w.json(ctx, nil, "db", "backup", "-y", w.backupFile()); err != nil {
		return err
	}
	return errors.Join(os.Chmod(w.backupFile(), 0o644), w.crash(ctx)) // somebody else has to read it
}

func (w *world) backupFile() string { return w.folder + "-backup.db" }

// denied runs the program as somebody with no rights of their own, whom no
// permission is bent for: root is nobody then. It has to end with exit code 5
// and say why.
func (w *world) denied(ctx context.Context, why []string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := w.command(ctx, args...)
	if os.Geteuid() == 0 {
		for path := filepath.Dir(w.folder); len(path) > len(os.TempDir()); path = filepath.Dir(path) {
			if err := os.Chmod(path, 0o711); err != nil { // a temporary folder, and nobody has to come by
				return err
			}
		}
		nobody := exec.CommandContext(ctx, "setpriv", append([]string{"--reuid=65534", "--regid=65534", "--clear-groups"}, cmd.Args...)...)
		nobody.Env = append(cmd.Env, "HOME=/nonexistent")
		cmd = nobody
	}
	text, err := cmd.CombinedOutput()
	if code := exitCode(err); code != 5 || !slices.ContainsFunc(why, func(reason string) bool { return strings.Contains(string(text), reason) }) {
		return fmt.Errorf("sealpost %v ended with exit code %d: %s", args, code, text)
	}
	return nil
}

// beside lists what is in the database's folder, but for what SQLite and a daemon
// have beside it while they work, and claims that could not be ended: the next
// process that may does so.
func (w *world) beside() (names []string, err error) {
	entries, err := os.ReadDir(w.folder)
	for _, e := range entries {
		suffix := strings.TrimPrefix(e.Name(), filepath.Base(w.database()))
		if !slices.Contains([]string{"-wal", "-shm", ".lock", ".crash"}, suffix) && !strings.HasPrefix(suffix, ".direct-") {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// permit sets the permissions of the database's files and of their folder.
func (w *world) permit(files, folder os.FileMode) error {
	if err := os.Chmod(w.folder, 0o700); err != nil { // so that its owner gets at the files
		return err
	}
	for _, suffix := range []string{"", "-wal", "-shm", ".lock", ".crash"} {
		if err := os.Chmod(w.database()+suffix, files); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return os.Chmod(w.folder, folder)
}
