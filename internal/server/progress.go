package server

import (
	"net/http"
	"sync/atomic"
	"time"
)

// How slow a client may be while there is no room for another connection.
const (
	allowance  = 2 * time.Second // how far it may fall behind
	leastRate  = 16 << 10        // bytes a second of each request that it has to send or to read
	writePiece = 64 << 10        // bytes that are written at a time, so that a long answer shows progress
	recheck    = allowance / 4   // requests begin and end meanwhile
)

// progress is how far the client of a connection is behind.
//
// A client falls behind while a request of its arrives, or while it reads an answer. Each
// byte brings it forward, at leastRate, up to now: large pieces earn nothing for
// later, and single bytes now and then earn next to nothing. Requests of one
// connection share what its bytes earn.
//
// A client is not behind while a handler is at work on a request of its that has arrived whole.
type progress struct {
	started time.Time    // of the clock
	since   atomic.Int64 // nanoseconds after started: up to then the client has kept pace
	streams atomic.Int32 // of HTTP/2, under way

	working int           // handlers at work; the lock of Connections holds it
	began   time.Duration // when the first of them began; likewise
}

// now is the time on the progress's own clock, which nobody sets.
func (p *progress) now() time.Duration { return time.Since(p.started) }

// restart forgives what the client was behind.
func (p *progress) restart() { p.since.Store(int64(p.now())) }

// moved counts bytes that came or went.
func (p *progress) moved(bytes int) {
	if bytes <= 0 {
		return
	}
	p.advance(time.Duration(bytes) * time.Second / leastRate / time.Duration(max(p.streams.Load(), 1)))
}

func (p *progress) advance(by time.Duration) {
	for {
		old := p.since.Load()
		if p.since.CompareAndSwap(old, min(old+int64(by), int64(p.now()))) {
			return
		}
	}
}

// behind is how far the client is behind. A client that does not have to do anything is not.
func (p *progress) behind() (by time.Duration, is bool) {
	return p.now() - time.Duration(p.since.Load()), p.working == 0
}

// work says that a handler begins to work on its own, or ends.
func (n *connection) work(begin bool) {
	n.all.mu.Lock()
	defer n.all.mu.Unlock()
	if begin {
		if n.working++; n.working == 1 {
			n.began = n.now()
		}
		return
	}
	if n.working--; n.working > 0 {
		return
	}
	if n.streams.Load() > 1 {
		n.advance(n.now() - n.began) // the others had time to send, and are behind as before
	} else {
		n.restart()
	}
}

// Read implements [net.Conn].
func (n *connection) Read(p []byte) (int, error) {
	read, err := n.Conn.Read(p)
	n.moved(read)
	return read, err //nolint:wrapcheck // it is read through
}

// Write implements [net.Conn].
func (n *connection) Write(p []byte) (written int, err error) {
	for {
		piece := p[written:min(written+writePiece, len(p))]
		some, err := n.Conn.Write(piece)
		n.moved(some)
		if written += some; err != nil || written == len(p) {
			return written, err //nolint:wrapcheck // it is written through
		}
	}
}

// cutSlowest closes the connection among some whose client is furthest behind, if that
// is too far. Otherwise it says when to look again.
func (c *Connections) cutSlowest(among func(*connection) bool) (done bool, again time.Duration) {
	var slowest *connection
	var most time.Duration
	for n := range c.open {
		if !n.idle.IsZero() || !among(n) {
			continue
		}
		if by, is := n.behind(); is && (slowest == nil || by > most) {
			slowest, most = n, by
		}
	}
	if slowest == nil {
		return false, recheck
	}
	if most < allowance {
		return false, min(allowance-most, recheck)
	}
	c.forget(slowest)
	_ = slowest.Conn.Close()
	return true, 0
}

// makeRoom closes one connection among some: the one that has been idle for the
// longest, or else the slowest.
func (c *Connections) makeRoom(among func(*connection) bool) (done bool, again time.Duration) {
	if c.evict(among) {
		return true, 0
	}
	return c.cutSlowest(among)
}

// wait lets go of the lock until a connection ends or time is up.
func (c *Connections) wait(most time.Duration) {
	timer := time.AfterFunc(most, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.freed.Broadcast()
	})
	c.freed.Wait()
	timer.Stop()
}

// work says that the handler works on its own now, or waits for its client: for
// the body, or until the answer is read.
func (x *exchange) work(on bool) {
	if x.connection != nil && x.working != on {
		x.working = on
		x.connection.work(on)
	}
}

// WriteHeader implements [http.ResponseWriter].
func (x *exchange) WriteHeader(status int) {
	x.work(false)
	if x.turn != nil {
		x.turn.answer()
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (x *exchange) Write(p []byte) (int, error) {
	x.work(false)
	if x.turn != nil {
		x.turn.answer()
	}
	return x.ResponseWriter.Write(p) //nolint:wrapcheck // it is written through
}

// connectionOf is the connection of a request; nil when there is no bound.
func connectionOf(r *http.Request) *connection {
	n, _ := r.Context().Value(connectionKey{}).(*connection)
	return n
}
