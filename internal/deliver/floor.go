package deliver

import (
	"slices"
	"time"

	"sealpost/internal/webhook"
)

// A receiver's Retry-After is a floor of its webhook: no attempt of its lane starts
// before that time, and those under way end as they do. After it the oldest delivery
// that is due goes alone, and once it is answered without a new floor the others
// follow. The file has the floor, written when it is raised and when it is lifted,
// so that it holds for the next process and for a foreground delivery as well.
//
// What is said of a lane here is guarded by the engine's lock.
type floor struct {
	until   webhook.RetryAfter
	alone   bool          // one at a time, until one was answered
	probe   *webhook.Work // the one that goes alone; nil when none does
	unsaved int           // outcomes on their way to the file that change the floor
	changes int           // how often it changed by an answer
	doubt   bool          // a person may have ended it: the file has to be asked once all is saved
}

// opensLocked is when the lane's next attempt may start: after its floor, and as its
// webhook's rate allows.
func (l *lane) opensLocked(now time.Time) time.Time {
	at := l.pacedLocked(now)
	if l.floor.until.In(now) && l.floor.until.After(at) {
		at = l.floor.until.Time
	}
	return at
}

// waitsAloneLocked reports whether a lane that goes one at a time has to wait: for the
// attempts that are under way, or for what is due to be read from the file, since
// the oldest goes first.
func (l *lane) waitsAloneLocked(now time.Time) bool {
	return l.floor.alone && (l.inFlight > 0 || l.loading || len(l.due) == 0 && !l.nextDue.IsZero() && !l.nextDue.After(now))
}

// heedLocked notes what an outcome says of the floor, and on the outcome what the file
// has to hear of that.
func (l *lane) heedLocked(o *webhook.Outcome) {
	switch {
	case o.RetryAfter.After(l.floor.until.Time):
		l.floor.until, l.floor.alone = o.RetryAfter, true
		l.floor.unsaved++
		l.floor.changes++
	case !o.RetryAfter.IsZero():
		o.RetryAfter = webhook.RetryAfter{} // the file has, or will have, a later one
	case l.floor.probe == o.Work && o.Attempt.Status != 0:
		l.floor.until, l.floor.alone, o.Lifted = webhook.RetryAfter{}, false, true
		l.floor.unsaved++
		l.floor.changes++
	}
}

// savedLocked notes that an outcome is on file.
func (l *lane) savedLocked(o *webhook.Outcome) {
	if o.RetryAfter.IsZero() && !o.Lifted {
		return
	}
	if l.floor.unsaved--; l.floor.unsaved == 0 && l.floor.doubt {
		l.askAgainLocked()
	}
}

// askAgainLocked has the lane read from the file whether its floor still holds. What is on
// its way there is waited for.
func (l *lane) askAgainLocked() {
	if l.floor.doubt = l.floor.unsaved > 0; l.floor.doubt {
		return
	}
	l.floor.until, l.revision = webhook.RetryAfter{}, -1
	l.engine.serveLocked(l)
}

// adoptLocked takes over the floor as it was read from the file, unless answers have
// changed it since that read began.
func (l *lane) adoptLocked(stored webhook.RetryAfter, changes int) {
	if l.floor.unsaved > 0 || l.floor.changes != changes {
		return
	}
	l.floor.until, l.floor.alone = stored, !stored.IsZero()
}

// giveBack puts work that was about to start back to the head of its lane. It keeps
// its place in its transaction.
func (e *Engine) giveBack(l *lane, work *webhook.Work) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l.inFlight--
	e.room.taken[l.standing]--
	if l.floor.probe == work {
		l.floor.probe = nil
	}
	l.held = append(l.held, work)
	e.leaveLocked(l, work)
}

// oldestLocked takes the delivery off the queues that was accepted first, of those that are
// due.
func (l *lane) oldestLocked() *webhook.Work {
	older := func(a, b *webhook.Work) int { return int(a.Key.Event - b.Key.Event) }
	first := l.first.peek()
	if len(l.due) > 0 {
		due := slices.MinFunc(l.due, older)
		if first == nil || older(due, first) <= 0 {
			l.due = slices.DeleteFunc(l.due, func(w *webhook.Work) bool { return w == due })
			return due
		}
	}
	return l.pickFirstLocked()
}
