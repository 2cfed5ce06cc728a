//go:build linux

package file

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sealpost/test/story"
)

// TestSmallDisk runs out of space at each point of a publication with --direct and of other
// changes. What is said of a change agrees with the file and with itself, whatever was free.
func TestSmallDisk(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("a file system of its own can't be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(receiver.Close)
	database := filepath.Join(folder, "s.db")
	p := story.New(t, []string{"SEALPOST_DATABASE=" + database, "SEALPOST_EGRESS_ALLOW=127.0.0.0/8", "SEALPOST_EGRESS_ALLOW_HTTP=true", "SEALPOST_STORAGE_MIN_FREE=0"})
	if _, errs, code := p.Run("", "webhook", "create", "orders", "--url", receiver.URL); code != 0 {
		t.Fatal(errs)
	}
	sound, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	filled := filepath.Join(folder, "filled")
	refused, half := 0, 0
	for _, free := range []int{0, 8, 36, 48, 60, 64, 68, 72, 76, 80, 84, 88, 96, 128} { // KiB
		for _, line := range []string{`publish order.paid --id e1 --data {} --direct`, `publish order.paid --id e1 --data {}`, `webhook list`} {
			for _, name := range []string{filled, database + "-wal", database + "-shm"} {
				_ = os.Remove(name)
			}
			if err := os.WriteFile(database, sound, 0o600); err != nil {
				t.Fatal(err)
			}
			fill(t, filled, folder, free)
			_, errs, code := p.Run("", strings.Fields(line)...)
			if err := os.Remove(filled); err != nil {
				t.Fatal(err)
			}
			_, _, found := p.Run("", "event", "get", "e1")
			stored := found == 0
			switch {
			case code == 0:
				if !stored && strings.HasPrefix(line, "publish") {
					t.Errorf("%d KiB free: %s ends well, and nothing is there", free, line)
				}
				continue
			case code != 5 || !strings.Contains(errs, "no space") || strings.Contains(errs, "permission"):
				t.Errorf("%d KiB free: %s ends with %d: %s", free, line, code, errs)
			}
			refused++
			if stored {
				half++
			}
			for text, holds := range map[string]bool{
				"nothing was stored":      !stored,
				"the event e1 is stored":  stored,
				"known":                   strings.HasPrefix(line, "publish"),
				"this change was not":     strings.HasPrefix(line, "publish"),
				"a receiver may have got": stored,
			} {
				if strings.Contains(errs, text) && !holds {
					t.Errorf("%d KiB free: %s says what is not so (stored: %v): %s", free, line, stored, errs)
				}
			}
			if stored && strings.HasPrefix(line, "publish") && !strings.Contains(errs, "the event e1 is stored") {
				t.Errorf("%d KiB free: %s does not say that the event is stored: %s", free, line, errs)
			}
		}
	}
	if refused == 0 || half == 0 {
		t.Errorf("space ran out %d times, %d times after the event was stored", refused, half)
	}
}

// fill leaves so many KiB of a file system free.
func fill(t *testing.T, name, folder string, free int) {
	t.Helper()
	var stat syscall.Statfs_t
	if err := syscall.Statfs(folder, &stat); err != nil {
		t.Fatal(err)
	}
	if n := int(stat.Bavail)*int(stat.Bsize) - free<<10; n > 0 {
		if err := os.WriteFile(name, make([]byte, n), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}
