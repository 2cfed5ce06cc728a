package deliver

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"sealpost/internal/webhook"
)

// Store is what the engine needs of the place where deliveries are kept.
type Store interface {
	// Backlogs lists the webhooks with pending deliveries.
	Backlogs(ctx context.Context) ([]webhook.Backlog, error)
	// First lists deliveries not tried yet, after an event, in order of acceptance.
	First(ctx context.Context, webhook, after int64, limit int) ([]*webhook.Work, error)
	// Due lists retries that are due, the longest due first.
	Due(ctx context.Context, webhook int64, now time.Time, limit int) ([]*webhook.Work, error)
	// NextDue is the first retry after a time; zero when there is none.
	NextDue(ctx context.Context, webhook int64, after time.Time) (time.Time, error)
	// Since lists what events after the given one brought, and the last one seen.
	Since(ctx context.Context, after int64, limit int) ([]*webhook.Work, int64, error)
	// LastEvent is the number of the newest event.
	LastEvent(ctx context.Context) (int64, error)
	// Claimed reports whether a delivery is pending still, under a claim.
	Claimed(ctx context.Context, key webhook.DeliveryKey, claim int64) (bool, error)
	// Payload reads an event's bytes.
	Payload(ctx context.Context, event int64) ([]byte, error)
	// Receiver reads where a webhook's deliveries go today.
	Receiver(ctx context.Context, webhook int64) (*webhook.Receiver, error)
	// Finish records outcomes; stale are those whose claim was overtaken.
	Finish(ctx context.Context, outcomes []*webhook.Outcome) (stale []*webhook.Outcome, err error)
}

// Options are the engine's settings. Zero values mean the defaults named here.
type Options struct {
	Policy             webhook.RetryPolicy
	Timeout            time.Duration // of one attempt, from dial to last body byte; 60 s
	DisableAfter       time.Duration // of nothing but failures; see [webhook.Health]; 5 days
	MaxInFlight        int           // requests under way at a time; 8192
	WebhookMaxInFlight int           // of those to one webhook, unless it has its own limit; 32
	MaxPerHost         int           // of those to one host and port, over all webhooks; 256
	UserAgent          string
	Log                *slog.Logger
	Now                func() time.Time
	Observe            func(Observation) // called once an attempt; must return at once

	// Disabled is called once a webhook was disabled because of an attempt, which says
	// why in its outcome. It must return at once.
	Disabled func(*webhook.Receiver, *webhook.Outcome)

	DeliveryID func(webhook.DeliveryKey) string // public id of a delivery, for the log; its plain numbers when nil
}

// Observation is one attempt and what followed, for logs and metrics.
type Observation struct {
	Work     *webhook.Work
	Receiver *webhook.Receiver
	Outcome  *webhook.Outcome
	Panic    *Panic // handling the delivery panicked; nil as a rule
}

func (o Options) withDefaults() Options {
	if o.DeliveryID == nil {
		o.DeliveryID = webhook.DeliveryKey.String
	}
	set(&o.Timeout, 60*time.Second)
	set(&o.DisableAfter, 5*24*time.Hour)
	set(&o.MaxInFlight, 8192)
	set(&o.WebhookMaxInFlight, 32)
	set(&o.MaxPerHost, 256)
	set(&o.UserAgent, "sealpost")
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Observe == nil {
		o.Observe = func(Observation) {}
	}
	if o.Disabled == nil {
		o.Disabled = func(*webhook.Receiver, *webhook.Outcome) {}
	}
	return o
}

func (o Options) sender(client Doer) Sender {
	return Sender{Client: client, Timeout: o.Timeout, UserAgent: o.UserAgent, Now: o.Now}
}

func set[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// Engine delivers. Make it with [New], start it with [Engine.Start], tell it
// of new work with [Engine.Offer], end it with [Engine.Stop].
type Engine struct {
	store  Store
	sender Sender
	opts   Options

	life context.Context // ends when attempts are cut
	cut  context.CancelCauseFunc
	wg   sync.WaitGroup // attempts, loads and catch-ups under way

	ending chan struct{} // closed when no new attempt may start

	recorder *recorder
	revision atomic.Int64 // grows when receivers may have changed

	mu        sync.Mutex
	lanes     map[int64]*lane
	room      room
	names     names
	hosts     hosts
	crew      crew
	lacking   []*lane // want to read from the file
	readers   int     // goroutines that read for them
	queued    int     // bytes held in queues
	fed       int64   // number of the last event handed to lanes
	behind    bool    // events after fed are on file and being read
	again     bool    // while behind: more came
	looking   bool    // reading what else is pending
	lookAgain bool    // while looking: more came
	stopping  bool
}

// New makes an engine that is not running yet.
func New(store Store, client Doer, opts Options) *Engine {
	opts = opts.withDefaults()
	e := &Engine{store: store, sender: opts.sender(client), opts: opts, lanes: make(map[int64]*lane), ending: make(chan struct{})}
	e.room.most, e.hosts.most = e.opts.MaxInFlight, e.opts.MaxPerHost
	e.life, e.cut = context.WithCancelCause(context.Background())
	e.recorder = newRecorder(e)
	return e
}

// Start takes up what is pending and returns once that is known. Whatever a
// former process had in flight is due again. The error is that of the file, which
// could not be read several times in a row.
func (e *Engine) Start(ctx context.Context) error {
	var last int64
	var backlogs []webhook.Backlog
	err := e.insist(ctx, startTries, "reading what is pending", func(ctx context.Context) (err error) {
		if last, err = e.store.LastEvent(ctx); err == nil {
			backlogs, err = e.store.Backlogs(ctx)
		}
		return err
	})
	if err != nil {
		return err
	}
	e.recorder.start()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fed = max(e.fed, last)
	for _, b := range backlogs {
		l := e.laneLocked(b.Webhook)
		l.spilled = l.spilled || b.First
		l.planLocked(b.NextDue)
		e.serveLocked(l)
	}
	return nil
}

// Offer tells of a commit of this process. Work whose events follow the last
// known one directly goes straight to its lanes; a gap means that another
// process has published in between, and then the file is read from there.
func (e *Engine) Offer(c webhook.Committed) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopping {
		return
	}
	if c.Changed || c.Foreign {
		e.changedLocked()
	}
	if c.Foreign {
		for _, l := range e.lanes {
			if !l.floor.until.IsZero() {
				l.askAgainLocked()
			}
		}
		e.catchUpLocked()
		e.lookLocked()
	}
	switch {
	case c.First == 0:
	case !e.behind && c.First == e.fed+1:
		e.fed = c.Last
		for _, work := range c.Work {
			work.Revision = e.revision.Load()
			l := e.laneLocked(work.Key.Webhook)
			l.offerLocked(work)
			e.serveLocked(l)
		}
	default:
		e.catchUpLocked()
	}
	for _, seq := range c.Lifted {
		if l := e.lanes[seq]; l != nil {
			l.askAgainLocked()
		}
	}
	for _, seq := range c.Due {
		l := e.laneLocked(seq)
		l.planLocked(e.opts.Now())
		e.serveLocked(l)
	}
}

