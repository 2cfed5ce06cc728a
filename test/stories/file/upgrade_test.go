package file

import (
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver

	"sealpost/test/bigfile"
	"sealpost/test/story"
)

// older makes a file as an older program left it.
func older(t *testing.T, deliveries int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.db")
	if err := bigfile.Make(t.Context(), path, bigfile.Spec{Deliveries: deliveries, Organizations: 5, Body: 60}); err != nil {
		t.Fatal(err)
	}
	return path
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// content is the schema and all rows of a file, but for the keys that each file makes
// for itself.
func content(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it was only read
	read := func(query string) (lines []string) {
		rows, err := db.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(path, err)
		}
		defer rows.Close() //nolint:errcheck // it was only read
		columns, err := rows.Columns()
		for err == nil && rows.Next() {
			values := make([]any, len(columns))
			places := make([]any, len(columns))
			for i := range values {
				places[i] = &values[i]
			}
			err = rows.Scan(places...)
			lines = append(lines, fmt.Sprintf("%v", values))
		}
		if err := errors.Join(err, rows.Err()); err != nil {
			t.Fatal(path, err)
		}
		slices.Sort(lines)
		return lines
	}
	sum := sha256.New()
	for _, line := range append(read(`SELECT name, sql FROM sqlite_schema`), read(`PRAGMA user_version`)...) {
		fmt.Fprintln(sum, line)
	}
	for _, table := range read(`SELECT name FROM sqlite_schema WHERE type = 'table'`) {
		if table = strings.Trim(table, "[]"); table != "key" {
			fmt.Fprintln(sum, table, read("SELECT * FROM "+table))
		}
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// TestUpgradeKilled kills the program at calls that touch the disk, all over an
// upgrade, and starts it again: the file is as after an upgrade that nobody killed, and
// the only copy is that of the file as it was.
func TestUpgradeKilled(t *testing.T) {
	old := older(t, 2000)
	before := content(t, old)
	whole := filepath.Join(t.TempDir(), "whole.db")
	copyTo(t, old, whole)
	program := story.New(t, nil)
	if _, errs, code := program.Run("", "db", "migrate", "--database", whole); code != 0 {
		t.Fatal(errs)
	}
	want := content(t, whole)
	killed, stepsLeft := 0, 0
	for _, call := range []string{"pwrite64", "write", "fsync", "fdatasync", "rename,renameat", "unlink,unlinkat"} {
		for n := 1; ; n++ {
			path := filepath.Join(t.TempDir(), "s.db")
			copyTo(t, old, path)
			died := program.KilledAt(call, n, "db", "migrate", "-q", "--database", path)
			if died {
				killed++
			}
			_, errs, code := program.Run("", "db", "migrate", "--database", path)
			if code != 0 {
				t.Fatalf("killed at %s %d, then: %s", call, n, errs)
			}
			if strings.Contains(errs, "migrating: step") && !strings.Contains(errs, "migrating: step 1 ") {
				stepsLeft++
			}
			if content(t, path) != want {
				t.Errorf("killed at %s %d: the file differs", call, n)
			}
			if copies, _ := filepath.Glob(path + ".before-*"); len(copies) != 1 || copies[0] != path+".before-9" {
				t.Errorf("killed at %s %d: the copies are %v", call, n, copies)
			} else if content(t, copies[0]) != before {
				t.Errorf("killed at %s %d: the copy differs from the file as it was", call, n)
			}
			if !died {
				break
			}
			if call == "pwrite64" {
				n *= 2 // there are hundreds of them
			}
		}
	}
	if killed < 20 || stepsLeft < 3 {
		t.Errorf("killed %d times, %d of them between steps", killed, stepsLeft)
	}
}

// TestUpgradeCopy: what is kept, who may read it, what is not followed, and what the
// next upgrade removes.
func TestUpgradeCopy(t *testing.T) {
	old := older(t, 300)
	before := content(t, old)
	program := story.New(t, nil)
	upgrade := func(args ...string) (path, errs string, code int) {
		path = filepath.Join(t.TempDir(), "s.db")
		copyTo(t, old, path)
		victim := filepath.Join(filepath.Dir(path), "victim")
		for name, text := range map[string]string{"victim": "mine", "s.db.before-20260101T000000Z": "a restore's", "s.db.before-3": "not ours"} {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{path + ".before-9", path + ".before-9.partial"} {
			if err := os.Symlink(victim, name); err != nil {
				t.Fatal(err)
			}
		}
		_, errs, code = program.Run("", append([]string{"db", "migrate", "--database", path}, args...)...)
		if text, err := os.ReadFile(victim); err != nil || string(text) != "mine" {
			t.Errorf("a link was followed: %q, %v", text, err)
		}
		for _, name := range []string{".before-20260101T000000Z", ".before-3"} {
			if _, err := os.Stat(path + name); err != nil {
				t.Errorf("what is not ours is gone: %v", err)
			}
		}
		return path, errs, code
	}
	path, errs, code := upgrade()
	if code != 0 || !strings.Contains(errs, "migrating: step 1 of ") || !strings.Contains(errs, path+".before-9") {
		t.Errorf("%d %s", code, errs)
	}
	info, err := os.Lstat(path + ".before-9")
	if err != nil || info.Mode() != 0o600 || content(t, path+".before-9") != before {
		t.Errorf("the copy: %v %v", info, err)
	}
	restored := filepath.Join(t.TempDir(), "restored.db")
	if _, errs, code := program.Run("", "db", "restore", path+".before-9", "--database", restored); code != 0 {
		t.Errorf("the copy can't be restored: %s", errs)
	}
	if out, errs, code := program.Run("", "db", "check", "--database", restored); code != 0 {
		t.Errorf("the restored copy: %s%s", out, errs)
	}
	for _, without := range []string{"--no-copy", "--database-migration-copy=false"} {
		path, errs, code = upgrade(without)
		if info, err := os.Lstat(path + ".before-9"); code != 0 || err != nil || info.Mode().IsRegular() {
			t.Errorf("%s: %d %v %v %s", without, code, info, err, errs)
		}
	}
	// An older copy of ours goes with the next upgrade; here it is the same file, of schema 8.
	eight, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	eight[63] = 8
	path = filepath.Join(t.TempDir(), "s.db")
	copyTo(t, old, path)
	if err := os.WriteFile(path+".before-8", eight, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := program.Run("", "db", "migrate", "--database", path); code != 0 {
		t.Fatal(errs)
	}
	if copies, _ := filepath.Glob(path + ".before-*"); len(copies) != 1 || copies[0] != path+".before-9" {
		t.Errorf("the copies are %v", copies)
	}
}

// TestUpgradeFull: where the copy does not fit, nothing is changed, and both ways out are told.
func TestUpgradeFull(t *testing.T) {
	path := older(t, 300)
	before := content(t, path)
	at := story.New(t, nil).Command(t.Context(), "db", "migrate", "--database", path)
	above := exec.CommandContext(t.Context(), "strace", append([]string{"-f", "-qq", "-o", os.DevNull, "-P", path + ".before-9.partial", "-e", "trace=write", "-e", "inject=write:error=ENOSPC", at.Path}, at.Args[1:]...)...)
	above.Env = at.Env
	said, err := above.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 5 {
		t.Errorf("%v: %s", err, said)
	}
	for _, want := range []string{"Nothing was changed", "free some space", "--no-copy", "database.migration_copy: false"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("no %q in %s", want, said)
		}
	}
	if copies, _ := filepath.Glob(path + ".before-*"); len(copies) > 0 || content(t, path) != before {
		t.Errorf("left: %v", copies)
	}
}

// TestUpgradeBesideDaemon: no command changes the schema under a running daemon. The daemon
// of an older version is played by one whose file is then replaced by an older one.
func TestUpgradeBesideDaemon(t *testing.T) {
	old := older(t, 300)
	path := filepath.Join(t.TempDir(), "s.db")
	program := story.New(t, []string{"SEALPOST_DATABASE=" + path, "SEALPOST_METRICS_LISTEN=off", "SEALPOST_EGRESS_ALLOW=127.0.0.0/8"})
	program.Serve()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	copyTo(t, old, path)
	before := content(t, old)
	for _, line := range []string{"db migrate", "db migrate --no-copy", "webhook create x --url https://127.0.0.1:8441/", "org create acme", "token create ci", "credential link --provider-user u --credential c", "serve --listen 127.0.0.1:0"} {
		_, errs, code := program.Run("", strings.Fields(line)...)
		if code != 5 || !strings.Contains(errs, "process ") || !strings.Contains(errs, "stop that") {
			t.Errorf("%s: %d %s", line, code, errs)
		}
		if content(t, path) != before {
			t.Fatalf("%s changed the file", line)
		}
	}
	if copies, _ := filepath.Glob(path + ".before-*"); len(copies) > 0 {
		t.Errorf("copies were made: %v", copies)
	}
}

// TestUpgradeLogged: the daemon logs the copy and each step.
func TestUpgradeLogged(t *testing.T) {
	path := older(t, 300)
	program := story.New(t, []string{"SEALPOST_DATABASE=" + path, "SEALPOST_METRICS_LISTEN=off"})
	_, logs := program.Serve()
	for _, want := range []string{"the database is kept as it was", "step=1 of=", "name=0010_key", "duration_ms="} {
		if !strings.Contains(logs.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, logs)
		}
	}
	if _, err := os.Stat(path + ".before-9"); err != nil {
		t.Error(err)
	}
}
