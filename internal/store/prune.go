package store

import (
	"context"
	"time"
)

// What has ended is kept for a while and then pruned, in up to three stages:
// first the bodies of events and what receivers answered, then the attempts
// before the last one, then the deliveries with all that is left of the event
// but its tombstone: id, type, time, state, how many deliveries it had, and the
// hash of its content, so that the id goes on standing for what it stood for.
//
// Each stage walks the events in order of acceptance and remembers how far it
// has come. An event that is old enough but has work (pending, parked, held,
// quarantined, or a delivery tried not long ago) becomes a straggler, which
// every later sweep looks at again. So a sweep costs by what has grown old
// since the last one, not by what the file holds.
//
// A step is one operation of the writer and as such all or nothing: a crash
// leaves each event whole or pruned. Steps are small, in rows, bytes and time,
// and after each one of a gentle sweep the writer is everybody else's for nine
// times as long. The pages that become free are used by the events to come; see
// [Wipe].

// Retention says for how long what has ended is kept; 0 is for good.
type Retention struct {
	Bodies   time.Duration // bytes of events, bodies of answers
	Attempts time.Duration // attempts before the last one
	Events   time.Duration // deliveries, and events but for their tombstones
}

// Pruned counts what a sweep took away, or would.
type Pruned struct {
	Bodies   int   `json:"bodies"`   // events whose bodies went while the rest stays
	Attempts int   `json:"attempts"` // events whose earlier attempts went while the rest stays
	Events   int   `json:"events"`   // events of which a tombstone stays
	Bytes    int64 `json:"bytes"`    // size of the events' bodies among it
	Kept     int   `json:"kept"`     // events that are old enough and have to stay for now
}

// PruneOptions say how a sweep goes about it.
type PruneOptions struct {
	Retention Retention
	Now       time.Time
	DryRun    bool         // only count
	Gentle    bool         // leave the file to others most of the time
	Each      func(Pruned) // called after each step with the counts so far; may be nil
}

const (
	pruneMost  = 512                  // events and deliveries of one step, at most, but for the first event's
	pruneLeast = 64                   // and below that a step's fixed cost would be most of it
	pruneBytes = 1 << 20              // size of the bodies of one step, but for the first
	pruneTime  = 2 * time.Millisecond // what a step should take; the next one is made larger or smaller by it
	clockSlack = 24 * time.Hour       // how far a clock may have been ahead, and its events hold up those after them
	pruneRest  = 9                    // times as long as a step took, with the wait for its turn, is the pause after it
)

// stage is one of the three walks.
type stage struct {
	name   string
	before int64 // what was accepted, and ended, before is old enough
	ahead  int64 // what was accepted after was by a clock that was ahead
	count  func(*Pruned) *int
}

// stages lists the walks that a retention asks for. One that would only take
// what a later one takes as well is left out.
func (r Retention) stages(now time.Time) (found []stage) {
	add := func(name string, keep time.Duration, count func(*Pruned) *int) {
		if keep > 0 {
			found = append(found, stage{name, millis(now.Add(-keep)), millis(now.Add(clockSlack)), count})
		}
	}
	if r.Events == 0 || r.Bodies < r.Events {
		add("bodies", r.Bodies, func(p *Pruned) *int { return &p.Bodies })
	}
	if r.Events == 0 || r.Attempts < r.Events {
		add("attempts", r.Attempts, func(p *Pruned) *int { return &p.Attempts })
	}
	add("events", r.Events, func(p *Pruned) *int { return &p.Events })
	return found
}

// Prune takes away what a retention lets go, in small steps with pauses, and
// returns what it was. It may run beside anything, another Prune included.
func (s *Store) Prune(ctx context.Context, opts PruneOptions) (Pruned, error) {
	p := &pruner{store: s, opts: opts, size: pruneLeast}
	for _, stage := range opts.Retention.stages(opts.Now) {
		if err := p.sweep(ctx, stage); err != nil {
			return p.total, fault(s.path, err)
		}
	}
	return p.total, nil
}

// pruner is one sweep under way.
type pruner struct {
	store *Store
	opts  PruneOptions
	size  int // events and deliveries of the next step
	total Pruned
}

func (p *pruner) sweep(ctx context.Context, stage stage) error {
	// Those that a sweep leaves behind are not looked at twice by it.
	var upto, last int64
	if err := p.store.read.QueryRowContext(ctx, `SELECT coalesce(max(upto), 0), coalesce((SELECT max(event) FROM straggler WHERE stage = ?1), 0)
		FROM pruning WHERE stage IN (?1, 'events')`, stage.name).Scan(&upto, &last); err != nil {
		return err
	}
	for _, walk := range []walk{{stage: stage, late: true, end: last}, {stage: stage, after: upto}} {
		for {
			more, err := p.step(ctx, &walk)
			if err != nil {
				return err
			}
			if !more {
				break
			}
		}
	}
	return nil
}

// step takes the next helping of a walk and reports whether there may be more.
func (p *pruner) step(ctx context.Context, w *walk) (more bool, err error) {
	// Looking first costs the writer nothing when there is nothing to do.
	h, err := w.helping(ctx, p.store.read, p.size)
	if err != nil || len(h.events) == 0 {
		return false, err
	}
	var took, all time.Duration // under the writer's lock but for the sync; with the sync and the wait for it
	if !p.opts.DryRun && (len(h.ripe) > 0 || !w.late) {
		came := time.Now()
		err = p.store.shared(ctx, true, func(tx *session) error {
			began := time.Now()
			defer func() { took = time.Since(began) }()
			if h, err = w.helping(ctx, tx.conn, p.size); err != nil {
				return err
			}
			clear(tx.stored) // room may come
			return tx.prune(ctx, w, h)
		}, nil)
		if err != nil {
			return false, err
		}
		all = time.Since(came)
		switch {
		case took > 2*pruneTime:
			p.size = max(p.size/2, pruneLeast)
		case took < pruneTime:
			p.size = min(p.size*2, pruneMost)
		}
	}
	*w.stage.count(&p.total) += len(h.ripe)
	p.total.Bytes += h.bytes
	if w.stage.name == "events" {
		p.total.Kept += len(h.unripe)
	}
	if p.opts.Each != nil {
		p.opts.Each(p.total)
	}
	if len(h.events) > 0 {
		w.after = h.events[len(h.events)-1].seq
	}
	if !p.opts.Gentle {
		all = 0
	}
	return !h.last, rest(ctx, pruneRest*all)
}

// rest pauses; it returns why ctx ended, if it did.
func rest(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