// lookLocked finds what other processes have left besides new events: retries by
// hand, resends, releases.
func (e *Engine) lookLocked() {
	if e.looking {
		e.lookAgain = true
		return
	}
	e.looking = true
	e.wg.Go(func() {
		for again := true; again; {
			var backlogs []webhook.Backlog
			err := e.insist(e.life, 0, "reading what is pending", func(ctx context.Context) (err error) {
				backlogs, err = e.store.Backlogs(ctx)
				return err
			})
			if err != nil {
				return // the engine ends; the next one begins with this
			}
			e.mu.Lock()
			for _, b := range backlogs {
				l := e.laneLocked(b.Webhook)
				l.planLocked(b.NextDue)
				e.serveLocked(l)
			}
			again, e.lookAgain = e.lookAgain && !e.stopping, false
			e.looking = again
			e.mu.Unlock()
		}
	})
}

// changedLocked has each lane look its receiver up again before its next attempt,
// and wakes those whose webhook was disabled.
func (e *Engine) changedLocked() {
	e.revision.Add(1)
	for _, l := range e.lanes {
		if l.asleep {
			e.rouseLocked(l)
		}
	}
}

// rouseLocked has a lane that sleeps read from the file what it has.
func (e *Engine) rouseLocked(l *lane) {
	l.asleep, l.spilled = false, true
	l.planLocked(e.opts.Now())
	e.serveLocked(l)
}

// catchUpLocked reads what came after the last event known, until there is nothing
// more.
func (e *Engine) catchUpLocked() {
	e.again = true
	if e.behind || e.stopping {
		return
	}
	e.behind = true
	e.wg.Go(func() {
		for {
			e.mu.Lock()
			after, revision := e.fed, e.revision.Load()
			e.again = false
			e.mu.Unlock()
			var works []*webhook.Work
			var last int64
			err := e.insist(e.life, 0, "reading new events", func(ctx context.Context) (err error) {
				works, last, err = e.store.Since(ctx, after, helping)
				return err
			})
			if err != nil {
				return // the engine ends; the next one begins with this
			}
			e.mu.Lock()
			for _, work := range works {
				work.Revision = revision
				l := e.laneLocked(work.Key.Webhook)
				l.offerLocked(work)
				e.serveLocked(l)
			}
			e.fed = max(e.fed, last)
			if done := last == after && !e.again; done || e.stopping || e.life.Err() != nil {
				e.behind = false
				e.mu.Unlock()
				return
			}
			e.mu.Unlock()
		}
	})
}

// errShutdown is the cause of attempts that were cut by the engine's end.
var errShutdown = errors.New("sealpost is shutting down")

// Stop ends the engine in order: no new attempts, those under way may end
// until ctx does, then they are cut (and cost no attempt), what is known is
// recorded.
func (e *Engine) Stop(ctx context.Context) {
	e.mu.Lock()
	if !e.stopping {
		close(e.ending)
	}
	e.stopping = true
	e.crew.dismissLocked()
	for _, l := range e.lanes {
		l.timer.Stop()
	}
	e.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		e.wg.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		e.cut(errShutdown)
		<-ended
	}
	e.recorder.stop(ctx)
	e.cut(errShutdown)
}

// Stats are figures of the moment.
type Stats struct {
	InFlight int // requests under way
	Queued   int // deliveries in memory
	Lanes    int // webhooks with work
}

// Stats returns figures of the moment.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	stats := Stats{InFlight: e.room.takingLocked(), Lanes: len(e.lanes)}
	for _, l := range e.lanes {
		stats.Queued += l.first.len() + len(l.due) + len(l.held)
	}
	return stats
}

// random is the jitter's source.
func random() float64 { return rand.Float64() } //nolint:gosec // jitter needs no secrecy
