package deliver

import (
	"cmp"
	"slices"
	"time"

	"sealpost/internal/webhook"
)

// First attempts of one transaction go to a webhook in order of acceptance, one
// after the other: while one is in flight, the others of its transaction are set
// aside. Most come in that order. Those that are due by time do not: what was held
// and released, what somebody retried.

// inTurnLocked returns the first attempt that goes now. One that is due by time gives way
// to what was accepted before it: that goes in its stead when it is in the queue,
// and is waited for (nil) when it may still be on file.
func (l *lane) inTurnLocked(work *webhook.Work) *webhook.Work {
	if work.Subject == "" || !work.First() || work.Due.IsZero() {
		return work
	}
	if _, busy := l.busy[work.Subject]; busy {
		return work // it is about to line up
	}
	for before := l.first.before(work); before != nil; before = l.first.before(work) {
		l.engine.queued -= len(before.Bytes)
		if l.takeLocked(before) {
			l.backLocked(work)
			return before
		}
	}
	if !l.comesEarlyLocked(work) {
		return work
	}
	if len(l.early) == helping {
		l.dropLocked(work) // it is on file, too
		l.planLocked(l.engine.opts.Now().Add(time.Second))
		return nil
	}
	l.early = append(l.early, work)
	return nil
}

// comesEarlyLocked reports whether the file may hold first attempts before this one
// that have not been read.
func (l *lane) comesEarlyLocked(work *webhook.Work) bool {
	return l.spilled && work.Key.Event > l.cursor
}

// readOnLocked makes those due again that waited until the file was read as far.
func (l *lane) readOnLocked() {
	var ready []*webhook.Work
	l.early = slices.DeleteFunc(l.early, func(work *webhook.Work) bool {
		if l.comesEarlyLocked(work) {
			return false
		}
		ready = append(ready, work)
		return true
	})
	l.due = append(ready, l.due...)
}

// ordersLocked keeps the first attempts of one transaction in order: it reports
// whether work has to wait for the one before, and has set it aside.
func (l *lane) ordersLocked(work *webhook.Work) (waits bool) {
	if work.Subject == "" || !work.First() {
		return false
	}
	waiting, busy := l.busy[work.Subject]
	if busy {
		place, _ := slices.BinarySearchFunc(waiting, work.Key.Event, func(w *webhook.Work, event int64) int { return cmp.Compare(w.Key.Event, event) })
		l.busy[work.Subject] = slices.Insert(waiting, place, work)
		l.aside++
		return true
	}
	l.busy[work.Subject] = nil
	return false
}

// releaseLocked ends a first attempt's hold on its transaction; those that wait behind
// it go to the head of the queue.
func (l *lane) releaseLocked(work *webhook.Work) {
	if work.Subject == "" || !work.First() {
		return
	}
	waiting := l.busy[work.Subject]
	delete(l.busy, work.Subject)
	l.aside -= len(waiting)
	for _, work := range slices.Backward(waiting) {
		l.backLocked(work)
	}
}

// backLocked puts work that is in hand to the head of the queue.
func (l *lane) backLocked(work *webhook.Work) {
	l.engine.queued += len(work.Bytes)
	l.first.unshift(work)
}
