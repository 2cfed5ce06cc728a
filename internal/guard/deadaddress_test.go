//go:build linux

package guard

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// deaf makes an address of this machine swallow whoever calls a port: its queue has no room, and
// nobody takes from it.
func deaf(t *testing.T, addr [4]byte, port int) {
	t.Helper()
	at := &syscall.SockaddrInet4{Addr: addr, Port: port}
	open := func(flags int) int {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|flags, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Close(fd) })
		return fd
	}
	fd := open(0)
	if err := syscall.Bind(fd, at); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	for range 4 { // more than the queue holds
		_ = syscall.Connect(open(syscall.SOCK_NONBLOCK), at)
	}
}

// TestDeadAddresses has names with addresses that never answer, and name servers that
// never answer one of the two questions.
func TestDeadAddresses(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer web.Close()
	_, text, _ := net.SplitHostPort(web.Listener.Addr().String())
	port, _ := strconv.Atoi(text)
	deaf(t, [4]byte{127, 0, 0, 2}, port)
	deaf(t, [4]byte{127, 0, 0, 3}, port)
	r := startResolver(t, func(name string) ([]string, dnsmessage.RCode, bool) {
		switch name {
		case "one.example.com":
			return []string{"127.0.0.2", "127.0.0.1"}, 0, false
		case "two.example.com":
			return []string{"127.0.0.2", "127.0.0.3", "127.0.0.1"}, 0, false
		}
		return []string{"127.0.0.1"}, 0, false
	})
	r.mute.Store(uint32(dnsmessage.TypeAAAA))
	g := newGuard(t, Settings{Allow: []string{"127.0.0.0/8"}, AllowHTTP: true, Resolver: r.addr})
	for _, host := range []string{"one", "two", "half"} {
		if _, body, err := post(t, g, "http://"+host+".example.com:"+text+"/"); err != nil || body != "hello" {
			t.Errorf("%s: %q, %v", host, body, err)
		}
	}
	v := g.Check(t.Context(), "http://half.example.com:"+text+"/")
	if !v.Allowed || v.Unanswered != "AAAA" || len(v.Addrs) != 1 {
		t.Errorf("%+v", v)
	}
	if p, err := g.ProbeAddr(t.Context(), "http://one.example.com:"+text+"/", netip.MustParseAddr("127.0.0.1")); err != nil || !strings.HasSuffix(p.Addr.String(), "127.0.0.1:"+text) {
		t.Errorf("%v, %v", p.Addr, err)
	}
	if _, err := g.ProbeAddr(t.Context(), "http://one.example.com:"+text+"/", netip.MustParseAddr("10.0.0.1")); err == nil {
		t.Error("an address was asked that may not be called")
	}
}
