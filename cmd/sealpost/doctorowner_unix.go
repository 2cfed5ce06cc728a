//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"sealpost/internal/config"
	"sealpost/internal/store"
)

// Bits of a mode, as they stand for others.
const (
	mayRead  = 4
	mayWrite = 2
	mayEnter = 1
)

// reader is somebody whose rights to files are looked up.
type reader struct {
	uid    uint32
	groups map[uint32]bool
	name   string // for people: name (uid)
}

func newReader(of store.Account) reader {
	r := reader{uid: uint32(of.UID), groups: map[uint32]bool{uint32(of.GID): true}, name: strconv.Itoa(of.UID)}
	if known, err := user.LookupId(strconv.Itoa(of.UID)); err == nil {
		r.name = fmt.Sprintf("%s (%d)", known.Username, of.UID)
		ids, _ := known.GroupIds() // without them the group of the folder counts
		for _, id := range ids {
			if gid, err := strconv.ParseUint(id, 10, 32); err == nil {
				r.groups[uint32(gid)] = true
			}
		}
	}
	return r
}

// may reports whether the mode of a file gives r all rights of want.
func (r reader) may(info fs.FileInfo, want fs.FileMode) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	have := info.Mode().Perm()
	switch {
	case stat.Uid == r.uid:
		have >>= 6
	case r.groups[stat.Gid]:
		have >>= 3
	}
	return have&want == want
}

// examineOwners looks, as root, at what the service can't open though root can.
func (a *app) examineOwners(d *diagnosis, c *config.Config) {
	service, known := store.Service(c.Database)
	if os.Geteuid() != 0 || !known || service.UID == 0 {
		return
	}
	r := newReader(service)
	type need struct {
		path string
		want fs.FileMode
		fix  string
	}
	own := fmt.Sprintf("chown %d:%d ", service.UID, service.GID)
	folder := filepath.Dir(c.Database)
	needs := []need{{folder, mayRead | mayWrite | mayEnter, own + shellQuote(folder)}}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal", ".lock", ".crash"} {
		needs = append(needs, need{c.Database + suffix, mayRead | mayWrite, own + shellQuote(c.Database+suffix)})
	}
	for _, path := range []string{c.Secrets.KeyFile, c.TLS.KeyFile, c.TLS.CertFile, c.Egress.CAFile} {
		if path != "" {
			needs = append(needs, need{path, mayRead, "let " + r.name + " read it, and nobody who need not"})
		}
	}
	sound := true
	for _, n := range needs {
		// Folders above are left out: systemd shows a service its own by ways that are shut to others.
		info, err := os.Stat(n.path)
		if err != nil || r.may(info, n.want) {
			continue
		}
		sound = false
		d.fail("database.owner", n.path, n.fix, "the service can't open it: it runs as %s by the owner of the database, and this belongs to %s with mode %04o", r.name, ownerName(info), info.Mode().Perm())
	}
	if sound {
		d.pass("database.owner", c.Database, "%s, who owns it, can open all that the service needs", r.name)
	}
}

// ownerName says who owns a file.
func ownerName(info fs.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "somebody else"
	}
	return newReader(store.Account{UID: int(stat.Uid)}).name
}
