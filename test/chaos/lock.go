package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// lockFile takes the database's write lock, as another process would, until
// release is called.
func lockFile(ctx context.Context, path string) (release func() error, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return func() error { return errors.Join(tx.Rollback(), db.Close()) }, nil
}

// locked has another process hold the database's write lock for a while under
// load.
func locked(hold time.Duration) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		if err := w.start(ctx); err != nil {
			return err
		}
		stop := w.client.load(8)
		defer stop()
		pass(ctx, 200*time.Millisecond)
		release, err := lockFile(ctx, w.database())
		if err != nil {
			return err
		}
		pass(ctx, hold)
		if err := release(); err != nil {
			return err
		}
		pass(ctx, 200*time.Millisecond)
		stop()
		return end(ctx, w)
	}
}

// lockedForEver has another process hold the write lock for as long as the
// daemon lives: nothing may be acknowledged, the daemon has to say what is the
// matter, commands have to end with exit code 5, and so has another start; the
// daemon can be stopped, and what was accepted before is delivered afterwards.
func lockedForEver(ctx context.Context, w *world) error {
	w.receiver.behave("good", slow(300*time.Millisecond)) // so that outcomes come while the file is locked
	if err := w.start(ctx); err != nil {
		return err
	}
	if w.client.many(2) != 2 {
		return errors.New("a daemon whose file is not locked takes no events")
	}
	release, err := lockFile(ctx, w.database())
	if err != nil {
		return err
	}
	answers := make(chan bool)
	go func() { answers <- w.client.publish() }()
	if err := w.refused(ctx, "locked by another process", "publish", "chaos.made", "--data", "{}"); err != nil {
		return err
	}
	if <-answers {
		return errors.New("an event was acknowledged while the file was locked")
	}
	said := func() (bool, error) {
		log, err := os.ReadFile(w.logFile())
		return strings.Contains(string(log), "recording outcomes failed") && strings.Contains(string(log), "locked by another process"), err
	}
	if err := until(ctx, patience, said); err != nil {
		return fmt.Errorf("the daemon does not say that its file is locked: %w", err)
	}
	if err := w.halt(ctx); err != nil {
		return err
	}
	if err := w.start(ctx); err != nil { // it may start, if it has nothing to write
		log, _ := os.ReadFile(w.logFile())
		if code := w.daemon.ProcessState.ExitCode(); code != 5 || !strings.Contains(string(log), "locked by another process") {
			return fmt.Errorf("on a locked file the daemon ended with exit code %d: %s", code, tail(log))
		}
	} else if err := w.halt(ctx); err != nil {
		return err
	}
	if err := release(); err != nil {
		return err
	}
	if err := w.start(ctx); err != nil {
		return err
	}
	return end(ctx, w)
}

// halt stops the daemon in order when it may be unable to record what it
// knows: that counts as a crash.
func (w *world) halt(ctx context.Context) error {
	return errors.Join(w.stop(ctx), w.crashed(ctx))
}

// refused runs a command that has to end with exit code 5 and say why.
func (w *world) refused(ctx context.Context, why string, args ...string) error {
	text, err := w.command(ctx, args...).CombinedOutput()
	if code := exitCode(err); code != 5 || !strings.Contains(string(text), why) {
		return fmt.Errorf("sealpost %v ended with exit code %d, not with 5 and %q: %s", args, code, why, text)
	}
	return nil
}
