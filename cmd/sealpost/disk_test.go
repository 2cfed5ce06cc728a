//go:build unix

package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWritable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !writable(path) {
		t.Error("one's own file is not writable")
	}
	if os.Geteuid() == 0 {
		t.Skip("root may write to everything")
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if writable(path) {
		t.Error("a read-only file is writable")
	}
}
