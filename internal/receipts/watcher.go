package receipts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"sealpost/internal/webhook"
)

// Store is what the watcher uses of the database.
type Store interface {
	// Watched lists events that wait for the receipt of a known transaction, in
	// order of their numbers, from the one after.
	Watched(ctx context.Context, after int64, limit int) ([]webhook.Watched, error)
	Attach(ctx context.Context, organization, id string, outcome webhook.ReceiptOutcome, now time.Time) error
}

// Meter hears what happens. Its methods must return at once.
type Meter interface {
	NodeState(head uint64)                    // the node answers, and is on the right chain
	NodeFault(kind string)                    // it can't be used; one of Faults
	ReceiptAttached(o webhook.ReceiptOutcome) // an event has its receipt
	Panicked()
}

// Options say how to watch.
type Options struct {
	ChainID       uint64        // that the node must have
	Confirmations uint64        // blocks that must include or follow a transaction's
	Interval      time.Duration // between two rounds while something waits
	Log           *slog.Logger
	Meter         Meter
	Now           func() time.Time
}

// Watcher attaches receipts to the events that wait for them.
type Watcher struct {
	store Store
	node  *Node
	opts  Options
	wake  chan struct{}

	line     line
	left     int       // transactions that may still be asked for in this interval
	window   time.Time // when the interval began
	doubtful bool      // the last receipts that were asked for had a fault
	failures int       // rounds in a row in which nothing could be learnt
	told     string    // the fault that the log has
}

const (
	page       = 1000                   // events read at a time
	breath     = 100 * time.Millisecond // at least, between two rounds
	perRound   = 20 * Batch             // transactions that are asked for in one interval, at most
	firstPause = time.Second            // after a fault
	maxPause   = time.Minute
)

// New makes a watcher that is not running yet.
func New(store Store, node *Node, opts Options) *Watcher {
	return &Watcher{store: store, node: node, opts: opts, wake: make(chan struct{}, 1)}
}

// Wake says that events may have begun to wait. It returns at once.
func (w *Watcher) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run watches until ctx ends. While nothing waits it sleeps until [Watcher.Wake].
func (w *Watcher) Run(ctx context.Context) {
	for ctx.Err() == nil {
		waiting, err := w.contained(ctx)
		if ctx.Err() != nil { // it failed for that, and is no failure
			return
		}
		pause := w.opts.Interval
		wake := w.wake
		switch {
		case err != nil:
			pause, wake = w.pause(), nil // a node that is down is not asked more often for new events
		case !waiting:
			pause = 0
		case w.left == 0:
			wake = nil // new events wait for the next interval, each organization for its turn
		}
		if !w.sleep(ctx, wake, pause) {
			return
		}
	}
}

// sleep waits for a time, 0 being for good, or until it is woken.
func (w *Watcher) sleep(ctx context.Context, wake <-chan struct{}, pause time.Duration) bool {
	var over <-chan time.Time
	if pause > 0 {
		over = time.After(pause)
	}
	select {
	case <-over:
		return true
	case <-ctx.Done():
		return false
	case <-wake:
	}
	select { // more may come at once
	case <-time.After(breath):
		return true
	case <-ctx.Done():
		return false
	}
}

// pause doubles with each failure, and adds up to half at random.
func (w *Watcher) pause() time.Duration {
	d := min(firstPause<<min(w.failures-1, 10), maxPause)
	return d + rand.N(d/2) //nolint:gosec // spreads load, hides nothing
}

// contained keeps what a node answers from ending the daemon, which would meet
// the same answer at its next start: deliveries do not depend on receipts.
func (w *Watcher) contained(ctx context.Context) (waiting bool, err error) {
	defer func() {
		if value := recover(); value != nil {
			w.opts.Meter.Panicked()
			w.opts.Log.Error("watching for receipts panicked", "panic", fmt.Sprintf("%T", value), "stack", string(debug.Stack()))
			waiting, err = true, w.failed(ctx, errors.New("a bug in sealpost: watching panicked; please report it"))
		}
	}()
	return w.round(ctx)
}

