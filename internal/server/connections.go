package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"sealpost/internal/access"
)

// Connections bounds the connections of a listener. When there is no more room, it closes the
// connection that has been idle for the longest; while none is idle, the one whose client
// is slowest to send its request or to read its answer. While no client is slow, the next connection waits.
// One address (an IPv6 address's /64) has at most a quarter of them; loopback
// addresses and trusted proxies have all. Each HTTP/2 stream beyond a connection's first counts as a connection.
type Connections struct {
	most    int
	trusted []netip.Prefix

	mu    sync.Mutex
	open  map[*connection]struct{}
	used  int                  // connections, and streams beyond the first of each
	of    map[netip.Prefix]int // of them, by address
	freed *sync.Cond
}

// NewConnections bounds connections to most.
func NewConnections(most int, trusted []netip.Prefix) *Connections {
	c := &Connections{most: most, trusted: trusted, open: map[*connection]struct{}{}, of: map[netip.Prefix]int{}}
	c.freed = sync.NewCond(&c.mu)
	return c
}

// connection is one of them.
type connection struct {
	net.Conn
	all     *Connections
	network netip.Prefix
	free    bool      // of the share of its address
	idle    time.Time // since when; zero: it is in use
	closed  bool
	progress
}

// Listen returns the listener with the bound.
func (c *Connections) Listen(l net.Listener) net.Listener { return &bounded{l, c} }

type bounded struct {
	net.Listener
	all *Connections
}

// Accept implements [net.Listener].
func (b *bounded) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if admitted := b.all.admit(conn); admitted != nil {
			return admitted, nil
		}
		_ = conn.Close()
	}
}

// Close implements [net.Listener]; it also ends a wait for room.
func (b *bounded) Close() error {
	b.all.mu.Lock()
	b.all.most = 1 << 30
	b.all.freed.Broadcast()
	b.all.mu.Unlock()
	return b.Listener.Close()
}

// admit counts a connection, or returns nil when its address has its share.
func (c *Connections) admit(conn net.Conn) net.Conn {
	address := parseAddress(conn.RemoteAddr().String())
	now := time.Now()
	n := &connection{Conn: conn, all: c, network: access.Network(address), idle: now, progress: progress{started: now}}
	n.free = !address.IsValid() || address.IsLoopback() || slices.ContainsFunc(c.trusted, func(p netip.Prefix) bool { return p.Contains(address) })
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.roomOfItsShare(n) {
		return nil
	}
	for c.used >= c.most {
		if done, again := c.makeRoom(func(*connection) bool { return true }); !done {
			c.wait(again)
		}
	}
	c.count(n, 1)
	c.open[n] = struct{}{}
	return n
}

// roomOfItsShare reports whether an address may have one more; others of its own make room.
func (c *Connections) roomOfItsShare(n *connection) bool {
	if n.free || c.of[n.network] < max(c.most/4, 1) {
		return true
	}
	done, _ := c.makeRoom(func(o *connection) bool { return o.network == n.network && o != n })
	return done
}

func (c *Connections) count(n *connection, by int) {
	c.used += by
	if c.of[n.network] += by; c.of[n.network] == 0 {
		delete(c.of, n.network)
	}
	if by < 0 {
		c.freed.Signal()
	}
}

// evict closes the connection among some that has been idle for the longest.
func (c *Connections) evict(among func(*connection) bool) bool {
	var longest *connection
	for n := range c.open {
		if !n.idle.IsZero() && among(n) && (longest == nil || n.idle.Before(longest.idle)) {
			longest = n
		}
	}
	if longest == nil {
		return false
	}
	c.forget(longest)
	_ = longest.Conn.Close()
	return true
}

func (c *Connections) forget(n *connection) {
	if !n.closed {
		n.closed = true
		delete(c.open, n)
		c.count(n, -1)
	}
}

// Close implements [net.Conn].
func (n *connection) Close() error {
	n.all.mu.Lock()
	n.all.forget(n)
	n.all.mu.Unlock()
	return n.Conn.Close()
}

// CloseWrite serves net/http, which lets a connection linger after its last answer.
func (n *connection) CloseWrite() error {
	n.use(false)
	if half, can := n.Conn.(interface{ CloseWrite() error }); can {
		return half.CloseWrite()
	}
	return nil
}

func (n *connection) use(busy bool) {
	n.all.mu.Lock()
	defer n.all.mu.Unlock()
	switch {
	case busy:
		n.idle = time.Time{}
		n.restart()
	case n.idle.IsZero():
		n.idle = time.Now()
		n.all.freed.Signal()
	}
}

type connectionKey struct{}

// Watch has a server say which connections are idle.
func (c *Connections) Watch(web *http.Server) {
	web.ConnState = func(conn net.Conn, state http.ConnState) {
		if n := bare(conn); n != nil && (state == http.StateActive || state == http.StateIdle) {
			n.use(state == http.StateActive)
		}
	}
	web.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, bare(conn))
	}
}

// bare is the bounded connection below TLS.
func bare(conn net.Conn) *connection {
	if secure, is := conn.(*tls.Conn); is {
		conn = secure.NetConn()
	}
	n, _ := conn.(*connection)
	return n
}

// stream counts a stream of HTTP/2 for as long as it lasts. There may be no room for it.
func (n *connection) stream() (end func(), ok bool) {
	c := n.all
	c.mu.Lock()
	defer c.mu.Unlock()
	if n.streams.Load() > 0 {
		if !c.roomOfItsShare(n) {
			return nil, false
		}
		if c.used >= c.most {
			if done, _ := c.makeRoom(func(o *connection) bool { return o != n }); !done {
				return nil, false
			}
		}
		c.count(n, 1)
	}
	n.streams.Add(1)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if n.streams.Add(-1) > 0 {
			c.count(n, -1)
		}
	}, true
}
