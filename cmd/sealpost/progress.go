package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Quick work shows no progress: it would only flicker.
const (
	progressAfter = 300 * time.Millisecond
	progressEvery = 100 * time.Millisecond
)

// eraseLine brings the cursor to the beginning of a line and empties it.
const eraseLine = "\r\x1b[K"

// progress tells on a terminal that long work goes on, and how far it is. Its
// line is gone when it ends, and nothing else may be written to the terminal
// before that. A nil one shows nothing.
type progress struct {
	out  io.Writer
	what string

	mu          sync.Mutex
	done, total int

	stop chan struct{}
	gone chan struct{}
}

// progress begins to tell of work; end it before anything is printed. In a
// pipe, and with --quiet, there is nothing to see.
func (a *app) progress(what string) *progress {
	if a.quiet || !isTerminal(a.streams.err) {
		return nil
	}
	p := &progress{out: a.streams.err, what: what, stop: make(chan struct{}), gone: make(chan struct{})}
	go p.draw()
	return p
}

// at notes how far the work is.
func (p *progress) at(done, total int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.total = done, total
}

// now names the work that goes on from here.
func (p *progress) now(what string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.done, p.total = what, 0, 0
}

// end takes the line away.
func (p *progress) end() {
	if p == nil {
		return
	}
	close(p.stop)
	<-p.gone
}

func (p *progress) draw() {
	defer close(p.gone)
	select {
	case <-time.After(progressAfter):
	case <-p.stop:
		return
	}
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		fmt.Fprint(p.out, eraseLine, p.line(n))
		select {
		case <-tick.C:
		case <-p.stop:
			fmt.Fprint(p.out, eraseLine)
			return
		}
	}
}

func (p *progress) line(n int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	sign := `|/-\`[n%4 : n%4+1]
	if p.total == 0 {
		return fmt.Sprintf("%s %s", sign, p.what)
	}
	return fmt.Sprintf("%s %s: %d of %d (%d %%)", sign, p.what, p.done, p.total, int64(p.done)*100/int64(p.total))
}
