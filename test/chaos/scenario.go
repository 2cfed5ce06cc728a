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
	{"phases", true, []string{"good"}, phases},
	{"impatient", true, []string{"slow"}, impatient},
	{"recovery", true, []string{"slow"}, recovery},
	{"freeze", true, []string{"good"}, freeze},
	{"descriptors", true, []string{"good"}, descriptors},
	{"readonly", true, []string{"good"}, readOnly},
	{"backups", true, []string{"good"}, backups},
	{"full", true, []string{"good"}, fullDisk},
	{"locked", true, []string{"good"}, locked(time.Second)},
	{"locked30", false, []string{"good"}, locked(30 * time.Second)},
	{"lockedforever", false, []string{"good"}, lockedForEver},
	{"receivers", true, receiverNames(), receivers},
	{"answers", true, answerNames(), answers},
	{"later", false, laterNames(), wait},
	{"names", true, nameNames(), resolving},
	{"certificates", true, secrecyNames(), secrecy},
	{"poison", true, []string{"good"}, poison},
	{"retention", true, []string{"good", "later", "parked"}, retention},
	{"change", true, []string{"rotated", "moved", "parked", "gone"}, change},
	{"hostile", true, []string{"good"}, hostile},
	{"eio", false, []string{"good"}, inject(syncing, "error=EIO:when=40..42")},
	{"eioforever", false, []string{"good"}, inject(syncing, "error=EIO:when=40+")},
	{"enospc", false, []string{"good"}, inject("pwrite64", "error=ENOSPC:when=150..170")},
	{"killwrite", false, []string{"good"}, inject("pwrite64", "signal=SIGKILL:when=200")},
	{"killsync", false, []string{"good"}, inject(syncing, "signal=SIGKILL:when=50")},
	{"ingest", false, []string{"good"}, ingest},
	{"checkpoint", false, []string{"good"}, checkpoint},
	{"migration", false, []string{"good"}, migration},
	{"rotation", false, []string{"good"}, rotation},
	{"pruning", false, []string{"good"}, pruning},
	{"powercut", false, []string{"good"}, powerCut},
	{"mutants", false, nil, nil},
}

func init() { // mutants run other scenarios, so no literal can hold it
	scenarios[len(scenarios)-1].run = mutants
}

// impossible is why a scenario can't be tried here.
type impossible string

func (why impossible) Error() string { return "NOT TRIED: " + string(why) }

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
	restless := errors.Join(w.client.again(), w.rest(ctx))
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
