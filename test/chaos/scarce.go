package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// descriptors takes file descriptors away from a daemon that counts on more
// of them, and what is left by idle connections; then it gives all back.
func descriptors(ctx context.Context, w *world) error {
	if err := w.start(ctx); err != nil {
		return err
	}
	stop := w.client.load(4)
	defer stop()
	pass(ctx, 100*time.Millisecond)
	if err := w.limit(ctx, "48:"); err != nil {
		return err
	}
	var idle []net.Conn
	for range 64 {
		conn, err := net.DialTimeout("tcp", w.address, time.Second)
		if err != nil {
			break // even the queue is full
		}
		idle = append(idle, conn)
	}
	want := until(ctx, patience, func() (bool, error) {
		log, err := os.ReadFile(w.logFile())
		return strings.Contains(string(log), "too many open files"), err
	})
	pass(ctx, time.Second) // of want, while events come in
	for _, conn := range idle {
		if err := conn.Close(); err != nil {
			return err
		}
	}
	if err := w.limit(ctx, "4096:"); err != nil {
		return err
	}
	if want != nil {
		return fmt.Errorf("the daemon never ran out of file descriptors, so nothing was tried: %w", want)
	}
	pass(ctx, 200*time.Millisecond)
	stop()
	if w.client.many(5) != 5 {
		return errors.New("the daemon takes no events after the want of file descriptors")
	}
	return end(ctx, w)
}

// limit sets how many files the running daemon may have open.
func (w *world) limit(ctx context.Context, files string) error {
	out, err := exec.CommandContext(ctx, "prlimit", "--pid", strconv.Itoa(w.daemon.Process.Pid), "--nofile="+files).CombinedOutput()
	if err != nil {
		return fmt.Errorf("prlimit: %w: %s", err, out)
	}
	return nil
}

// exitCode is how a command ended; 0 when it ended well.
func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}
