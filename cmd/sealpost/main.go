// Command sealpost sets webhooks up, publishes events, delivers them signed
// and durably retried, verifies signatures, and runs as a daemon.
//
// One file a noun: root.go has the flags that every command shares, exit.go
// maps errors to exit codes, output.go writes tables and JSON, source.go reads
// @FILE, - and env:NAME; the rest are the commands.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// version is set by the release build.
var version = "dev"

func main() {
	os.Exit(run(os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}, os.Environ()))
}

// streams are the three that a process has.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run is the whole program but for the process around it; it returns the exit
// code.
func run(args []string, s streams, env []string) (code int) {
	a := &app{streams: s, args: args, env: env, now: time.Now}
	defer func() {
		if r := recover(); r != nil {
			code = a.report(bug{r, debug.Stack()})
		}
	}()
	ctx, stop := signals(a)
	defer stop()
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = interruption(cause, err)
	}
	var v verdict
	if err == nil || errors.As(err, &v) {
		for _, line := range a.last {
			a.say("%s", line)
		}
	}
	return a.report(err)
}

// signalled is the cause of a context that a signal ended.
type signalled struct{ signal os.Signal }

func (s signalled) Error() string {
	if s.signal == syscall.SIGTERM {
		return "stopped by SIGTERM"
	}
	return "stopped by SIGINT (Ctrl-C)"
}

// signals returns a context that the first SIGINT or SIGTERM ends. The second
// one leaves at once, as does the first while input is awaited.
func signals(a *app) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	seen := make(chan os.Signal, 2)
	signal.Notify(seen, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for first := true; ; first = false {
			select {
			case sig := <-seen:
				if !first {
					os.Exit(signalCode(sig))
				}
				cancel(signalled{sig})
				a.interrupt(signalled{sig})
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(seen)
		close(done)
		cancel(nil)
	}
}
