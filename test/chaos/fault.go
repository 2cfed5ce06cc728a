package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// syncing are the calls that have the disk hold a file: the database and its log
// are synced with fdatasync, a folder and a backup with fsync.
const syncing = "fsync,fdatasync"

// inject has strace make a system call of the daemon fail, or kill it there,
// under load; then the daemon is started again without.
func inject(call, how string) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		trace := filepath.Join(w.folder, "trace")
		err := w.start(ctx, "strace", "-f", "-qq", "-o", trace, "-e", "trace="+call, "-e", "inject="+call+":"+how)
		if err != nil {
			return err
		}
		stop := w.client.load(4)
		defer stop()
		select {
		case <-w.ended: // killed, as it was to be
		case <-time.After(2 * time.Second):
		}
		stop()
		if err := w.stopTraced(ctx); err != nil {
			return err
		}
		text, err := os.ReadFile(trace)
		if err != nil {
			return err
		}
		if !bytes.Contains(text, []byte("(INJECTED)")) && !bytes.Contains(text, []byte("killed by SIGKILL")) {
			return errors.New("no fault was made: the daemon came to rest before")
		}
		if err := w.start(ctx); err != nil {
			return err
		}
		if w.client.many(5) != 5 {
			return errors.New("the daemon takes no events after the fault")
		}
		return end(ctx, w)
	}
}

// stopTraced ends a daemon that runs under strace. Since nobody knows what a
// daemon with a broken disk had recorded, that counts as a crash.
func (w *world) stopTraced(ctx context.Context) error {
	w.signalTraced(syscall.SIGTERM)
	select {
	case <-w.ended:
	case <-time.After(5 * time.Second):
		w.signalTraced(syscall.SIGKILL)
		<-w.ended
	}
	return w.crashed(ctx)
}

// signalTraced signals the program under strace, which follows it.
func (w *world) signalTraced(signal syscall.Signal) {
	pid := w.daemon.Process.Pid
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for child := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(child); err == nil {
			_ = syscall.Kill(pid, signal)
		}
	}
}
