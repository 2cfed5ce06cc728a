//go:build unix

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// noFollow opens no link, and does not wait for somebody at the other end of a pipe.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// linked tells of a link that was not followed.
func linked(path string, err error) error {
	if errors.Is(err, syscall.ELOOP) {
		return fmt.Errorf("%s: %w", path, errLinked)
	}
	return err
}

// oneName reports whether something is a file with one name at most.
func oneName(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return info.Mode().IsRegular() && ok && stat.Nlink <= 1
}

// giveTo gives a file that root has opened to whoever owns the database.
func giveTo(file *os.File, database string) {
	if os.Geteuid() != 0 {
		return
	}
	if info, err := os.Stat(database); err == nil {
		if owner, ok := info.Sys().(*syscall.Stat_t); ok {
			_ = file.Chown(int(owner.Uid), int(owner.Gid)) // it works as it is, for root
		}
	}
}
