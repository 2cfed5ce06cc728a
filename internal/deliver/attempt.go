package deliver

import (
	"errors"

	"sealpost/internal/webhook"
)

// work attempts a delivery, and then the lane's next one, for as long as the
// lane has something that may start.
func (e *Engine) work(l *lane, work *webhook.Work) {
	for work != nil {
		goesOn := e.attempt(l, work)
		e.mu.Lock()
		work = nil
		if goesOn {
			if work = e.nextLocked(l); work == nil {
				e.refillLocked(l)
			} else {
				e.serveLocked(l) // the window may have grown
			}
		}
		e.feedStarvedLocked()
		e.mu.Unlock()
	}
}

// feedStarvedLocked lets lanes that found no room try again, for as long as there is
// some.
func (e *Engine) feedStarvedLocked() {
	for !e.recorder.full() {
		l := e.room.firstLocked()
		if l == nil {
			return
		}
		ticket := l.ticket
		if e.serveLocked(l); l.ticket == ticket {
			l.ticket = 0 // it wants nothing any more
		}
	}
}

// attempt carries out one attempt from looking up the receiver to handing the
// outcome to the recorder. It reports whether the lane goes on.
func (e *Engine) attempt(l *lane, work *webhook.Work) bool {
	receiver, outcome, err := e.handle(l, work)
	var poison *unsendable
	switch {
	case err == nil:
		e.end(l, work, func() {
			l.stalls = 0
			l.heedLocked(outcome)
			l.learnLocked(outcome)
		})
	case errors.As(err, &poison):
		e.end(l, work, func() {}) // it says nothing about the receiver
		outcome = poison.outcome(work, e.opts.Now())
	case errors.Is(err, errOvertaken):
		e.end(l, work, func() {
			l.dropLocked(work)
			l.planLocked(e.opts.Now()) // look what it is now
		})
		return true
	case errors.Is(err, errFloor), errors.Is(err, errCrowded):
		e.giveBack(l, work)
		return true // to set its timer
	case errors.Is(err, errShutdown):
		e.end(l, work, func() { l.dropLocked(work) }) // it goes back unharmed
		return false
	case errors.Is(err, errAsleep):
		e.end(l, work, func() {
			l.sleepLocked(work)
			if work.Revision != e.revision.Load() { // it may have been enabled since it was looked up
				e.rouseLocked(l)
			}
		})
		return false
	default:
		e.end(l, work, func() {
			l.sleepLocked(work) // all is on file
			l.asleep = false
			l.planLocked(e.opts.Now())
			l.stallLocked("looking up a delivery", err)
		})
		return true // to set its timer
	}
	e.tell(Observation{Work: work, Receiver: receiver, Outcome: outcome, Panic: poison.panicked()})
	e.recorder.record(outcome)
	return true
}

// handle is what concerns one delivery alone, and touches nothing that others
// share: a panic in it ends that delivery, as an [unsendable] one.
func (e *Engine) handle(l *lane, work *webhook.Work) (receiver *webhook.Receiver, outcome *webhook.Outcome, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = panicked(value)
		}
	}()
	receiver, to, signer, err := e.receiver(l, work)
	if err == nil && work.Bytes == nil {
		work.Bytes, err = e.store.Payload(e.life, work.Key.Event)
		if err == nil && work.Bytes == nil {
			err = &unsendable{why: "the event's bytes are gone from the database"}
		}
	}
	if err != nil {
		return receiver, nil, err
	}
	answer, ended := e.sender.send(e.life, work, to, signer)
	if errors.Is(ended, errShutdown) {
		return receiver, nil, errShutdown
	}
	decided := Decide(e.opts.Policy, work, answer, e.opts.Now(), random())
	if err := decided.Check(); err != nil { // the recorder would never be rid of it
		return receiver, nil, &unsendable{why: err.Error()}
	}
	return receiver, &decided, nil
}

// end frees the place that work took in its lane and lets then say, with the
// lock held, what becomes of it.
func (e *Engine) end(l *lane, work *webhook.Work, then func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l.inFlight--
	e.room.taken[l.standing]--
	then()
	if l.floor.probe == work {
		l.floor.probe = nil
	}
	l.releaseLocked(work)
	e.leaveLocked(l, work)
}

var (
	errAsleep    = errors.New("the webhook is disabled or deleted")
	errCrowded   = errors.New("the host has as many requests under way as it may have")
	errFloor     = errors.New("the receiver wants no attempt yet")
	errOvertaken = errors.New("the delivery was changed meanwhile")
)
