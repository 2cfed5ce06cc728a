package deliver

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/avast/retry-go/v4"

	"sealpost/internal/webhook"
)

// maxUnrecorded bounds the outcomes that wait to be written; beyond it no
// attempt starts, so that a database that can't be written stops the sending
// instead of making it forgetful.
const maxUnrecorded = 2048

// recordSilence is the shortest time between two log lines about outcomes that can't be
// recorded.
const recordSilence = time.Minute

// recorder writes outcomes, many to a commit, in the order in which they came.
// It outlives the attempts and tries again while the database is busy or
// failing: an outcome is only ever dropped when the process ends first, and
// then the delivery is simply due again.
type recorder struct {
	engine *Engine
	wake   chan struct{}
	done   chan struct{}
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	waiting []*webhook.Outcome
	writing int
	closing bool
}

func newRecorder(e *Engine) *recorder {
	r := &recorder{engine: e, wake: make(chan struct{}, 1), done: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

func (r *recorder) start() { go r.loop() }

// stop writes what is left and ends; ctx bounds how long that may take.
func (r *recorder) stop(ctx context.Context) {
	r.mu.Lock()
	r.closing = true
	r.mu.Unlock()
	r.poke()
	select {
	case <-r.done:
	case <-ctx.Done():
		grace := time.AfterFunc(finishGrace, r.cancel)
		defer grace.Stop()
		<-r.done
	}
	r.cancel()
}

// finishGrace is how long outcomes may still be written after a stop's time is
// over.
const finishGrace = 2 * time.Second

func (r *recorder) record(o *webhook.Outcome) {
	r.mu.Lock()
	r.waiting = append(r.waiting, o)
	r.mu.Unlock()
	r.poke()
}

func (r *recorder) full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting)+r.writing >= maxUnrecorded
}

func (r *recorder) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *recorder) loop() {
	defer close(r.done)
	for range r.wake {
		for {
			r.mu.Lock()
			batch := r.waiting
			r.waiting, r.writing = nil, len(batch)
			closing := r.closing
			r.mu.Unlock()
			if len(batch) == 0 {
				if closing {
					return
				}
				break
			}
			if !r.write(batch) {
				return
			}
		}
	}
}

// write records a batch, however long the database takes.
func (r *recorder) write(batch []*webhook.Outcome) bool {
	var stale []*webhook.Outcome
	var told time.Time
	err := retry.Do(func() (err error) {
		stale, err = r.engine.store.Finish(r.ctx, batch)
		return err
	}, retry.Context(r.ctx), retry.Attempts(0), retry.Delay(10*time.Millisecond), retry.MaxDelay(time.Second),
		retry.OnRetry(func(n uint, err error) {
			now := r.engine.opts.Now()
			if since := now.Sub(told); since >= 0 && since < recordSilence {
				return // on a full disk these lines would take the rest of it
			}
			told = now
			r.engine.opts.Log.Warn("recording outcomes failed; trying again", "outcomes", len(batch), "try", n+1, "error", err)
		}),
		retry.RetryIf(func(error) bool { return r.ctx.Err() == nil }))
	if err != nil {
		r.engine.opts.Log.Error("outcomes were not recorded; their deliveries are due again", "outcomes", len(batch), "error", errors.Join(err, context.Cause(r.ctx)))
		return false
	}
	r.mu.Lock()
	r.writing = 0
	r.mu.Unlock()
	r.engine.recorded(batch, stale)
	return true
}

// recorded lets go of deliveries whose outcomes are on file.
func (e *Engine) recorded(batch, stale []*webhook.Outcome) {
	e.mu.Lock()
	receivers := make(map[int64]*webhook.Receiver)
	for _, o := range batch {
		if l := e.lanes[o.Work.Key.Webhook]; o.Disabled != "" && l != nil {
			receivers[l.webhook] = l.receiver
		}
	}
	e.letGoLocked(batch, stale)
	e.mu.Unlock()
	for _, o := range batch {
		if receiver := receivers[o.Work.Key.Webhook]; o.Disabled != "" && receiver != nil {
			e.observe(func() { e.opts.Disabled(receiver, o) }, o.Work)
		}
	}
}

// letGoLocked is the part of recorded that needs the lock.
func (e *Engine) letGoLocked(batch, stale []*webhook.Outcome) {
	for _, o := range stale {
		e.opts.Log.Info("an outcome came too late: the delivery was changed meanwhile", "delivery", e.opts.DeliveryID(o.Work.Key))
		o.State, o.Due = webhook.Pending, e.opts.Now() // look what it is now
		if l := e.lanes[o.Work.Key.Webhook]; l != nil && o.Failed {
			l.revision = -1 // the file does not have this failure
		}
	}
	for _, o := range batch {
		l := e.lanes[o.Work.Key.Webhook]
		if l == nil {
			continue
		}
		l.dropLocked(o.Work)
		l.savedLocked(o)
		if o.Failed && l.health.Since.IsZero() {
			l.doubtful = true // a success that ended sooner may have been recorded before
		}
		if l.settled != nil {
			l.settled[o.Work.Key] = struct{}{}
		}
		if o.State == webhook.Pending {
			l.planLocked(o.Due)
			e.refillLocked(l)
		}
	}
	e.feedStarvedLocked()
}
