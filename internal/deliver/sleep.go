package deliver

import (
	"slices"
	"time"

	"sealpost/internal/webhook"
)

// sleepLocked forgets a lane's queues, and the work at hand: they are on file, and
// read again when the webhook is enabled. What is in flight or not recorded
// yet stays known, so that it is not taken up twice.
func (l *lane) sleepLocked(work *webhook.Work) {
	l.asleep, l.spilled = true, true
	l.naps++
	l.dropLocked(work)
	for _, work := range l.held {
		l.releaseLocked(work) // brings who waits behind it into the queue
	}
	for work := l.first.pop(); work != nil; work = l.first.pop() {
		l.engine.queued -= len(work.Bytes)
		l.dropLocked(work)
	}
	for _, work := range slices.Concat(l.due, l.early, l.held) {
		l.dropLocked(work)
	}
	l.due, l.early, l.held, l.nextDue, l.cursor = nil, nil, nil, time.Time{}, 0
	for subject, waiting := range l.busy {
		for _, work := range waiting {
			l.dropLocked(work)
		}
		l.busy[subject] = nil
	}
	l.aside = 0
	l.timer.Stop()
}
