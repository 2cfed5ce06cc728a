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

	first   queue                            // first attempts, in order of acceptance
	cursor  int64                            // number of the last event that came into first
	spilled bool                             // the file holds more first attempts after cursor
	skipped int                              // grows with each offer that was left on file
	loading bool                             // reads from the file, or is about to
	settled map[webhook.DeliveryKey]struct{} // recorded since reading began: what was read of them may be older; nil while nobody reads

	due     []*webhook.Work // retries that are due
	nextDue time.Time       // when to look for more; zero for not at all
	timer   *time.Timer
	turn    bool // whose turn it is: due or first

	held  []*webhook.Work // were about to start and had to wait; they go first
	floor floor           // until when nothing may start

	taken map[webhook.DeliveryKey]*webhook.Work // in due, in flight or not recorded yet
	busy  map[string][]*webhook.Work            // transactions with a first attempt in flight, and who waits behind it
	aside int                                   // how many wait so
	early []*webhook.Work                       // first attempts that wait until what was accepted before them is read

	inFlight int
	window   int       // requests that may be under way
	standing standing  // change it with become
	failures int       // in a row
	last     time.Time // when the last attempt was started
	line     standing  // the line in which it waits for room
	ticket   int64     // its place there; 0 for none
	queuesAt int64     // its place in its host's line; 0 for none
	turns    int64     // grows with each such place
	asleep   bool      // its webhook is disabled or gone
	naps     int       // grows when it falls asleep, which forgets its queues
	stalls   int       // times in a row that something could not be read for it
	resume   time.Time // when it may read again after that

	receiver *webhook.Receiver // as of revision
	signer   *signature.Signer
	targets  map[string]*target // by event type
	looked   time.Time          // when that was read; a clock set back before it has it read anew
	expires  time.Time          // when the secrets that sign change; zero for never
	revision int64
	health   webhook.Health // as far as this process knows
	doubtful bool           // the file may say that the webhook fails, though it does not
}

// laneLocked finds or makes a webhook's lane.
func (e *Engine) laneLocked(seq int64) *lane {
	l := e.lanes[seq]
	if l == nil {
		l = &lane{engine: e, webhook: seq, window: 1, revision: -1, taken: make(map[webhook.DeliveryKey]*webhook.Work), busy: make(map[string][]*webhook.Work)}
		l.timer = time.AfterFunc(time.Hour, func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.serveLocked(l)
		})
		l.timer.Stop()
		e.lanes[seq] = l
	}
	return l
}

// offerLocked takes a first attempt into the queue, or leaves it on file when there
// is no room or when older ones are there still.
func (l *lane) offerLocked(work *webhook.Work) {
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
	l.pushLocked(work)
}

func (l *lane) pushLocked(work *webhook.Work) {
	l.engine.queued += len(work.Bytes)
	l.first.push(work)
}

// planLocked notes that retries will be due at a time.
func (l *lane) planLocked(at time.Time) {
	if !at.IsZero() && (l.nextDue.IsZero() || at.Before(l.nextDue)) {
		l.nextDue = at
	}
}

// serveLocked starts what a lane can start, reads what it lacks, and sets its timer.
func (e *Engine) serveLocked(l *lane) {
	if e.stopping || l.asleep {
		return
	}
	for {
		work := e.nextLocked(l)
		if work == nil {
			break
		}
		e.launchLocked(l, work)
	}
	e.refillLocked(l)
}

// nextLocked takes the work that a lane may start now, or nil.
func (e *Engine) nextLocked(l *lane) *webhook.Work {
	if e.stopping || l.asleep || l.inFlight >= e.room.windowLocked(l.window) || (l.first.len() == 0 && len(l.due) == 0 && len(l.held) == 0) {
		return nil
	}
	now := e.opts.Now()
	if l.opensLocked(now).After(now) || l.waitsAloneLocked(now) {
		return nil
	}
	if first := e.room.firstLocked(); !e.room.hasLocked(l.standing) || e.recorder.full() || first != nil && first != l { // those who came before it
		e.room.awaitLocked(l)
		return nil
	}
	l.ticket = 0
	work := l.popLocked()
	if work == nil {
		return nil
	}
	if !e.admitLocked(l, work) {
		l.held = append([]*webhook.Work{work}, l.held...)
		return nil
	}
	if l.floor.alone {
		l.floor.probe = work
	}
	l.inFlight++
	e.room.taken[l.standing]++
	l.last = now
	return work
}

// pacedLocked is when the webhook's rate allows the next attempt. A clock that was
// set back makes that now, instead of as much later.
func (l *lane) pacedLocked(now time.Time) time.Time {
	if l.last.After(now) {
		return now
	}
	return l.last.Add(l.gapLocked())
}

// gapLocked is the least time between two attempts, by the webhook's rate.
func (l *lane) gapLocked() time.Duration {
	if l.receiver == nil || l.receiver.Limits.Rate <= 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / l.receiver.Limits.Rate)
}

// popLocked takes the next work off the queues. A first attempt whose transaction has
// one in flight steps aside until that one has ended.
func (l *lane) popLocked() *webhook.Work {
	if len(l.held) > 0 {
		work := l.held[0]
		l.held[0] = nil
		l.held = l.held[1:]
		return work
	}
	for l.aside < maxFirst {
		work := l.pickLocked()
		if work == nil {
			return nil
		}
		if work = l.inTurnLocked(work); work == nil || l.ordersLocked(work) {
			continue
		}
		return work
	}
	return nil
}

// pickLocked takes the next work off the queues, in turn from each.
func (l *lane) pickLocked() *webhook.Work {
	if l.floor.alone {
		return l.oldestLocked()
	}
	l.turn = !l.turn
	if l.turn || l.first.len() == 0 {
		if work := l.pickDueLocked(); work != nil {
			return work
		}
	}
	if work := l.pickFirstLocked(); work != nil {
		return work
	}
	return l.pickDueLocked()
}

func (l *lane) pickFirstLocked() *webhook.Work {
	for work := l.first.pop(); work != nil; work = l.first.pop() {
		l.engine.queued -= len(work.Bytes)
		if l.takeLocked(work) {
			return work
		}
	}
	return nil
}

func (l *lane) pickDueLocked() *webhook.Work {
	if len(l.due) == 0 {
		return nil
	}
	work := l.due[0]
	l.due[0] = nil
	l.due = l.due[1:]
	return work
}

// takeLocked notes that work is in hand, unless the same delivery is already: somebody
// retried it by hand while it stood in the queue, and it was read again as it is
// now.
func (l *lane) takeLocked(work *webhook.Work) bool {
	if other := l.taken[work.Key]; other != nil && other != work {
		return false
	}
	l.taken[work.Key] = work
	return true
}

// dropLocked ends that work is in hand. It leaves another reading of the same delivery
// alone.
func (l *lane) dropLocked(work *webhook.Work) {
	if l.taken[work.Key] == work {
		delete(l.taken, work.Key)
	}
}
