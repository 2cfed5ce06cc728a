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
// A short record is cut at every point, one that is long enough for the log to
// be written into the database and begun anew at some. The same of a daemon
// built with synchronous=NORMAL must lose some: otherwise the replay would prove
// nothing.
func powerCut(ctx context.Context, w *world) error {
	for _, r := range []recording{{events: 320}, {events: 1600, points: 160, checkpoints: 2}} {
		if err := w.inNew(ctx, w.binary, func(other *world) error {
			result, err := other.cutPower(ctx, r)
			if err != nil {
				return err
			}
			fmt.Printf("             FULL: %d of %d states lost one of %d acknowledged events, %d were damaged\n", result.lost, result.states, result.acknowledged, result.damaged)
			if result.lost > 0 || result.damaged > 0 {
				return fmt.Errorf("power cuts lost or damaged something; the first: %s", result.first)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	mutant, err := seeded{"NORMAL", "internal/store/store.go", `"synchronous(full)"`, `"synchronous(normal)"`, "", ""}.build(ctx, filepath.Dir(w.folder))
	if err != nil {
		return err
	}
	return w.inNew(ctx, mutant, func(other *world) error {
		result, err := other.cutPower(ctx, recording{events: 480, points: 80})
		if err != nil {
			return err
		}
		if result.lost == 0 {
			return fmt.Errorf("synchronous=NORMAL lost nothing in %d states: the replay does not catch it", result.states)
		}
		fmt.Printf("             NORMAL: %d of %d states lost an acknowledged event, as they must\n", result.lost, result.states)
		return nil
	})
}

// inNew runs something in another world with one webhook.
func (w *world) inNew(ctx context.Context, binary string, run func(*world) error) (err error) {
	other, err := newWorld(ctx, w.random.Uint64(), filepath.Dir(w.folder), binary, "good")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.close()) }()
	return run(other)
}

// recording is what a daemon does before the power is cut, and how often that
// is tried.
type recording struct {
	events      int
	points      int // 0 is at every one
	checkpoints int // how often the log has to have been written into the database
}

type cuts struct {
	states, lost, damaged int
	acknowledged          int
	first                 string
}

func (w *world) cutPower(ctx context.Context, r recording) (result cuts, err error) {
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
		go func() { done <- w.client.many(r.events / 8) }()
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
	checkpoints := 0
	for _, s := range steps {
		if s.syncs() && s.file == "" {
			checkpoints++
		}
	}
	if result.acknowledged == 0 || len(steps) < r.events || checkpoints < r.checkpoints {
		return result, fmt.Errorf("%d events were acknowledged, %d steps and %d checkpoints recorded", result.acknowledged, len(steps), checkpoints)
	}
	points := w.choose(steps, r.points)
	disk := newDisk(before)
	acknowledged := make(map[string]bool)
	for i, s := range steps {
		for _, id := range s.acknowledged {
			acknowledged[id] = true
		}
		for _, unsynced := range points[i] {
			if err := w.cut(ctx, disk, unsynced, acknowledged, &result); err != nil {
				return result, fmt.Errorf("step %d: %w", i, err)
			}
		}
		disk.do(s)
	}
	return result, nil
}

// cut looks at what a disk holds after a power cut.
func (w *world) cut(ctx context.Context, disk *disk, unsynced fate, acknowledged map[string]bool, result *cuts) error {
	found, err := w.examine(ctx, disk.after(unsynced, w.random))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	result.states++
	if err != nil {
		result.damaged++
		result.note(fmt.Sprintf("%s: %v", unsynced, err))
		return nil
	}
	for id := range acknowledged {
		if !found[id] {
			result.lost++
			result.note(fmt.Sprintf("%s: %s is gone", unsynced, id))
			break
		}
	}
	return nil
}

func (c *cuts) note(what string) {
	if c.first == "" {
		c.first = what
	}
}

// choose picks before which steps to cut, and what then becomes of what is not
// synced. What a disk holds for certain changes with a sync only, and what it
// may hold with a write: looking just before each of them, when most has been
// acknowledged, is looking at every point.
func (w *world) choose(steps []step, most int) map[int][]fate {
	points := make(map[int][]fate)
	for i, s := range steps {
		if s.call == "pwrite64" || s.call == "ftruncate" || s.call == "unlink" {
			points[i] = append(points[i], kept, torn)
		}
		if s.syncs() || s.call == "unlink" {
			points[i] = append(points[i], dropped)
		}
	}
	if most == 0 {
		return points
	}
	places := slices.Sorted(maps.Keys(points))
	w.random.Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
	chosen := make(map[int][]fate)
	for _, i := range places[:min(most, len(places))] {
		chosen[i] = []fate{dropped, kept, torn}
	}
	return chosen
}

// examine opens a disk as the next start would and lists the events that are there
// with all of their deliveries.
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
	if err := db.QueryRowContext(ctx, `SELECT group_concat(id) FROM event e WHERE deliveries = (SELECT count(*) FROM webhook w JOIN delivery d ON d.webhook = w.seq AND d.event = e.seq)`).Scan(&all); err != nil {
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
