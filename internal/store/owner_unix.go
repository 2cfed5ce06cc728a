//go:build unix

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

// Account is who runs the service of a database, as far as the files tell.
type Account struct{ UID, GID int }

// Service tells who owns a database, and so runs its service: the owner of the file, or of
// its folder where there is no file, or where root made the file in somebody else's folder.
// It is false where the folder can't be looked at.
func Service(database string) (Account, bool) {
	folder, err := os.Stat(filepath.Dir(database))
	if err != nil {
		return Account{}, false
	}
	of, known := accountOf(folder)
	if info, err := os.Stat(database); err == nil {
		if file, ok := accountOf(info); ok && (file.UID != 0 || !known) {
			return file, true
		}
	}
	return of, known
}

func accountOf(info fs.FileInfo) (Account, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Account{}, false
	}
	return Account{int(stat.Uid), int(stat.Gid)}, true
}

// giveTo gives a file that root has opened to whoever runs the service of a database.
func giveTo(file *os.File, database string) {
	if os.Geteuid() != 0 {
		return
	}
	if owner, ok := Service(database); ok {
		_ = file.Chown(owner.UID, owner.GID) // it works as it is, for root
	}
}

// GiveToService gives a file that root has made of a database to whoever runs its service,
// if the folder of the file is theirs: in any other folder, root's secrets stay root's.
func GiveToService(file *os.File, database string) {
	if os.Geteuid() != 0 {
		return
	}
	service, ok := Service(database)
	folder, err := os.Stat(filepath.Dir(file.Name()))
	if err != nil || !ok {
		return
	}
	if owner, ok := accountOf(folder); ok && owner.UID == service.UID {
		_ = file.Chown(service.UID, service.GID) // root can read it all the same
	}
}

// MakeFolder makes a folder with those above it, mode 0700. What root makes in somebody
// else's folder belongs to them: their service could not work in it otherwise.
func MakeFolder(path string) error {
	if os.Geteuid() != 0 {
		return os.MkdirAll(path, 0o700)
	}
	above, missing, err := mustAbs(path), "", error(nil)
	for {
		if _, err = os.Stat(above); !errors.Is(err, fs.ErrNotExist) || filepath.Dir(above) == above {
			break
		}
		missing = filepath.Join(filepath.Base(above), missing)
		above = filepath.Dir(above)
	}
	if err != nil || missing == "" {
		return os.MkdirAll(path, 0o700)
	}
	root, err := os.OpenRoot(above) // nobody can put a link in the way, to have another folder given away
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // it was only read
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	if err := root.MkdirAll(missing, 0o700); err != nil {
		return err
	}
	owner, ok := accountOf(info)
	for part := missing; ok && part != "."; part = filepath.Dir(part) {
		if err := root.Lchown(part, owner.UID, owner.GID); err != nil {
			return err
		}
	}
	return nil
}
