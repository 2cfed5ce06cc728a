package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

const (
	stored  = 1_000_000 // deliveries in the large file
	dueNow  = 100_000   // of those, due when the daemon starts
	within  = 0.15      // by which the large file may be slower
	perFill = 250       // events of one call to the store
)

// backlog measures how fast a daemon delivers what is due when it starts: on a
// file with nothing else in it, and on one with a million deliveries.
func backlog(ctx context.Context, b *bench) ([]row, error) {
	small, _, err := b.drain(ctx, 0)
	if err != nil {
		return nil, err
	}
	large, memory, err := b.drain(ctx, stored-dueNow)
	if err != nil {
		return nil, err
	}
	share := large / small
	title := fmt.Sprintf("%d due at once: ", dueNow)
	return []row{
		{title + "alone in the file", perSecond(small), "", plain},
		{title + fmt.Sprintf("among %d", stored), fmt.Sprintf("%s (%.2f of that)", perSecond(large), share), fmt.Sprintf("≥ %.2f", 1-within), judge(share >= 1-within)},
		{title + "memory, the most", megabytes(memory), "≤ 120 MB", judge(memory <= 120<<20)},
	}, nil
}

// drain delivers retries that are due at once from a file with so many ended
// deliveries; it returns the rate from the daemon's start, and the most memory
// that was seen.
func (b *bench) drain(ctx context.Context, ended int) (rate float64, memory int64, err error) {
	d, err := b.newDaemon(ctx)
	if err != nil {
		return 0, 0, err
	}
	d.stop()
	defer os.RemoveAll(d.folder) //nolint:errcheck // a temporary folder
	if err := fill(ctx, d.database(), ended); err != nil {
		return 0, 0, err
	}
	if err := b.reset(); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := d.start(ctx); err != nil {
		return 0, 0, err
	}
	defer d.stop()
	err = until(ctx, 5*time.Minute, 20*time.Millisecond, func() (bool, error) {
		now, err := d.process.memory()
		if err != nil {
			return false, err
		}
		memory = max(memory, now)
		s, err := b.received(false)
		return s.Events >= dueNow, err
	})
	if err != nil {
		return 0, 0, err
	}
	s, err := b.received(true)
	if err == nil && s.Count != dueNow {
		err = fmt.Errorf("%d requests for %d deliveries", s.Count, dueNow)
	}
	return dueNow / s.Last.Sub(began).Seconds(), memory, err
}

// fill puts deliveries into a file with the program's own code: first those that
// have ended, then those whose first attempt has failed and whose second is due.
func fill(ctx context.Context, path string, ended int) (err error) {
	s, err := store.Open(ctx, store.Options{Path: path})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, part := range []struct {
		from, events int
		state        webhook.DeliveryState
	}{{dueNow, ended, webhook.Delivered}, {0, dueNow, webhook.Pending}} {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(4)
		for n := 0; n < part.events; n += perFill {
			group.Go(func() error { return fillSome(ctx, s, part.from+n, part.state) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func fillSome(ctx context.Context, s *store.Store, from int, state webhook.DeliveryState) error {
	now := time.Now()
	batch := make([]webhook.Publication, perFill)
	for i := range batch {
		draft, err := webhook.DecodeDraft(appendEvent(nil, int64(from+i), now))
		if err != nil {
			return err
		}
		draft.ID = fmt.Sprintf("bench-%d", from+i)
		batch[i] = webhook.Publication{Organization: "default", Draft: draft, At: now}
	}
	results, err := s.Publish(ctx, batch)
	if err != nil {
		return err
	}
	outcomes := make([]*webhook.Outcome, len(results))
	for i, r := range results {
		if r.Err != nil || len(r.Deliveries) != 1 {
			return fmt.Errorf("%d deliveries: %w", len(r.Deliveries), r.Err)
		}
		outcomes[i] = &webhook.Outcome{
			Work: &webhook.Work{Key: r.Deliveries[0]}, State: state,
			Attempt: webhook.Attempt{N: 1, At: now, Status: http.StatusOK, Duration: time.Millisecond},
		}
		if state == webhook.Pending {
			outcomes[i].Due, outcomes[i].Attempt.Status = now, http.StatusServiceUnavailable
		}
	}
	_, err = s.Finish(ctx, outcomes)
	return err
}
