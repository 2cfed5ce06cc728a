package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"sealpost/test/judge"
)

// terminate stops the daemon in order, in the middle of deliveries that have
// time to end: nothing is sent twice.
func terminate(ctx context.Context, w *world) error {
	w.receiver.behave("slow", slow(40*time.Millisecond))
	if err := w.start(ctx); err != nil {
		return err
	}
	stop := w.client.load(2)
	defer stop()
	for range 2 {
		pass(ctx, time.Duration(100+w.random.IntN(200))*time.Millisecond)
		if err := w.stop(ctx); err != nil {
			return err
		}
		if err := w.start(ctx); err != nil {
			return err
		}
	}
	stop()
	return end(ctx, w)
}

// impatient stops the daemon while a receiver takes longer than the grace
// allows, and then while it does so again by two signals: the first stop cuts
// the attempt, the second signal leaves at once. Neither costs an attempt.
func impatient(ctx context.Context, w *world) error {
	w.env = append(w.env, "SEALPOST_DELIVERY_TIMEOUT=30s", "SEALPOST_DELIVERY_SHUTDOWN_GRACE=500ms")
	arrived := make(chan struct{}, 16)
	w.receiver.behave("slow", func(n int, rw http.ResponseWriter, r *http.Request) int {
		arrived <- struct{}{}
		return hang(n, rw, r)
	})
	if err := w.start(ctx); err != nil {
		return err
	}
	if w.client.many(3) != 3 {
		return errors.New("the daemon takes no events")
	}
	<-arrived
	began := time.Now()
	if err := w.halt(ctx); err != nil {
		return err
	}
	if took := time.Since(began); took < 400*time.Millisecond || took > 5*time.Second {
		return fmt.Errorf("with a grace of 500ms the daemon ended %s after the signal", took)
	}

	w.env = append(w.env, "SEALPOST_DELIVERY_SHUTDOWN_GRACE=30s")
	if err := w.start(ctx); err != nil {
		return err
	}
	<-arrived
	for range 2 {
		if err := w.daemon.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		pass(ctx, 100*time.Millisecond) // two signals at once are one
	}
	select {
	case <-w.ended:
	case <-time.After(2 * time.Second):
		return errors.New("a second signal does not end the daemon at once")
	}
	if code := w.daemon.ProcessState.ExitCode(); code != 143 {
		return fmt.Errorf("ended by a second SIGTERM, the daemon has exit code %d, not 143", code)
	}
	if err := w.crashed(ctx); err != nil {
		return err
	}
	file, err := w.look(ctx)
	if err != nil {
		return err
	}
	for _, e := range file.Events {
		if d := e.Deliveries[0]; d.State != judge.Pending || d.Attempts != 0 {
			return fmt.Errorf("%s is %s with %d attempts after two stops that cut it", e.ID, d.State, d.Attempts)
		}
	}
	w.receiver.behave("slow", nil)
	if err := w.start(ctx); err != nil {
		return err
	}
	return end(ctx, w)
}

// recovery kills the daemon with a backlog, and ends it in order again and
// again while it has hardly begun to take that up. Whatever was tried twice by
// then has been asked to wait, which no restart cuts short.
func recovery(ctx context.Context, w *world) error {
	w.receiver.behave("slow", func(n int, rw http.ResponseWriter, r *http.Request) int {
		return status(http.StatusServiceUnavailable, "Retry-After", strconv.Itoa(2*(n-1)))(n, rw, r)
	})
	if err := w.start(ctx); err != nil {
		return err
	}
	stop := w.client.load(4)
	defer stop()
	pass(ctx, 300*time.Millisecond)
	if err := w.crash(ctx); err != nil {
		return err
	}
	stop()
	w.receiver.behave("slow", nil)
	for n := range 8 {
		if err := w.launch(ctx); err != nil {
			return err
		}
		pass(ctx, time.Duration(n*8+w.random.IntN(8))*time.Millisecond)
		if err := w.daemon.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		select {
		case <-w.ended:
		case <-time.After(8 * time.Second):
			return errors.New("the daemon does not stop during recovery")
		}
		// Before it listens to signals it ends as any program does.
		if code := w.daemon.ProcessState.ExitCode(); code != 0 && code != 143 && code != -1 {
			return fmt.Errorf("stopped during recovery, the daemon has exit code %d", code)
		}
		if err := w.autopsy(ctx); err != nil {
			return err
		}
	}
	if err := w.start(ctx); err != nil {
		return err
	}
	return end(ctx, w)
}