// round asks for the receipts of what is due: [perRound] transactions in an
// interval at most, of the organizations in turn (line.go). It reports whether
// anything is still waiting.
func (w *Watcher) round(ctx context.Context) (waiting bool, err error) {
	now := w.opts.Now()
	if err := w.learn(ctx, now); err != nil {
		return true, w.failed(ctx, fmt.Errorf("what waits for a receipt can't be read: %w", err))
	}
	if len(w.line.known) == 0 {
		return false, nil
	}
	if since := now.Sub(w.window); since < 0 || since >= w.opts.Interval {
		w.window, w.left = now, perRound
	}
	chain, head, err := w.node.State(ctx) // before the receipts: what is mined meanwhile is deeper than it looks
	switch {
	case err != nil:
		return true, w.failed(ctx, err)
	case chain != w.opts.ChainID:
		return true, w.failed(ctx, wrongChain(chain, w.opts.ChainID))
	}
	w.opts.Meter.NodeState(head)
	due := w.line.next(now, head, w.left)
	w.left -= len(due)
	good, bad, err := w.askFor(ctx, due, head, now)
	if err != nil {
		return true, w.failed(ctx, err)
	}
	if bad != nil {
		w.doubtful = true
		if good == 0 {
			return true, w.failed(ctx, bad)
		}
		w.tell(ctx, bad)
		w.failures = 0
		return true, nil
	}
	if len(due) == 0 && w.doubtful {
		return true, nil // nothing has shown that the receipts can be believed again
	}
	w.doubtful = false
	if w.told != "" {
		w.opts.Log.Info("the Ethereum node can be used again", "node", w.node.Origin(), "head", head)
	}
	w.failures, w.told = 0, ""
	return true, nil
}

// learn reads which events wait.
func (w *Watcher) learn(ctx context.Context, now time.Time) error {
	var events []webhook.Watched
	for after := int64(0); ; {
		some, err := w.store.Watched(ctx, after, page)
		if err != nil {
			return err
		}
		events = append(events, some...)
		if len(some) < page {
			break
		}
		after = some[len(some)-1].Seq
	}
	w.line.learn(events, now)
	return nil
}

// askFor asks the node for the receipts of transactions and attaches those that
// are certain. good counts the answers that can be believed; bad is the worst
// fault of a single one.
func (w *Watcher) askFor(ctx context.Context, due []*transaction, head uint64, now time.Time) (good int, bad, err error) {
	for len(due) > 0 {
		some := due[:min(Batch, len(due))]
		due = due[len(some):]
		hashes := make([]string, len(some))
		for i, t := range some {
			hashes[i] = t.hash
		}
		found, err := w.node.Receipts(ctx, w.opts.ChainID, hashes)
		if err != nil {
			return good, bad, err
		}
		for i, f := range found {
			t := some[i]
			t.asked(now, w.opts.Interval, head)
			switch {
			case f.Err != nil:
				if bad == nil || level(f.Err) > level(bad) {
					bad = f.Err
				}
				t.head = 0
				continue
			case f.Outcome == nil:
			case f.Outcome.BlockNumber > head || head-f.Outcome.BlockNumber+1 < w.opts.Confirmations:
				t.due = now // it is there, and needs no patience but that of its confirmations
			default:
				if err := w.attach(ctx, t.events, *f.Outcome); err != nil {
					bad, t.head = err, 0
				}
			}
			good++
		}
	}
	return good, bad, nil
}

// attach completes events with a receipt. One that was completed by hand in
// the meantime keeps what it has; one that fails keeps no other from its own.
func (w *Watcher) attach(ctx context.Context, events []webhook.Watched, outcome webhook.ReceiptOutcome) (failed error) {
	for _, e := range events {
		outcome.TransactionHash = e.TransactionHash // as the publisher wrote it
		err := w.store.Attach(ctx, e.Organization, e.ID, outcome, w.opts.Now())
		switch code := webhook.CodeOf(err); {
		case err == nil:
			w.opts.Meter.ReceiptAttached(outcome)
			w.opts.Log.Info("receipt", "event", e.ID, "organization", e.Organization, "transaction", e.TransactionHash,
				"block", outcome.BlockNumber, "status", outcome.Status())
		case code == webhook.CodeConflict || code == webhook.CodeNotFound:
			w.opts.Log.Info("the event has no use for its receipt any more", "event", e.ID, "organization", e.Organization, "error", err)
		default:
			failed = fmt.Errorf("the receipt of event %s can't be stored: %w", e.ID, err)
		}
	}
	return failed
}

// failed notes a round in which nothing could be learnt.
func (w *Watcher) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	w.failures++
	w.tell(ctx, err)
	return err
}

// tell counts a fault, and logs it once until it is another one. The words of the node's
// faults stand under a key of their own: nobody but the log gets them, for a node may
// name addresses of the operator's network. A report to Sentry has the reason alone.
func (w *Watcher) tell(ctx context.Context, err error) {
	kind, text := kindOf(err), err.Error()
	if kind != "" {
		w.opts.Meter.NodeFault(kind)
	}
	if text == w.told {
		return
	}
	w.told = text
	attrs := []any{"node", w.node.Origin(), "error", text}
	if kind != "" {
		attrs = []any{"node", w.node.Origin(), "reason", kind, "fault", text}
	}
	w.opts.Log.Log(ctx, level(err), "receipts can't be watched for; tried again, later each time", attrs...)
}
