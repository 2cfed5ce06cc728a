package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"sealpost/test/judge"
)

// The disk has room for the log at its largest, 2000 pages, and then for what is
// in it; but others have so much there that not even half of the log finds any.
const (
	diskSize = 24 << 20
	ballast  = 20 << 20
)

// fullDisk has the database, its log and the log's index on a disk that load fills
// to the last page. Nothing is acknowledged then but what is stored, the answer
// says what is the matter, and what was stored before is delivered, though it
// can't be recorded. With room again the daemon goes on by itself, records what
// it knows, and repeats nothing. The next time it is killed while the disk is
// full: then what it could not record comes once more.
func fullDisk(ctx context.Context, w *world) (err error) {
	unmount, err := w.moveToDisk(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unmount()) }()
	w.receiver.behave("good", slow(20*time.Millisecond)) // so that outcomes come when the disk is full already
	if err := errors.Join(w.weigh(), w.start(ctx)); err != nil {
		return err
	}
	stop := w.client.load(8)
	defer stop()
	if err := w.untilFull(ctx); err != nil {
		return err
	}
	if err := w.refused(ctx, "no space is left on the disk", "publish", "chaos.made", "--data", "{}"); err != nil {
		return err
	}
	if err := w.allCame(ctx); err != nil {
		return fmt.Errorf("on a full disk, of what was stored before: %w", err)
	}
	if status, err := w.client.do(http.MethodGet, "/healthz", "", nil); err != nil || status != http.StatusOK {
		return fmt.Errorf("on a full disk the daemon says that it is not well: status %d: %w", status, err)
	}
	if err := errors.Join(os.Remove(w.ballast()), w.untilTaken(ctx)); err != nil {
		return err
	}
	stop()
	if err := w.rest(ctx); err != nil { // nothing was repeated so far: the judge knows of no crash
		return err
	}
	if err := w.verdict(ctx); err != nil {
		return err
	}

	if err := w.weigh(); err != nil {
		return err
	}
	stop = w.client.load(8)
	defer stop()
	if err := errors.Join(w.untilFull(ctx), w.allCame(ctx), w.crash(ctx)); err != nil {
		return err
	}
	stop()
	if err := w.start(ctx); err != nil { // it may, if it has nothing to write
		log, _ := os.ReadFile(w.logFile())
		if code := w.daemon.ProcessState.ExitCode(); code != 5 || !bytes.Contains(tail(log), []byte("no space is left")) {
			return fmt.Errorf("on a full disk the daemon ended with exit code %d: %s", code, tail(log))
		}
	} else if err := w.crash(ctx); err != nil {
		return err
	}
	if err := errors.Join(os.Remove(w.ballast()), w.start(ctx), w.untilTaken(ctx)); err != nil {
		return err
	}
	return end(ctx, w)
}

// moveToDisk puts the database on a small disk of its own, or says why there is
// none to be had.
func (w *world) moveToDisk(ctx context.Context) (unmount func() error, err error) {
	disk := filepath.Join(w.folder, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		return nil, err
	}
	if text, err := exec.CommandContext(ctx, "mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d", diskSize), "tmpfs", disk).CombinedOutput(); err != nil {
		return nil, impossible("no small disk can be mounted, which takes root: " + strings.TrimSpace(string(text)))
	}
	content, err := os.ReadFile(w.database())
	if err == nil {
		w.disk = disk
		w.env = append(w.env, "SEALPOST_STORAGE_MIN_FREE=0") // the disk is smaller than the default
		err = os.WriteFile(w.database(), content, 0o600)
	}
	return func() error {
		_ = w.daemon.Process.Kill()
		<-w.ended
		if text, err := exec.Command("umount", disk).CombinedOutput(); err != nil {
			return fmt.Errorf("umount: %w: %s", err, text)
		}
		return nil
	}, err
}

func (w *world) ballast() string { return filepath.Join(w.disk, "ballast") }

// weigh takes room away, if there is so much.
func (w *world) weigh() error {
	if err := os.WriteFile(w.ballast(), make([]byte, ballast), 0o600); !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return nil
}

// untilFull waits for the daemon to refuse an event because its file can't take
// it, and wants it to have said in its log why.
func (w *world) untilFull(ctx context.Context) error {
	refused := false
	err := until(ctx, patience, func() (bool, error) {
		var refusal struct{ Code string }
		place := w.client.next(`"text":"full?"`)
		if w.client.send(place) {
			return false, nil
		}
		status, err := w.client.do(http.MethodPost, "/api/event", w.client.line(place), &refusal)
		if err != nil || status/100 == 2 {
			return false, err
		}
		refused = true
		if status != http.StatusServiceUnavailable || refusal.Code != "unavailable" {
			return false, fmt.Errorf("an event is answered with %d %q", status, refusal.Code)
		}
		return true, nil
	})
	if err != nil && !refused {
		return breach(judge.Lost, "a disk of %d MiB takes whatever comes: %v", diskSize>>20, err)
	}
	if err != nil {
		return fmt.Errorf("filling the disk: %w", err)
	}
	if log, err := os.ReadFile(w.logFile()); err != nil || !bytes.Contains(log, []byte("no space is left on the disk")) {
		return fmt.Errorf("the daemon does not say that its disk is full: %s: %w", tail(log), err)
	}
	return nil
}

// untilTaken waits for the daemon to take events again.
func (w *world) untilTaken(ctx context.Context) error {
	err := until(ctx, patience, func() (bool, error) { return w.client.publish(), nil })
	if err != nil {
		err = fmt.Errorf("with room on the disk again no events are taken: %w", err)
	}
	return err
}

// allCame waits until everything that was acknowledged by now has come.
func (w *world) allCame(ctx context.Context) error {
	sent := w.client.log()
	return until(ctx, patience, func() (bool, error) {
		came := map[string]bool{}
		for _, r := range w.receiver.log() {
			came[r.ID] = true
		}
		for _, s := range sent {
			if s.Acknowledged && !came[s.ID] {
				return false, nil
			}
		}
		return true, nil
	})
}
