package deliver

import (
	"time"

	"sealpost/internal/webhook"
)

// maxReaders bounds how many lanes read from the file at a time. Thousands of
// lanes whose retries are due together take turns, and attempts that look
// something up find the file free.
const maxReaders = 2

// refillLocked has a lane read what it lacks from the file, or sets its timer.
func (e *Engine) refillLocked(l *lane) {
	if l.loading || e.stopping || l.asleep || !l.spilled && l.nextDue.IsZero() && l.gapLocked() == 0 && l.floor.until.IsZero() {
		return
	}
	now := e.opts.Now()
	if first, due := e.lacksLocked(l, now); !first && !due {
		l.armLocked(now)
		return
	}
	l.loading = true
	e.lacking = append(e.lacking, l)
	if e.readers < maxReaders {
		e.readers++
		e.wg.Go(e.read)
	}
}

// armLocked sets the timer to what comes first: the next retry, the next attempt that the
// webhook's rate and its receiver's Retry-After allow, or the end of the pause after a read that failed. What waits for room or for an answer is woken
// by that.
func (l *lane) armLocked(now time.Time) {
	var wake time.Time
	if len(l.due) == 0 && l.nextDue.After(now) {
		wake = l.nextDue
	}
	if l.stalledLocked(now) && (l.spilled || !l.nextDue.IsZero()) && (wake.IsZero() || l.resume.Before(wake)) {
		wake = l.resume
	}
	if next := l.opensLocked(now); next.After(now) && l.first.len()+len(l.due)+len(l.held) > 0 && (wake.IsZero() || next.Before(wake)) {
		wake = next
	}
	if !wake.IsZero() {
		l.timer.Reset(wake.Sub(now))
	}
}

// lacksLocked says what a lane should read from the file: first attempts, retries
// that are due.
func (e *Engine) lacksLocked(l *lane, now time.Time) (first, due bool) {
	if l.stalledLocked(now) {
		return false, false
	}
	first = l.spilled && l.first.len() < maxFirst/2 && (e.queued < maxQueued || l.first.len() < minFirst)
	due = !l.nextDue.IsZero() && len(l.due) == 0 && !l.nextDue.After(now)
	return first, due
}

// read reads for the lanes that lack something, one after the other, until none
// does.
func (e *Engine) read() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.lacking) > 0 {
		l := e.lacking[0]
		e.lacking[0] = nil
		e.lacking = e.lacking[1:]
		now := e.opts.Now()
		r := reading{now: now, revision: e.revision.Load()}
		if r.first, r.due = e.lacksLocked(l, now); e.stopping || l.asleep || !r.first && !r.due {
			l.loading = false
			e.refillLocked(l)
			continue
		}
		// All that the reading goes by is fixed here, under the lock: what is
		// recorded from now on is settled and plans anew, what was before is neither.
		l.settled = make(map[webhook.DeliveryKey]struct{})
		r.cursor, r.skipped, r.naps, r.limit = l.cursor, l.skipped, l.naps, helping+len(l.taken)
		if r.due {
			l.nextDue = time.Time{}
		}
		e.mu.Unlock()
		e.load(l, r)
		e.mu.Lock()
	}
	e.readers--
}

// reading is what a lane reads from the file, and what it knew as it decided to.
type reading struct {
	first, due bool
	now        time.Time
	revision   int64
	cursor     int64
	skipped    int
	naps       int
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
		if r.due {
			l.planLocked(r.now) // as it was before the reading
		}
		l.stallLocked("reading pending deliveries", err)
		e.refillLocked(l)
		return
	}
	if len(first)+len(due) == 0 {
		l.stalls = 0
	}
	if l.naps != r.naps {
		// The lane has forgotten what it had before the place where this reading
		// began, and starts from the beginning when it is awake.
		l.planLocked(r.now)
		e.serveLocked(l)
		return
	}
	for _, work := range first {
		l.cursor = work.Key.Event
		if l.freshLocked(work, settled) {
			work.Revision = r.revision
			l.pushLocked(work)
		}
	}
	if r.first && len(first) < helping && l.skipped == r.skipped {
		l.spilled = false
	}
	for _, work := range due {
		if l.freshLocked(work, settled) {
			work.Revision = r.revision
			l.taken[work.Key] = work
			l.due = append(l.due, work)
		}
	}
	if len(due) == r.limit {
		next = r.now
	}
	l.readOnLocked()
	l.planLocked(next)
	e.serveLocked(l)
}

// freshLocked reports whether work that was read from the file is neither in hand nor
// settled since it was read.
func (l *lane) freshLocked(work *webhook.Work, settled map[webhook.DeliveryKey]struct{}) bool {
	_, taken := l.taken[work.Key]
	_, old := settled[work.Key]
	return !taken && !old
}
