package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// scenario is one way in which the world is unkind.
type scenario struct {
	name     string
	quick    bool
	webhooks []string
	run      func(context.Context, *world) error
}

var scenarios = []scenario{
	{"kill", true, []string{"good", "flaky"}, killLoop},
	{"terminate", true, []string{"slow"}, terminate},
	{"second", true, []string{"good"}, secondDaemon},
	{"locked", true, []string{"good"}, locked},
	{"receivers", true, receiverNames(), receivers},
	{"change", true, []string{"slow", "gone"}, change},
	{"eio", false, []string{"good"}, inject("fsync", "error=EIO:when=40..42")},
	{"eioforever", false, []string{"good"}, inject("fsync", "error=EIO:when=40+")},
	{"enospc", false, []string{"good"}, inject("pwrite64", "error=ENOSPC:when=150..170")},
	{"killwrite", false, []string{"good"}, inject("pwrite64", "signal=SIGKILL:when=200")},
	{"killsync", false, []string{"good"}, inject("fsync", "signal=SIGKILL:when=50")},
	{"powercut", false, []string{"good"}, powerCut},
	{"mutants", false, nil, nil},
}

func init() { // mutants run other scenarios, so no literal can hold it
	scenarios[len(scenarios)-1].run = mutants
}

func names() (list []string) {
	for _, s := range scenarios {
		list = append(list, s.name)
	}
	return list
}

// try runs a scenario in a world of its own.
func (s scenario) try(ctx context.Context, seed uint64, folder, binary string) (err error) {
	w, err := newWorld(ctx, seed, folder, binary, s.webhooks...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	return s.run(ctx, w)
}

// end lets the daemon finish, stops it, and judges.
func end(ctx context.Context, w *world) error {
	restless := w.rest(ctx)
	if restless != nil {
		restless = fmt.Errorf("coming to rest: %w", restless)
	}
	if err := w.stop(ctx); err != nil {
		return errors.Join(restless, err)
	}
	return errors.Join(w.verdict(ctx), restless)
}

// killLoop kills the daemon at random moments under load.
func killLoop(ctx context.Context, w *world) error {
	w.receiver.behave("flaky", func(n int, rw http.ResponseWriter, r *http.Request) int {
		return first(n%3, status(http.StatusServiceUnavailable))(n, rw, r)
	})
	if err := w.start(ctx); err != nil {
		return err
	}
	stop := w.client.load(8)
	defer stop()
	for range 6 {
		pass(ctx, time.Duration(20+w.random.IntN(250))*time.Millisecond)
		if err := w.crash(ctx); err != nil {
			return err
		}
		if err := w.start(ctx); err != nil {
			return err
		}
	}
	stop()
	return end(ctx, w)
}

// terminate stops the daemon in order, in the middle of deliveries, twice.
func terminate(ctx context.Context, w *world) error {
	w.receiver.behave("slow", slow(40*time.Millisecond))
	if err := w.start(ctx); err != nil {
		return err
	}
	stop := w.client.load(8)
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

// secondDaemon starts another daemon on the file of a running one.
func secondDaemon(ctx context.Context, w *world) error {
	if err := w.start(ctx); err != nil {
		return err
	}
	stop := w.client.load(4)
	defer stop()
	for range 3 {
		other := w.command(ctx, "serve", "--listen", "127.0.0.1:0")
		text, err := other.CombinedOutput()
		if err == nil || !strings.Contains(string(text), "a daemon serves") {
			return fmt.Errorf("a second daemon was not refused: %w: %s", err, text)
		}
	}
	stop()
	return end(ctx, w)
}

// change rotates and deletes webhooks whose deliveries are in flight.
func change(ctx context.Context, w *world) error {
	w.receiver.behave("slow", slow(20*time.Millisecond))
	w.receiver.behave("gone", slow(20*time.Millisecond))
	if err := w.start(ctx); err != nil {
		return err
	}
	stop := w.client.load(8)
	defer stop()
	for range 3 {
		pass(ctx, 100*time.Millisecond)
		var rotated struct{ Secret string }
		if err := w.json(ctx, &rotated, "webhook", "rotate", "slow", "--now"); err != nil {
			return err
		}
		w.secrets["slow"] = append(w.secrets["slow"], rotated.Secret)
	}
	if err := w.json(ctx, nil, "webhook", "delete", "gone", "-y"); err != nil {
		return err
	}
	pass(ctx, 500*time.Millisecond) // what was in flight has arrived
	before := w.receiver.count("gone")
	pass(ctx, 300*time.Millisecond)
	stop()
	if after := w.receiver.count("gone"); after != before {
		return fmt.Errorf("a deleted webhook was called %d times more", after-before)
	}
	return end(ctx, w)
}
