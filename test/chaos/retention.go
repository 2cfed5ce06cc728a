package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// ofEachKind is how many events of each kind have work that has not ended.
const ofEachKind = 10

// retention prunes whatever has ended a millisecond ago, again and again under a
// daemon, while deliveries wait for a retry, for their webhook to be enabled and
// for a receipt. All of those come in the end, and an id that was pruned stands
// for what it stood for.
func retention(ctx context.Context, w *world) error {
	if err := w.start(ctx); err != nil {
		return err
	}
	var done atomic.Bool
	var pruning sync.WaitGroup
	var fault error
	pruning.Go(func() {
		for !done.Load() && fault == nil {
			fault = w.prune(ctx)
		}
	})
	work := w.work(ctx)
	done.Store(true)
	pruning.Wait()
	if err := errors.Join(work, fault); err != nil {
		return err
	}
	if err := w.prune(ctx); err != nil {
		return err
	}
	for place := range 6 * ofEachKind {
		if !w.client.send(place) {
			return fmt.Errorf("event %d was pruned, and is not known when it is sent again", place)
		}
	}
	other := strings.Replace(w.client.line(0), `"body":{`, `"body":{"other":true,`, 1)
	if status, err := w.client.do(http.MethodPost, "/api/event", other, nil); err != nil || status != http.StatusConflict {
		return fmt.Errorf("other content under an id that was pruned is answered with %d: %w", status, err)
	}
	if err := end(ctx, w); err != nil {
		return err
	}
	file, err := w.look(ctx)
	if err != nil {
		return err
	}
	for _, e := range file.Events {
		if e.Bytes != nil || len(e.Deliveries) > 0 {
			return fmt.Errorf("all of %s has ended, and it was not pruned", e.ID)
		}
	}
	return nil
}

// work has events end, and others wait for each reason that there is until they
// are let go.
func (w *world) work(ctx context.Context) error {
	if n := w.client.many(6 * ofEachKind); n != 6*ofEachKind {
		return fmt.Errorf("%d of %d events were taken", n, 6*ofEachKind)
	}
	if err := errors.Join(w.rest(ctx), w.json(ctx, nil, "webhook", "update", "parked", "--disable")); err != nil {
		return err
	}
	w.receiver.behave("later", first(1, status(http.StatusServiceUnavailable, "Retry-After", "2")))
	w.client.many(ofEachKind)
	var held []int
	for range ofEachKind {
		place := w.client.next(`"waits":"for a receipt"`)
		if !w.client.sendTo("/api/event?receipt=await", place) {
			return errors.New("an event that waits was not taken")
		}
		held = append(held, place)
	}
	if err := until(ctx, patience, func() (bool, error) { return w.receiver.count("later") >= 7*ofEachKind, nil }); err != nil {
		return fmt.Errorf("first attempts: %w", err)
	}
	for range 5 {
		if err := w.prune(ctx); err != nil {
			return err
		}
	}
	if err := w.json(ctx, nil, "webhook", "update", "parked", "--enable"); err != nil {
		return err
	}
	for n, place := range held {
		if err := w.json(ctx, nil, "event", "receipt", w.client.log()[place].ID, "--transaction-hash", fmt.Sprintf("0x%064x", n+1), "--block-number", "97"); err != nil {
			return err
		}
	}
	return w.rest(ctx)
}

// prune takes away whatever has ended.
func (w *world) prune(ctx context.Context) error {
	return w.json(ctx, nil, "db", "prune", "--older-than", "1ms")
}
