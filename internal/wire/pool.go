package wire

import (
	"sync"
	"time"
)

// pool keeps connections that are not in use, the latest used last. It needs no
// goroutine: a connection is looked at when it is taken, and a timer closes
// those that nobody takes.
type pool struct {
	mu    sync.Mutex
	conns map[place][]*conn
	count int
	timer *time.Timer
}

// take returns a connection that still stands, or nil.
func (p *pool) take(at place) *conn {
	for {
		p.mu.Lock()
		stack := p.conns[at]
		if len(stack) == 0 {
			p.mu.Unlock()
			return nil
		}
		c := stack[len(stack)-1]
		p.keep(at, stack[:len(stack)-1], 1)
		p.mu.Unlock()
		if time.Since(c.since) < c.transport.IdleTimeout && c.quiet() {
			return c
		}
		c.close()
	}
}

// keep notes what is left of a place's connections after some were removed.
// Called with the lock held.
func (p *pool) keep(at place, rest []*conn, removed int) {
	p.count -= removed
	clear(rest[len(rest) : len(rest)+removed])
	p.conns[at] = rest // even when empty: it is needed again in a moment, as a rule
}

// put keeps a connection for the next exchange, when there is room.
func (t *Transport) put(c *conn) {
	c.since = time.Now()
	p := &t.idle
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.since.Sub(c.born) >= t.MaxAge || p.count >= t.MaxIdle || len(p.conns[c.place]) >= t.MaxIdlePerPlace {
		c.close()
		return
	}
	if p.conns == nil {
		p.conns = make(map[place][]*conn)
	}
	p.conns[c.place] = append(p.conns[c.place], c)
	if p.count++; p.timer == nil {
		p.timer = time.AfterFunc(t.IdleTimeout, func() { t.sweep() })
	}
}

// sweep closes what has been idle for too long, and comes back for the rest.
func (t *Transport) sweep() {
	p := &t.idle
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = nil
	now := time.Now()
	next := t.IdleTimeout
	for at, stack := range p.conns {
		old := 0
		for old < len(stack) && now.Sub(stack[old].since) >= t.IdleTimeout {
			stack[old].close()
			old++
		}
		if old < len(stack) {
			next = min(next, t.IdleTimeout-now.Sub(stack[old].since))
		}
		if old > 0 {
			copy(stack, stack[old:])
			p.keep(at, stack[:len(stack)-old], old)
		}
		if old == len(stack) {
			delete(p.conns, at)
		}
	}
	if p.count > 0 {
		p.timer = time.AfterFunc(next, func() { t.sweep() })
	}
}

// drain closes everything.
func (p *pool) drain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, stack := range p.conns {
		for _, c := range stack {
			c.close()
		}
	}
	p.conns, p.count = nil, 0
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}
