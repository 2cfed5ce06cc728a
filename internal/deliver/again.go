package deliver

import (
	"context"
	"time"
)

// Every read of the engine that failed is made again, after a pause that doubles.
// There are two ways, both here:
//
//   - What concerns all lanes (what is pending, what is new) is insisted on by the
//     goroutine that reads it: see insist.
//   - What concerns one lane (its work, its receiver, a payload) is left on file
//     and read again when the lane's pause is over: see stall. One webhook whose
//     rows can't be read never keeps the readers from the others.

// The pauses between a read that failed and the next try.
const (
	shortestPause = 100 * time.Millisecond
	longestPause  = 10 * time.Second
)

// startTries bounds how often Start reads what it needs: about 6 s, and then
// whoever supervises the process should hear of it.
const startTries = 7

// pauseAfter is the pause after so many failures in a row.
func pauseAfter(failures int) time.Duration {
	return min(shortestPause<<min(failures-1, 16), longestPause)
}

// insist makes a read until it succeeds, or has failed as often as most says; 0
// is no bound. The error is the last one, or that of ctx. It also gives up when
// the engine stops.
func (e *Engine) insist(ctx context.Context, most int, what string, read func(context.Context) error) error {
	for failures := 1; ; failures++ {
		err := read(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || failures == most {
			return err
		}
		e.opts.Log.Error(what+" failed; trying again", "try", failures, "error", err)
		if !e.pause(ctx, pauseAfter(failures)) {
			return err
		}
	}
}

// pause waits, and reports whether the engine goes on.
func (e *Engine) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-e.ending:
		return false
	case <-ctx.Done():
		return false
	}
}

// stallLocked has a lane read nothing for a while, since something could not be read
// for it.
func (l *lane) stallLocked(what string, err error) {
	e := l.engine
	if e.life.Err() != nil {
		return
	}
	l.stalls++
	l.resume = e.opts.Now().Add(pauseAfter(l.stalls))
	e.opts.Log.Error(what+" failed; trying again", "webhook", l.webhook, "try", l.stalls, "error", err)
}

// stalledLocked reports whether a lane may not read yet. A clock that was set back ends
// the pause.
func (l *lane) stalledLocked(now time.Time) bool {
	wait := l.resume.Sub(now)
	return wait > 0 && wait <= longestPause
}
