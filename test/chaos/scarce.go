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
	want := until(ctx, 20*time.Second, func() (bool, error) {
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

// readOnly has the daemon and commands find a database that they can't write.
func readOnly(ctx context.Context, w *world) error {
	w.receiver.behave("good", hang)
	if err := w.start(ctx); err != nil {
		return err
	}
	if w.client.many(3) != 3 {
		return errors.New("the daemon takes no events")
	}
	if err := w.crash(ctx); err != nil { // so that the log has what the file has not
		return err
	}
	w.receiver.behave("good", nil)
	if err := w.permit(0o444, 0o555); err != nil {
		return err
	}
	for _, args := range [][]string{{"serve"}, {"publish", "chaos.made", "--data", "{}"}, {"webhook", "delete", "good", "-y"}} {
		cmd := w.command(ctx, args...)
		if os.Geteuid() == 0 { // whom permissions don't bind
			bound := exec.CommandContext(ctx, "setpriv", append([]string{"--bounding-set=-dac_override,-dac_read_search"}, cmd.Args...)...)
			bound.Env = cmd.Env
			cmd = bound
		}
		if text, err := cmd.CombinedOutput(); exitCode(err) != 5 || !strings.Contains(string(text), "read-only") && !strings.Contains(string(text), "permission") {
			return fmt.Errorf("on a read-only file, sealpost %v ended with exit code %d: %s", args, exitCode(err), text)
		}
	}
	if err := w.permit(0o600, 0o700); err != nil {
		return err
	}
	if err := w.start(ctx); err != nil {
		return err
	}
	return end(ctx, w)
}

// permit sets the permissions of the database's files and of their folder.
func (w *world) permit(files, folder os.FileMode) error {
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		if err := os.Chmod(w.database()+suffix, files); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return os.Chmod(w.folder, folder)
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
