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
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if got, root := writable(path), os.Geteuid() == 0; got != root { // root may write to everything
		t.Errorf("a read-only file is writable: %t, for root: %t", got, root)
	}
	if writable(filepath.Join(path, "missing")) {
		t.Error("what is not there is writable")
	}
}
