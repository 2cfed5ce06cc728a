//go:build unix

package file

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sealpost/test/story"
)

// nobody is an account without rights of its own; its number is the same nearly everywhere.
const nobody = 65534

// TestRootInTheFolderOfAService: what root makes in the folder of a service belongs to the
// service, whichever command makes it; and doctor tells root of what does not.
func TestRootInTheFolderOfAService(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	home := t.TempDir()
	for folder := home; len(folder) > len(os.TempDir()); folder = filepath.Dir(folder) {
		if err := os.Chmod(folder, 0o755); err != nil { // nobody has to get through
			t.Fatal(err)
		}
	}
	program := filepath.Join(home, "sealpost")
	if out, err := exec.Command("cp", story.Binary(t), program).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	folder, other := filepath.Join(home, "state"), filepath.Join(home, "other")
	for path, owner := range map[string]int{folder: nobody, other: nobody - 1} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, owner, owner); err != nil {
			t.Fatal(err)
		}
	}
	database := filepath.Join(folder, "deep", "er", "s.db")
	env := []string{"SEALPOST_DATABASE=" + database, "SEALPOST_EGRESS_ALLOW=127.0.0.0/8", "HOME=" + filepath.Join(folder, "home")}
	root := story.New(t, env)
	must := func(line string) string {
		t.Helper()
		out, errs, code := root.Run("", strings.Fields(line)...)
		if code != 0 {
			t.Fatalf("%s ends with %d: %s%s", line, code, out, errs)
		}
		return out
	}
	service := func(args ...string) (text string, code int) {
		t.Helper()
		cmd := root.Command(t.Context(), args...)
		cmd.Path = program
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		out, err := cmd.CombinedOutput()
		if err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	must("webhook create orders --url https://127.0.0.1:8443/hook")
	must(`publish order.paid --data {} --id e1`)
	must("db backup " + filepath.Join(folder, "backup.db"))
	must("db backup " + filepath.Join(folder, "deep", "backup.db"))
	must("db restore -y " + filepath.Join(folder, "backup.db"))
	must("token create ci")
	owned(t, folder)
	for _, line := range []string{"webhook create more --url https://127.0.0.1:8443/more", "delivery list", "db check", "db backup " + filepath.Join(folder, "third.db")} {
		if out, code := service(strings.Fields(line)...); code != 0 {
			t.Fatalf("the service: %s ends with %d: %s", line, code, out)
		}
	}

	// A restore to an empty place, and a folder that is not the service's.
	fresh := filepath.Join(folder, "fresh", "s.db")
	if out, errs, code := root.Run("", "--database", fresh, "db", "restore", filepath.Join(folder, "backup.db")); code != 0 {
		t.Fatalf("%s%s", out, errs)
	}
	owned(t, folder)
	must("db backup " + filepath.Join(other, "backup.db"))
	if info, err := os.Stat(filepath.Join(other, "backup.db")); err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Errorf("root's secrets were given to the owner of another folder (%v)", err)
	}

	// Doctor tells root of what the service can't open, and how to help.
	if out, _, _ := root.Run("", "doctor", "--database", fresh, "-o", "json"); !strings.Contains(out, `"check":"database.owner","subject":"`+fresh+`","status":"pass"`) {
		t.Errorf("doctor does not look at owners:\n%s", out)
	}
	if err := os.Chown(fresh, 0, 0); err != nil {
		t.Fatal(err)
	}
	out, _, code := root.Run("", "doctor", "--database", fresh)
	if code != 1 || !strings.Contains(out, "the service can't open it") || !strings.Contains(out, "chown 65534:65534 '"+fresh+"'") {
		t.Errorf("doctor ends with %d:\n%s", code, out)
	}
	if out, code := service("--database", fresh, "webhook", "list"); code == 0 {
		t.Errorf("the service can open it: %s", out)
	}
}

// owned checks that everything below a folder is the service's.
func owned(t *testing.T, folder string) {
	t.Helper()
	err := filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if stat := info.Sys().(*syscall.Stat_t); stat.Uid != nobody || stat.Gid != nobody {
			t.Errorf("%s belongs to %d:%d", path, stat.Uid, stat.Gid)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
