//go:build unix

package main

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// freeBytes is what an unprivileged process may still write in a folder.
func freeBytes(folder string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil //nolint:unconvert // their types differ between systems
}

// private reports whether only a file's owner may read it.
func private(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 == 0 }

// writable reports whether whoever runs this may write to a file. It asks without
// opening: to close a file takes away the locks that SQLite has on it.
func writable(path string) bool { return unix.Access(path, unix.W_OK) == nil }
