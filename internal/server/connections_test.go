package server_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"sealpost/internal/server"
	"sealpost/internal/webhook"
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

// TestStreamsAreConnections has one HTTP/2 connection with as many requests under way as
// there may be connections. The next request is refused until one of them ends.
func TestStreamsAreConnections(t *testing.T) {
	const most = 4
	begun, finish := make(chan struct{}), make(chan struct{})
	hook := pandaHook(nil)
	hook.Take = func(context.Context, []byte) (webhook.Taking, error) {
		begun <- struct{}{}
		<-finish
		return webhook.Taking{}, nil
	}
	log := slog.New(slog.DiscardHandler)
	web := httptest.NewUnstartedServer(nil)
	web.EnableHTTP2, web.Config = true, server.HTTP(server.New(server.Options{Log: log, Hooks: []server.Hook{hook}}), log)
	bound := server.NewConnections(most, nil)
	bound.Watch(web.Config)
	web.Listener = bound.Listen(web.Listener)
	web.StartTLS()
	defer web.Close()
	ask := func(method, path, body string) (status int) {
		request, err := http.NewRequestWithContext(t.Context(), method, web.URL+path, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return 0
		}
		request.Header.Set("Signature", digest(providerKey, body))
		response, err := web.Client().Do(request)
		if err != nil {
			t.Error(err)
			return 0
		}
		defer response.Body.Close() //nolint:errcheck // it was only read
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.ProtoMajor != 2 {
			t.Errorf("HTTP/%d: %v", response.ProtoMajor, err)
		}
		return response.StatusCode
	}
	if status := ask("GET", "/healthz", ""); status != http.StatusOK {
		t.Fatalf("the first request is answered %d", status)
	}
	var asking sync.WaitGroup
	for range most {
		asking.Go(func() {
			if status := ask("POST", "/hooks/panda", "{}"); status != http.StatusOK {
				t.Errorf("a request under way is answered %d", status)
			}
		})
		<-begun
	}
	if status := ask("GET", "/healthz", ""); status != http.StatusServiceUnavailable {
		t.Errorf("one request more is answered %d", status)
	}
	close(finish)
	asking.Wait()
	if status := ask("GET", "/healthz", ""); status != http.StatusOK {
		t.Errorf("when there is room, a request is answered %d", status)
	}
}
