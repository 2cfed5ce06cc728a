package server_test

import (
	"net"
	"net/netip"
	"testing"

	"sealpost/internal/server"
)

// from is a connection of an address.
type from struct {
	net.Conn
	address netip.Addr
	closed  chan struct{}
}

func (f *from) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(f.address, 1))
}
func (f *from) Close() error { close(f.closed); return nil }

// queue is a listener over connections that are there already.
type queue chan net.Conn

func (q queue) Accept() (net.Conn, error) {
	if c, more := <-q; more {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (q queue) Close() error   { return nil }
func (q queue) Addr() net.Addr { return &net.TCPAddr{} }

// TestShareOfAnAddress has many connections of one network, of loopback and of a trusted proxy.
func TestShareOfAnAddress(t *testing.T) {
	for name, c := range map[string]struct {
		address, next string
		open          int
	}{
		"an address":        {"203.0.113.7", "203.0.113.7", 4},
		"a /64":             {"2001:db8::1", "2001:db8::ffff:2", 4},
		"loopback":          {"127.0.0.1", "127.0.0.1", 16},
		"loopback, IPv6":    {"::1", "::1", 16},
		"a trusted proxy":   {"10.1.2.3", "10.1.2.3", 16},
		"another's network": {"203.0.113.7", "203.0.113.8", 8},
	} {
		q := make(queue, 64)
		l := server.NewConnections(16, proxies("10.0.0.0/8")).Listen(q)
		all := []*from{}
		for i := range 40 {
			address := c.address
			if i%2 == 1 {
				address = c.next
			}
			all = append(all, &from{address: netip.MustParseAddr(address), closed: make(chan struct{})})
			q <- all[i]
		}
		close(q)
		for {
			if _, err := l.Accept(); err != nil {
				break
			}
		}
		open := 0
		for _, f := range all {
			select {
			case <-f.closed:
			default:
				open++
			}
		}
		select {
		case <-all[39].closed:
			t.Errorf("%s: the newest is closed, not the longest idle one", name)
		default:
		}
		if open != c.open {
			t.Errorf("%s: %d are open, not %d", name, open, c.open)
		}
	}
}
