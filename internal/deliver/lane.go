package deliver

import (
	"time"

	"sealpost/internal/signature"
	"sealpost/internal/webhook"
)

const (
	maxFirst  = 512      // first attempts that a lane keeps in memory
	minFirst  = 4        // and those it may keep when memory is short
	maxQueued = 32 << 20 // bytes in all queues together before memory is short
	helping   = 256      // deliveries read from the file at a time
	patience  = 3        // failures in a row before a webhook is probed one request at a time
)

// lane is one webhook's work. All of it is guarded by the engine's lock,
// except what its name says belongs to attempts.
type lane struct {
	engine  *Engine
	webhook int64

	first   queue // first attempts, in order of acceptance
	cursor  int64 // number of the last event that came into first
	spilled bool  // the file holds more first attempts after cursor
	skipped int   // grows with each offer that was left on file
	loading bool
	settled map[webhook.DeliveryKey]struct{} // recorded since loading began: what was read of them may be older

	due     []*webhook.Work // retries that are due
	nextDue time.Time       // when to look for more; zero for not at all
	timer   *time.Timer
	turn    bool // whose turn it is: due or first

	taken map[webhook.DeliveryKey]struct{} // in due, in flight or not recorded yet
	busy  map[string][]*webhook.Work       // transactions with a first attempt in flight, and who waits behind it
	aside int                              // how many wait so

	inFlight int
	window   int       // requests that may be under way
	proven   bool      // the receiver has answered 2xx since the lane began
	failures int       // in a row
	notUntil time.Time // rate limit: no attempt starts before
	starving bool      // stands in the engine's list of those that found no room
	asleep   bool      // its webhook is disabled or gone

	receiver *webhook.Receiver // as of revision
	signer   *signature.Signer
	targets  map[string]*target // by event type
	expires  time.Time          // when the secrets that sign change; zero for never
	revision int64
	failing  time.Time // start of the present run of failures
}

// lane finds or makes a webhook's lane. Called with the lock held.
func (e *Engine) lane(seq int64) *lane {
	l := e.lanes[seq]
	if l == nil {
		l = &lane{engine: e, webhook: seq, window: 1, revision: -1, taken: make(map[webhook.DeliveryKey]struct{}), busy: make(map[string][]*webhook.Work)}
		l.timer = time.AfterFunc(time.Hour, func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.serve(l)
		})
		l.timer.Stop()
		e.lanes[seq] = l
	}
	return l
}

// offer takes a first attempt into the queue, or leaves it on file when there
// is no room or when older ones are there still.
func (l *lane) offer(work *webhook.Work) {
	if work.Key.Event <= l.cursor {
		return // it came by another way
	}
	room := l.first.len() < maxFirst && (l.engine.queued < maxQueued || l.first.len() < minFirst)
	if l.spilled || l.asleep || !room {
		l.spilled = true
		l.skipped++
		return
	}
	l.cursor = work.Key.Event
	l.push(work)
}

func (l *lane) push(work *webhook.Work) {
	l.engine.queued += len(work.Bytes)
	l.first.push(work)
}

// plan notes that retries will be due at a time.
func (l *lane) plan(at time.Time) {
	if !at.IsZero() && (l.nextDue.IsZero() || at.Before(l.nextDue)) {
		l.nextDue = at
	}
}

// serve starts what a lane can start, reads what it lacks, and sets its timer.
// Called with the lock held.
func (e *Engine) serve(l *lane) {
	if e.stopping || l.asleep {
		return
	}
	for {
		work := e.next(l)
		if work == nil {
			break
		}
		e.wg.Go(func() { e.work(l, work) })
	}
	e.refill(l)
}

// next takes the work that a lane may start now, or nil. Called with the lock
// held.
func (e *Engine) next(l *lane) *webhook.Work {
	if e.stopping || l.asleep || l.inFlight >= l.window || (l.first.len() == 0 && len(l.due) == 0) {
		return nil
	}
	now := e.opts.Now()
	if now.Before(l.notUntil) {
		l.timer.Reset(l.notUntil.Sub(now))
		return nil
	}
	if e.inFlight >= e.share(l) || e.recorder.full() {
		if !l.starving {
			l.starving = true
			e.starved = append(e.starved, l)
		}
		return nil
	}
	work := l.pop()
	if work == nil {
		return nil
	}
	l.inFlight++
	e.inFlight++
	if l.receiver != nil && l.receiver.Limits.Rate > 0 {
		gap := time.Duration(float64(time.Second) / l.receiver.Limits.Rate)
		l.notUntil = now.Add(gap)
	}
	return work
}

// share is how many requests may be under way in all for this lane to start
// another: receivers that fail leave half the room to the others, new ones a
// quarter, so that those which are known to work always find some.
func (e *Engine) share(l *lane) int {
	switch {
	case l.failures > 0:
		return max(e.opts.MaxInFlight/2, 1)
	case !l.proven:
		return max(e.opts.MaxInFlight*3/4, 1)
	default:
		return e.opts.MaxInFlight
	}
}

