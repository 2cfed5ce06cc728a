package receipts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"strings"
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

	seen     int64  // number of the last event that was asked for
	head     uint64 // of the last whole round; 0: there was none, or not all is known
	failures int    // rounds in a row in which nothing could be learnt
	told     string // the fault that the log has
}

const (
	page       = 100                    // events read at a time
	breath     = 100 * time.Millisecond // at least, between two rounds
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

// round asks for the receipts of what waits: of everything when the chain has
// grown since the last round, else of what is new. It reports whether
// anything is still waiting.
func (w *Watcher) round(ctx context.Context) (waiting bool, err error) {
	first, err := w.store.Watched(ctx, 0, 1)
	if err == nil && len(first) == 0 {
		w.head = 0
		return false, nil
	}
	if err != nil {
		return true, w.failed(ctx, fmt.Errorf("what waits for a receipt can't be read: %w", err))
	}
	chain, head, err := w.node.State(ctx) // before the receipts: what is mined meanwhile is deeper than it looks
	switch {
	case err != nil:
		return true, w.failed(ctx, err)
	case chain != w.opts.ChainID:
		return true, w.failed(ctx, wrongChain(chain, w.opts.ChainID))
	}
	w.opts.Meter.NodeState(head)
	after := int64(0)
	if head == w.head {
		after = w.seen
	}
	good, bad := 0, error(nil)
	for {
		events, err := w.store.Watched(ctx, after, page)
		if err != nil {
			return true, w.failed(ctx, fmt.Errorf("what waits for a receipt can't be read: %w", err))
		}
		if len(events) == 0 {
			break
		}
		after = events[len(events)-1].Seq
		byHash, hashes := group(events)
		for len(hashes) > 0 {
			some := hashes[:min(Batch, len(hashes))]
			hashes = hashes[len(some):]
			found, err := w.node.Receipts(ctx, w.opts.ChainID, some)
			if err != nil {
				return true, w.failed(ctx, err)
			}
			for i, f := range found {
				if f.Err != nil {
					if bad == nil || level(f.Err) > level(bad) {
						bad = f.Err
					}
					continue
				}
				good++
				if f.Outcome == nil || f.Outcome.BlockNumber > head || head-f.Outcome.BlockNumber+1 < w.opts.Confirmations {
					continue
				}
				if err := w.attach(ctx, byHash[some[i]], *f.Outcome); err != nil {
					bad = err
				}
			}
		}
	}
	w.seen, w.head = max(w.seen, after), head
	if bad != nil {
		w.head = 0 // asked for again, however the chain stands
		if good == 0 {
			return true, w.failed(ctx, bad)
		}
		w.tell(ctx, bad)
		w.failures = 0
		return true, nil
	}
	if w.told != "" {
		w.opts.Log.Info("the Ethereum node can be used again", "node", w.node.Origin(), "head", head)
	}
	w.failures, w.told = 0, ""
	return true, nil
}

// group gathers the events of each transaction; hashes are told apart without
// regard to case.
func group(events []webhook.Watched) (byHash map[string][]webhook.Watched, hashes []string) {
	byHash = make(map[string][]webhook.Watched)
	for _, e := range events {
		hash := strings.ToLower(e.TransactionHash)
		if byHash[hash] == nil {
			hashes = append(hashes, hash)
		}
		byHash[hash] = append(byHash[hash], e)
	}
	return byHash, hashes
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
	w.head = 0
	w.tell(ctx, err)
	return err
}

// tell counts a fault, and logs it once until it is another one.
func (w *Watcher) tell(ctx context.Context, err error) {
	if kind := kindOf(err); kind != "" {
		w.opts.Meter.NodeFault(kind)
	}
	if text := err.Error(); text != w.told {
		w.told = text
		w.opts.Log.Log(ctx, level(err), "receipts can't be watched for; tried again, later each time", "node", w.node.Origin(), "error", text)
	}
}
