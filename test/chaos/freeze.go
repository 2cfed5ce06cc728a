package main

import (
	"context"
	"syscall"
	"time"

	"sealpost/test/judge"
)

// freeze stops the daemon as a debugger or a paused machine does, for longer
// than an attempt may take, in the middle of deliveries. What was answered
// meanwhile may have come too late; nothing else may be sent again.
func freeze(ctx context.Context, w *world) error {
	w.receiver.behave("good", slow(100*time.Millisecond))
	if err := w.start(ctx); err != nil {
		return err
	}
	stop := w.client.load(2)
	defer stop()
	for range 2 {
		pass(ctx, time.Duration(150+w.random.IntN(150))*time.Millisecond)
		from := time.Now()
		if err := w.daemon.Process.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		pass(ctx, timeout+500*time.Millisecond)
		if err := w.daemon.Process.Signal(syscall.SIGCONT); err != nil {
			return err
		}
		w.frozen = append(w.frozen, judge.Span{From: from, To: time.Now()})
	}
	stop()
	return end(ctx, w)
}
