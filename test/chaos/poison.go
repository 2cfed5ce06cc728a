package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"sealpost/test/judge"
)

const (
	deepest  = 100_000       // nested lists
	largest  = 1<<20 - 1<<10 // bytes of one body
	poisoned = eventsOfEach  // the place of the event whose handling panics
	heaps    = 20            // of each large event
	heaviest = 256 << 20
)

// panics is a bug that no input is known to reach: handling one event panics.
var panics = seeded{
	name: "panic over one event", file: "internal/deliver/attempt.go",
	from: "\tanswer, ended := e.sender.send(e.life, work, to, signer)",
	to:   fmt.Sprintf("\tif work.EventID == \"chaos-%d\" {\n\t\tpanic(string(work.Bytes))\n\t}\n\tanswer, ended := e.sender.send(e.life, work, to, signer)", poisoned),
}

// poison publishes what is hard to swallow: bodies as large as they may be, others
// a hundred thousand levels deep, and an event over which the program panics.
func poison(ctx context.Context, w *world) error {
	binary, err := panics.build(ctx, filepath.Dir(w.folder))
	if err != nil {
		return err
	}
	w.binary = binary
	if err := w.start(ctx); err != nil {
		return err
	}
	if n := w.client.many(eventsOfEach); n != eventsOfEach {
		return fmt.Errorf("only %d of %d events were taken", n, eventsOfEach)
	}
	if place := w.client.next(`"text":"do-not-tell"`); place != poisoned || !w.client.send(place) {
		return fmt.Errorf("event %d was not taken, or is not the one", place)
	}
	for range heaps {
		if !w.client.send(w.client.next(`"text":"` + strings.Repeat("x", largest) + `"`)) {
			return errors.New("a large event was not taken")
		}
	}
	for _, deep := range []string{strings.Repeat("[", deepest) + strings.Repeat("]", deepest), strings.Repeat(`{"a":`, deepest) + "1" + strings.Repeat("}", deepest)} {
		var refusal struct{ Code string }
		status, err := w.client.do(http.MethodPost, "/api/event", `{"id":"deep","resource":"chaos","action":"made","body":{"deep":`+deep+`}}`, &refusal)
		if err != nil || status != http.StatusBadRequest || refusal.Code != "bad request" {
			return fmt.Errorf("a body %d levels deep was answered with %d %q: %w", deepest, status, refusal.Code, err)
		}
	}
	if n := w.client.many(eventsOfEach); n != eventsOfEach {
		return fmt.Errorf("only %d of %d events were taken after that", n, eventsOfEach)
	}
	faults := []error{w.rest(ctx), w.bounded(heaviest)}
	found, err := w.told("good")
	faults = append(faults, err)
	for _, d := range found {
		evil := d.Event == fmt.Sprintf("chaos-%d", poisoned)
		quarantined := d.State == "dead" && strings.HasPrefix(d.Reason, "quarantined: ") && d.failed(0) == "internal" && len(d.Attempts) == 1 && !strings.Contains(d.Reason, "do-not-tell")
		if evil != quarantined || !evil && d.State != "delivered" {
			faults = append(faults, fmt.Errorf("%s is %s: %s", d.Event, d.State, d.Reason))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	// What is quarantined is dead before its count is full, and the judge says so of it alone.
	err = end(ctx, w)
	var verdict broken
	if !errors.As(err, &verdict) || len(verdict) != 1 || verdict[0].Rule != judge.Lost || !strings.Contains(verdict[0].Detail, fmt.Sprintf("chaos-%d", poisoned)) {
		return fmt.Errorf("not the quarantined one alone: %w", err)
	}
	return nil
}
