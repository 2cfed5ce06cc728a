package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// powerCut records what the daemon writes while it takes events, and then cuts
// the power at many points of the record: what was not synced by then is
// dropped, kept, or torn at sectors of 512 bytes. Every event whose
// acknowledgement had left by then must be there, in a file that is whole.
//
// The same record of a daemon built with synchronous=NORMAL must lose some:
// otherwise the replay would prove nothing.
func powerCut(ctx context.Context, w *world) error {
	result, err := w.cutPower(ctx)
	if err != nil {
		return err
	}
	if result.lost > 0 || result.damaged > 0 {
		return fmt.Errorf("of %d states, %d had lost an acknowledged event and %d were damaged; the first: %s", result.states, result.lost, result.damaged, result.first)
	}
	fmt.Printf("             FULL: 0 of %d states lost one of %d acknowledged events\n", result.states, result.acknowledged)
	mutant, err := seeded{"NORMAL", "internal/store/store.go", `"synchronous(full)"`, `"synchronous(normal)"`, "", ""}.build(ctx, filepath.Dir(w.folder))
	if err != nil {
		return err
	}
	other, err := newWorld(ctx, w.random.Uint64(), filepath.Dir(w.folder), mutant, "good")
	if err != nil {
		return err
	}
	defer func() { _ = other.close() }()
	result, err = other.cutPower(ctx)
	if err != nil {
		return err
	}
	if result.lost == 0 {
		return fmt.Errorf("synchronous=NORMAL lost nothing in %d states: the replay does not catch it", result.states)
	}
	fmt.Printf("             NORMAL: %d of %d states lost an acknowledged event, as they must\n", result.lost, result.states)
	return nil
}

type cuts struct {
	states, lost, damaged int
	acknowledged          int
	first                 string
}

const (
	cutEvents = 900 // enough for a checkpoint
	cutPoints = 160
)

func (w *world) cutPower(ctx context.Context) (result cuts, err error) {
	before, err := os.ReadFile(w.database())
	if err != nil {
		return result, err
	}
	trace := filepath.Join(w.folder, "trace")
	if err := w.start(ctx, "strace", "-f", "-qq", "-y", "-xx", "-s", "70000", "-o", trace, "-e", "trace=pwrite64,write,fsync,fdatasync,ftruncate,unlink,unlinkat"); err != nil {
		return result, err
	}
	done := make(chan int)
	for range 8 {
		go func() { done <- w.client.many(cutEvents / 8) }()
	}
	for range 8 {
		result.acknowledged += <-done
	}
	if err := w.stopTraced(ctx); err != nil {
		return result, err
	}
	steps, err := readTrace(trace, w.database())
	if err != nil {
		return result, err
	}
	if result.acknowledged == 0 || len(steps) < cutPoints {
		return result, fmt.Errorf("%d events were acknowledged and %d steps recorded", result.acknowledged, len(steps))
	}
	points := slices.Sorted(maps.Keys(w.choose(steps)))
	disk := newDisk(before)
	acknowledged := make(map[string]bool)
	for i, s := range steps {
		disk.do(s)
		for _, id := range s.acknowledged {
			acknowledged[id] = true
		}
		if len(points) == 0 || points[0] != i {
			continue
		}
		points = points[1:]
		for _, unsynced := range []fate{dropped, kept, torn} {
			found, err := w.examine(ctx, disk.after(unsynced, w.random))
			result.states++
			if err != nil {
				result.damaged++
				result.note(fmt.Sprintf("step %d, %s: %v", i, unsynced, err))
				continue
			}
			for id := range acknowledged {
				if !found[id] {
					result.lost++
					result.note(fmt.Sprintf("step %d, %s: %s is gone", i, unsynced, id))
					break
				}
			}
		}
	}
	return result, nil
}

func (c *cuts) note(what string) {
	if c.first == "" {
		c.first = what
	}
}

// choose picks where to cut: half of the points right after an
// acknowledgement, where losing is easiest.
func (w *world) choose(steps []step) map[int]bool {
	points := make(map[int]bool)
	var promises []int
	for i, s := range steps {
		if s.acknowledged != nil {
			promises = append(promises, i)
		}
	}
	for range cutPoints / 2 {
		points[w.random.IntN(len(steps))] = true
		if len(promises) > 0 {
			points[promises[w.random.IntN(len(promises))]] = true
		}
	}
	return points
}

// examine opens a disk as the next start would and lists the events there.
func (w *world) examine(ctx context.Context, files map[string][]byte) (found map[string]bool, err error) {
	folder, err := os.MkdirTemp(w.folder, "cut-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	path := filepath.Join(folder, "cut.db")
	for suffix, content := range files {
		if err := os.WriteFile(path+suffix, content, 0o600); err != nil {
			return nil, err
		}
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var integrity string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check`).Scan(&integrity); err != nil {
		return nil, err
	}
	if integrity != "ok" {
		return nil, errors.New(integrity)
	}
	var all sql.NullString
	if err := db.QueryRowContext(ctx, `SELECT group_concat(id) FROM event`).Scan(&all); err != nil {
		return nil, err
	}
	found = make(map[string]bool)
	for id := range strings.SplitSeq(all.String, ",") {
		found[id] = true
	}
	return found, nil
}

// fate is what becomes of what was written and not synced.
type fate string

const (
	dropped fate = "dropped"
	kept    fate = "kept"
	torn    fate = "torn"
)

const sector = 512

// disk is what a database's files hold for certain, and what they may hold.
type disk struct {
	synced   map[string][]byte // by suffix
	unsynced map[string][]step // in order
}

func newDisk(database []byte) *disk {
	return &disk{synced: map[string][]byte{"": database}, unsynced: make(map[string][]step)}
}

func (d *disk) do(s step) {
	switch s.call {
	case "pwrite64", "ftruncate":
		d.unsynced[s.file] = append(d.unsynced[s.file], s)
	case "fsync", "fdatasync":
		for _, u := range d.unsynced[s.file] {
			d.synced[s.file] = u.apply(d.synced[s.file])
		}
		delete(d.unsynced, s.file)
	case "unlink":
		delete(d.synced, s.file)
		delete(d.unsynced, s.file)
	}
}

// after is what the next start finds.
func (d *disk) after(unsynced fate, random *rand.Rand) map[string][]byte {
	files := make(map[string][]byte)
	for file, content := range d.synced {
		files[file] = slices.Clone(content)
	}
	if unsynced == dropped {
		return files
	}
	for file, steps := range d.unsynced {
		for _, s := range steps {
			if unsynced == torn {
				for _, part := range s.sectors() {
					if random.IntN(2) == 0 {
						files[file] = part.apply(files[file])
					}
				}
				continue
			}
			files[file] = s.apply(files[file])
		}
	}
	return files
}