// pop takes the next work off the queues, in turn from each. A first attempt
// whose transaction has one in flight steps aside until that one has ended.
func (l *lane) pop() *webhook.Work {
	for l.aside < maxFirst {
		l.turn = !l.turn
		if len(l.due) > 0 && (l.turn || l.first.len() == 0) {
			work := l.due[0]
			l.due[0] = nil
			l.due = l.due[1:]
			if l.orders(work) {
				continue
			}
			return work
		}
		work := l.first.pop()
		if work == nil {
			if len(l.due) > 0 {
				continue
			}
			return nil
		}
		l.engine.queued -= len(work.Bytes)
		l.taken[work.Key] = struct{}{}
		if l.orders(work) {
			continue
		}
		return work
	}
	return nil
}

// orders keeps the first attempts of one transaction in order: it reports
// whether work has to wait for the one before, and has set it aside.
func (l *lane) orders(work *webhook.Work) (waits bool) {
	if work.Subject == "" || !work.First() {
		return false
	}
	waiting, busy := l.busy[work.Subject]
	if busy {
		l.busy[work.Subject] = append(waiting, work)
		l.aside++
		return true
	}
	l.busy[work.Subject] = nil
	return false
}

// release ends a first attempt's hold on its transaction; the next one that
// waits behind it goes to the head of the queue.
func (l *lane) release(work *webhook.Work) {
	if work.Subject == "" || !work.First() {
		return
	}
	waiting := l.busy[work.Subject]
	delete(l.busy, work.Subject)
	l.aside -= len(waiting)
	for i := len(waiting) - 1; i >= 0; i-- {
		l.engine.queued += len(waiting[i].Bytes)
		l.first.unshift(waiting[i])
	}
}

// refill reads what a lane lacks from the file and sets its timer. Called
// with the lock held.
func (e *Engine) refill(l *lane) {
	if l.loading || e.stopping || l.asleep {
		return
	}
	now := e.opts.Now()
	wantFirst := l.spilled && l.first.len() < maxFirst/2 && (e.queued < maxQueued || l.first.len() < minFirst)
	wantDue := !l.nextDue.IsZero() && len(l.due) == 0
	if wantDue && l.nextDue.After(now) {
		l.timer.Reset(l.nextDue.Sub(now))
		wantDue = false
	}
	if !wantFirst && !wantDue {
		return
	}
	// All that the reading goes by is fixed here, under the lock: what is
	// recorded from now on is settled and plans anew, what was before is neither.
	l.loading, l.settled = true, make(map[webhook.DeliveryKey]struct{})
	r := reading{first: wantFirst, due: wantDue, now: now, cursor: l.cursor, skipped: l.skipped, limit: helping + len(l.taken)}
	if wantDue {
		l.nextDue = time.Time{}
	}
	e.wg.Go(func() { e.load(l, r) })
}

// reading is what a lane reads from the file, and what it knew as it decided to.
type reading struct {
	first, due bool
	now        time.Time
	cursor     int64
	skipped    int
	limit      int // of due retries
}

// load reads a helping of first attempts and of retries that are due.
func (e *Engine) load(l *lane, r reading) {
	var first, due []*webhook.Work
	var next time.Time
	var err error
	if r.first {
		first, err = e.store.First(e.life, l.webhook, r.cursor, helping)
	}
	if r.due && err == nil {
		if due, err = e.store.Due(e.life, l.webhook, r.now, r.limit); err == nil {
			next, err = e.store.NextDue(e.life, l.webhook, r.now)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	settled := l.settled
	l.loading, l.settled = false, nil
	if err != nil {
		if e.life.Err() == nil {
			e.opts.Log.Error("reading pending deliveries failed", "webhook", l.webhook, "error", err)
		}
		l.plan(e.opts.Now().Add(time.Second))
		l.timer.Reset(time.Second)
		return
	}
	for _, work := range first {
		l.cursor = work.Key.Event
		if l.fresh(work, settled) {
			l.push(work)
		}
	}
	if r.first && len(first) < helping && l.skipped == r.skipped {
		l.spilled = false
	}
	for _, work := range due {
		if l.fresh(work, settled) {
			l.taken[work.Key] = struct{}{}
			l.due = append(l.due, work)
		}
	}
	if len(due) == r.limit {
		next = r.now
	}
	l.plan(next)
	e.serve(l)
}

// fresh reports whether work that was read from the file is neither in hand nor
// settled since it was read.
func (l *lane) fresh(work *webhook.Work, settled map[webhook.DeliveryKey]struct{}) bool {
	_, taken := l.taken[work.Key]
	_, old := settled[work.Key]
	return !taken && !old
}

// queue is a first-in-first-out queue that reuses its room.
type queue struct {
	items []*webhook.Work
	head  int
}

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) push(work *webhook.Work) {
	if q.head > 0 && q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	q.items = append(q.items, work)
}

func (q *queue) pop() *webhook.Work {
	if q.len() == 0 {
		return nil
	}
	work := q.items[q.head]
	q.items[q.head] = nil
	q.head++
	if q.head > maxFirst && q.head*2 > len(q.items) {
		q.items = append(q.items[:0], q.items[q.head:]...)
		q.head = 0
	}
	return work
}

func (q *queue) unshift(work *webhook.Work) {
	if q.head > 0 {
		q.head--
		q.items[q.head] = work
		return
	}
	q.items = append([]*webhook.Work{work}, q.items...)
}
