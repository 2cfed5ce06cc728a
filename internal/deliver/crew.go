package deliver

import "sealpost/internal/webhook"

// crew keeps the goroutines that make attempts for the next ones, a few of them:
// a new one begins with a small stack and grows it, copying, on the way down
// through TLS and HTTP, which costs a good part of what an attempt does. All of it
// is guarded by the engine's lock.
type crew struct {
	waiting []chan job // those with nothing to do, the latest last; its stack is still warm
}

// job is a delivery to attempt, and the lane that it is from.
type job struct {
	lane *lane
	work *webhook.Work
}

// maxWaiting bounds the goroutines that wait, and with them their stacks.
const maxWaiting = 32

// handLocked gives a job to one that waits and reports whether there was any.
func (c *crew) handLocked(j job) bool {
	last := len(c.waiting) - 1
	if last < 0 {
		return false
	}
	c.waiting[last] <- j // has room: who waits has taken the one before
	c.waiting = c.waiting[:last]
	return true
}

// joinLocked has the owner of in wait for a job and reports whether it may.
func (c *crew) joinLocked(in chan job) bool {
	if len(c.waiting) >= maxWaiting {
		return false
	}
	c.waiting = append(c.waiting, in)
	return true
}

// dismissLocked ends those that wait.
func (c *crew) dismissLocked() {
	for _, in := range c.waiting {
		close(in)
	}
	c.waiting = nil
}

// launchLocked has a delivery attempted.
func (e *Engine) launchLocked(l *lane, work *webhook.Work) {
	first := job{l, work}
	if e.crew.handLocked(first) {
		return
	}
	e.wg.Go(func() {
		e.work(first.lane, first.work)
		in := make(chan job, 1)
		for e.joins(in) {
			next, more := <-in
			if !more {
				return
			}
			e.work(next.lane, next.work)
		}
	})
}

// joins is crew's join, unless the engine is stopping.
func (e *Engine) joins(in chan job) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.stopping && e.crew.joinLocked(in)
}
