//go:build unix

package store

import (
	"os"
	"syscall"
)

// likeOwner gives a file that root has made to whoever owns the database, as SQLite
// does with its own: a daemon that is not root could not open it, nor start.
func likeOwner(path, database string) {
	if os.Geteuid() != 0 {
		return
	}
	if info, err := os.Stat(database); err == nil {
		if owner, ok := info.Sys().(*syscall.Stat_t); ok {
			_ = os.Lchown(path, int(owner.Uid), int(owner.Gid)) // it works as it is, for root
		}
	}
}
