package wire_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"sealpost/internal/wire"
)

// packets holds what is written back, so that several TLS records arrive as one.
type packets struct {
	net.Conn
	held    bytes.Buffer
	holding bool
}

func (p *packets) Write(b []byte) (int, error) {
	if p.holding {
		return p.held.Write(b)
	}
	return p.Conn.Write(b)
}

// SetWriteDeadline is what a farewell ends all writing with, its own too when it is held.
func (p *packets) SetWriteDeadline(time.Time) error { return nil }

func (p *packets) flush() {
	p.holding = false
	_, _ = p.held.WriteTo(p.Conn)
}

// secureReceiver is a receiver that speaks TLS by hand. What say writes
// arrives at once, record for record, when it returns.
func secureReceiver(t *testing.T, say func(n int64, c *tls.Conn) error) (*receiver, *wire.Transport) {
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	t.Cleanup(web.Close)
	r := newReceiver(t, func(r *receiver, n int64, c net.Conn, _ *bufio.Reader) {
		p := &packets{Conn: c}
		secure := tls.Server(p, &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12})
		for in := bufio.NewReader(secure); r.take(in); {
			p.holding = true
			err := say(n, secure)
			if p.flush(); err != nil {
				return
			}
		}
	})
	w := transport(t)
	w.TLS.RootCAs = x509.NewCertPool()
	w.TLS.RootCAs.AddCert(web.Certificate())
	at, err := url.Parse(r.url)
	if err != nil {
		t.Fatal(err)
	}
	w.Dial = func(ctx context.Context, _ *url.URL) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", at.Host)
	}
	return r, w
}

func say(c net.Conn, text string) error {
	_, err := io.WriteString(c, text)
	return err
}

// TestAnswerInAdvance has a receiver say more than was asked for, in a TLS
// record of its own: it is taken from the socket together with the answer, and
// still no answer to the next request.
func TestAnswerInAdvance(t *testing.T) {
	to, w := secureReceiver(t, func(n int64, c *tls.Conn) error {
		if n > 1 {
			return say(c, "HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n")
		}
		return errors.Join(say(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), say(c, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nanother's"))
	})
	for i, want := range []int{200, 500} {
		if status, _, err := exchange(w, post(t.Context(), "https://example.com/", "{}")); status != want || err != nil {
			t.Errorf("request %d: %d, %v", i+1, status, err)
		}
	}
	if to.conns.Load() != 2 {
		t.Errorf("%d connections, not 2", to.conns.Load())
	}
}

// TestFarewellWithAnswer has a receiver end TLS together with its answer and
// keep the connection under it: the next request goes elsewhere.
func TestFarewellWithAnswer(t *testing.T) {
	to, w := secureReceiver(t, func(_ int64, c *tls.Conn) error {
		return errors.Join(say(c, "HTTP/1.1 204 No Content\r\n\r\n"), c.CloseWrite())
	})
	for range 2 {
		if status, _, err := exchange(w, post(t.Context(), "https://example.com/", "{}")); status != 204 || err != nil {
			t.Errorf("%d, %v", status, err)
		}
	}
	if conns, requests := to.conns.Load(), to.requests.Load(); conns != 2 || requests != 2 {
		t.Errorf("%d connections, %d requests; not 2 and 2", conns, requests)
	}
}

// TestSecureConnectionIsKept has nothing but answers on it.
func TestSecureConnectionIsKept(t *testing.T) {
	to, w := secureReceiver(t, func(_ int64, c *tls.Conn) error { return say(c, "HTTP/1.1 204 No Content\r\n\r\n") })
	for range 3 {
		if status, _, err := exchange(w, post(t.Context(), "https://example.com/", "{}")); status != 204 || err != nil {
			t.Errorf("%d, %v", status, err)
		}
	}
	if to.conns.Load() != 1 {
		t.Errorf("3 requests took %d connections", to.conns.Load())
	}
}
