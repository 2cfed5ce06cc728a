package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"sealpost/test/judge"
)

// killers are the system calls before which a program is killed, the first
// time, the second time and so on, until it comes through: whatever a program
// does to a file lies between two of them. Their numbers count by thread, so
// with several threads at work a place may be hit more than once.
var killers = []string{"pwrite64", syncing, "ftruncate"}

// killAt runs a command again and again, from the same database each time, and
// kills it at each of its calls that touch a file. After each death, and after
// the end of the run that came through, check looks at what is left.
func (w *world) killAt(ctx context.Context, args []string, check func(context.Context) error) error {
	before, err := w.save()
	if err != nil {
		return err
	}
	points := 0
	for _, call := range killers {
		for n := 1; ; n++ {
			if n > 200 {
				return fmt.Errorf("sealpost %v makes more than 200 calls of %s", args, call)
			}
			if err := w.restore(before); err != nil {
				return err
			}
			died, err := w.dies(ctx, fmt.Sprintf("%s:signal=SIGKILL:when=%d", call, n), args)
			if err != nil {
				return err
			}
			if err := check(ctx); err != nil {
				return fmt.Errorf("killed at %s %d: %w", call, n, err)
			}
			if !died {
				break
			}
			points++
		}
	}
	fmt.Printf("             killed at %d places: sealpost %v\n", points, args)
	if points == 0 {
		return fmt.Errorf("sealpost %v was never killed", args)
	}
	return nil
}

// dies runs a command under strace with a fault and reports whether that
// killed it.
func (w *world) dies(ctx context.Context, inject string, args []string) (bool, error) {
	trace := filepath.Join(w.folder, "trace")
	cmd := w.command(ctx, args...)
	above := exec.CommandContext(ctx, "strace", append([]string{"-f", "-qq", "-o", trace, "-e", "trace=" + callOf(inject), "-e", "inject=" + inject}, cmd.Args...)...)
	above.Env = cmd.Env
	out, err := above.CombinedOutput()
	text, reading := os.ReadFile(trace)
	if reading != nil {
		return false, reading
	}
	if killedBy(text) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("sealpost %v: %w: %s", args, err, out)
	}
	return false, nil
}

func callOf(inject string) string {
	call, _, _ := bytes.Cut([]byte(inject), []byte(":"))
	return string(call)
}

func killedBy(trace []byte) bool { return bytes.Contains(trace, []byte("killed by SIGKILL")) }

// save reads the database's files; restore puts them back.
func (w *world) save() (map[string][]byte, error) {
	files := make(map[string][]byte)
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(w.database() + suffix)
		switch {
		case err == nil:
			files[suffix] = content
		case !errors.Is(err, os.ErrNotExist):
			return nil, err
		}
	}
	return files, nil
}

func (w *world) restore(files map[string][]byte) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(w.database() + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	for suffix, content := range files {
		if err := os.WriteFile(w.database()+suffix, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// checkpoint kills the daemon under load at some of its writes to the database
// file itself, which only a checkpoint makes, and at their sync.
func checkpoint(ctx context.Context, w *world) error {
	for _, how := range []string{"pwrite64:signal=SIGKILL:when=1", "pwrite64:signal=SIGKILL:when=2", fmt.Sprintf("pwrite64:signal=SIGKILL:when=%d", 3+w.random.IntN(100)), syncing + ":signal=SIGKILL:when=1"} {
		trace := filepath.Join(w.folder, "trace")
		if err := w.start(ctx, "strace", "-f", "-qq", "-o", trace, "-P", w.database(), "-e", "trace="+callOf(how), "-e", "inject="+how); err != nil {
			return err
		}
		stop := w.client.load(8)
		select {
		case <-w.ended:
		case <-time.After(20 * time.Second):
		}
		stop()
		text, err := os.ReadFile(trace)
		if err != nil {
			return err
		}
		if !killedBy(text) {
			return fmt.Errorf("no checkpoint was met by %s", how)
		}
		if err := w.crashed(ctx); err != nil {
			return err
		}
	}
	if err := w.start(ctx); err != nil {
		return err
	}
	return end(ctx, w)
}

// ingest kills a quiet daemon at each write and sync while it takes one event,
// delivers it and records that. Each of the places in between has to be met.
// Calls are counted by thread, and which thread makes which is chance: a round
// may pass a place by, so there are more of them when one was not met.
func ingest(ctx context.Context, w *world) error {
	const rounds = 6
	met := make(map[string]int)
	missing := []string{starting, unstored, unanswered, unrecorded}
	for round := 1; len(missing) > 0; round++ {
		if round > rounds {
			return fmt.Errorf("in %d rounds the daemon was never killed %s: %v", rounds, strings.Join(missing, ", nor "), met)
		}
		if err := w.killAtEach(ctx, met); err != nil {
			return err
		}
		missing = slices.DeleteFunc(missing, func(place string) bool { return met[place] > 0 })
	}
	fmt.Printf("             killed at these places: %v\n", met)
	if err := w.start(ctx); err != nil {
		return err
	}
	return end(ctx, w)
}

// killAtEach is one round; it counts where the event was at each death.
func (w *world) killAtEach(ctx context.Context, met map[string]int) error {
	for _, call := range []string{"pwrite64", syncing, "write"} {
		for n := 1; ; n++ {
			if n > 100 {
				return fmt.Errorf("one event takes more than 100 calls of %s", call)
			}
			place, err := w.killOneEvent(ctx, fmt.Sprintf("%s:signal=SIGKILL:when=%d", call, n))
			if err != nil {
				return fmt.Errorf("killed at %s %d: %w", call, n, err)
			}
			if place == "" {
				break
			}
			met[place]++
		}
	}
	return nil
}

// Where an event was when the daemon died.
const (
	starting   = "before it was ready"
	unstored   = "before the event was on file"
	unanswered = "with the event on file, before the answer"
	unrecorded = "after the answer, before the delivery was recorded"
	recorded   = "after that"
)

// killOneEvent starts the daemon with a fault, sends one event and says where
// that was when the daemon died; nowhere when it did not. The event is sent
// again, and everything has ended, before the next one.
func (w *world) killOneEvent(ctx context.Context, how string) (place string, err error) {
	trace := filepath.Join(w.folder, "trace")
	ready := w.start(ctx, "strace", "-f", "-qq", "-o", trace, "-e", "trace="+callOf(how), "-e", "inject="+how)
	answered := false
	if ready == nil {
		answered = w.client.publish()
		_ = until(ctx, 400*time.Millisecond, func() (bool, error) {
			select {
			case <-w.ended:
				return true, nil
			default:
				return w.client.idle("/api/delivery?state=pending&limit=1")
			}
		})
	}
	w.signalTraced(syscall.SIGTERM)
	<-w.ended
	text, err := os.ReadFile(trace)
	if err != nil {
		return "", err
	}
	if err := w.crashed(ctx); err != nil {
		return "", err
	}
	if !killedBy(text) {
		return "", ready
	}
	if ready == nil {
		d, err := w.last(ctx)
		switch {
		case err != nil:
			return "", err
		case d == nil && answered:
			return "", errors.New("the event was acknowledged and is not on file")
		case d == nil:
			place = unstored
		case !answered:
			place = unanswered
		case d.State == judge.Pending:
			place = unrecorded
		default:
			place = recorded
		}
	} else {
		place = starting
	}
	if err := w.start(ctx); err != nil {
		return "", err
	}
	return place, errors.Join(w.client.again(), w.rest(ctx), w.stop(ctx))
}
