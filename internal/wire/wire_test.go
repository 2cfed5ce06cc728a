package wire_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sealpost/internal/wire"
)

func transport(t testing.TB) *wire.Transport {
	w := &wire.Transport{
		Dial: func(ctx context.Context, u *url.URL) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
		},
		TLS: &tls.Config{MinVersion: tls.VersionTLS12}, HandshakeTimeout: 10 * time.Second,
		MaxHeader: 64 << 10, IdleTimeout: time.Minute, MaxAge: time.Hour, MaxIdlePerPlace: 8, MaxIdle: 16,
	}
	t.Cleanup(w.CloseIdleConnections)
	return w
}

func post(ctx context.Context, to, body string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Webhook-Id", "e1")
	r.Header.Set("Idempotency-Key", "net/http would send this twice")
	return r
}

// receiver speaks by hand: say is called with the number of a connection and
// what reads its requests.
type receiver struct {
	url      string
	conns    atomic.Int64
	requests atomic.Int64
}

func newReceiver(t testing.TB, say func(r *receiver, n int64, c net.Conn, in *bufio.Reader)) *receiver {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{url: "http://" + l.Addr().String() + "/hook"}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n := r.conns.Add(1)
			go func() {
				defer c.Close() //nolint:errcheck // the test looks at the other side
				say(r, n, c, bufio.NewReader(c))
			}()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return r
}

// take reads a whole request.
func (r *receiver) take(in *bufio.Reader) bool {
	q, err := http.ReadRequest(in)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, q.Body)
	r.requests.Add(1)
	return err == nil
}

// always answers every request with the same bytes.
func always(t testing.TB, answer string) *receiver {
	return newReceiver(t, func(r *receiver, _ int64, c net.Conn, in *bufio.Reader) {
		for r.take(in) {
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
	})
}

func exchange(w *wire.Transport, r *http.Request) (status int, body string, err error) {
	response, err := w.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// TestAnswers reads what receivers may say, and tells whether the connection
// serves the next request.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		status       int
		body, fault  string
		kept         bool
	}{
		{"empty", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", "", true},
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", "", true},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n", 200, "ok", "", true},
		{"no reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, "", "", true},
		{"redirect", "HTTP/1.1 307 Off\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 307, "", "", true},
		{"compressed is left alone", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b", 200, "\x1f\x8b", "", true},
		{"interim", "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 202, "", "", true},
		{"said to close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 200, "ok", "", false},
		{"old", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", "", false},
		{"old, kept alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 200, "ok", "", true},
		{"other protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", 101, "", "", false},
		{"more than was asked for", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n", 200, "ok", "", false},
		{"garbage", "220 mail.example.com ESMTP\r\n\r\n", 0, "", "malformed HTTP", false},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", 0, "", "Content-Length", false},
		{"endless header", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 70), 0, "", "exceeded 65536 bytes", false},
		{"endless interim", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 3000), 0, "", "exceeded 65536 bytes", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			to, w := always(t, c.answer), transport(t)
			for range 2 {
				status, body, err := exchange(w, post(t.Context(), to.url, "{}"))
				if status != c.status || body != c.body || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
					t.Errorf("%d %q %v", status, body, err)
				}
			}
			if kept := to.conns.Load() == 1; kept != c.kept {
				t.Errorf("2 requests took %d connections", to.conns.Load())
			}
			if to.requests.Load() != 2 {
				t.Errorf("%d requests arrived, not 2", to.requests.Load())
			}
		})
	}
}

// TestUnreadBodyClosesConnection has the rest of an answer nobody wanted not
// pass for the next answer.
func TestUnreadBodyClosesConnection(t *testing.T) {
	to, w := always(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), transport(t)
	for range 2 {
		response, err := w.RoundTrip(post(t.Context(), to.url, "{}"))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	if n := to.conns.Load(); n != 2 {
		t.Errorf("%d connections for 2 answers that were not read", n)
	}
}

// TestNothingIsSentTwice breaks connections, new ones and used ones, after
// the request has arrived: one request is one request, with an
// Idempotency-Key too.
func TestNothingIsSentTwice(t *testing.T) {
	to := newReceiver(t, func(r *receiver, _ int64, c net.Conn, in *bufio.Reader) {
		if r.take(in) {
			_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
		r.take(in) // and goes without a word
	})
	w := transport(t)
	if status, _, err := exchange(w, post(t.Context(), to.url, "first")); status != 204 || err != nil {
		t.Fatal(status, err)
	}
	if status, _, err := exchange(w, post(t.Context(), to.url, "second")); err == nil {
		t.Errorf("%d for a request without an answer", status)
	}
	if conns, requests := to.conns.Load(), to.requests.Load(); conns != 1 || requests != 2 {
		t.Errorf("%d connections, %d requests; not 1 and 2", conns, requests)
	}
}

// TestClosedConnectionIsReplaced has the receiver close a connection that is
// not in use: the next request never sees it.
func TestClosedConnectionIsReplaced(t *testing.T) {
	closed := make(chan struct{})
	to := newReceiver(t, func(r *receiver, n int64, c net.Conn, in *bufio.Reader) {
		r.take(in)
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		_ = c.Close()
		if n == 1 {
			close(closed)
		}
	})
	w := transport(t)
	for range 2 {
		if status, _, err := exchange(w, post(t.Context(), to.url, "{}")); status != 204 || err != nil {
			t.Fatal(status, err)
		}
		<-closed
	}
	if conns, requests := to.conns.Load(), to.requests.Load(); conns != 2 || requests != 2 {
		t.Errorf("%d connections, %d requests; not 2 and 2", conns, requests)
	}
}

// TestAnswerBeforeBody has a receiver refuse a body that it does not read.
func TestAnswerBeforeBody(t *testing.T) {
	to := newReceiver(t, func(_ *receiver, _ int64, c net.Conn, in *bufio.Reader) {
		if _, err := http.ReadRequest(in); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
			_, _ = io.Copy(io.Discard, in) // until the sender gives up
		}
	})
	w := transport(t)
	status, body, err := exchange(w, post(t.Context(), to.url, strings.Repeat("x", 32<<20)))
	if status != 413 || body != "no" || err != nil {
		t.Error(status, body, err)
	}
}

// TestLargeBodies go out whole, one after the other.
func TestLargeBodies(t *testing.T) {
	var sums []int
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		sums = append(sums, len(bytes.TrimRight(body, "z")))
	}))
	defer web.Close()
	w := transport(t)
	sizes := []int{0, 1, 16 << 10, 1 << 20, 3, 5 << 20}
	for _, size := range sizes {
		if status, _, err := exchange(w, post(t.Context(), web.URL, strings.Repeat("x", size))); status != 200 || err != nil {
			t.Fatal(size, status, err)
		}
	}
	if fmt.Sprint(sums) != fmt.Sprint(sizes) {
		t.Errorf("arrived: %v", sums)
	}
}

// TestDeadline ends an exchange wherever it stands, with the context's cause.
func TestDeadline(t *testing.T) {
	cause := errors.New("we are closing")
	for name, answer := range map[string]string{
		"nothing": "", "half a head": "HTTP/1.1 200 OK\r\nX: ", "half a body": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			gone := make(chan struct{})
			to := newReceiver(t, func(r *receiver, _ int64, c net.Conn, in *bufio.Reader) {
				defer close(gone)
				r.take(in)
				_, _ = io.WriteString(c, answer)
				cancel(cause)
				_, _ = io.Copy(io.Discard, in)
			})
			if _, _, err := exchange(transport(t), post(ctx, to.url, "{}")); !errors.Is(err, cause) {
				t.Errorf("%v", err)
			}
			<-gone // the connection is closed, not kept
		})
	}
}

// TestIdleConnectionsEnd has them closed though nobody asks for them.
func TestIdleConnectionsEnd(t *testing.T) {
	gone := make(chan struct{}, 8)
	to := newReceiver(t, func(r *receiver, _ int64, c net.Conn, in *bufio.Reader) {
		for r.take(in) {
			_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
		gone <- struct{}{}
	})
	w := transport(t)
	w.IdleTimeout = 10 * time.Millisecond
	for range 2 {
		if _, _, err := exchange(w, post(t.Context(), to.url, "{}")); err != nil {
			t.Fatal(err)
		}
		<-gone
	}
	w = transport(t)
	if _, _, err := exchange(w, post(t.Context(), to.url, "{}")); err != nil {
		t.Fatal(err)
	}
	w.CloseIdleConnections()
	<-gone
}

// TestConnectionsAge has a connection in steady use replaced once in a while,
// so that a name is looked up and a certificate seen again.
func TestConnectionsAge(t *testing.T) {
	to, w := always(t, "HTTP/1.1 204 No Content\r\n\r\n"), transport(t)
	w.MaxAge = time.Nanosecond
	for range 3 {
		if _, _, err := exchange(w, post(t.Context(), to.url, "{}")); err != nil {
			t.Fatal(err)
		}
	}
	if conns, requests := to.conns.Load(), to.requests.Load(); conns != 3 || requests != 3 {
		t.Errorf("%d connections, %d requests; not 3 and 3", conns, requests)
	}
}

// TestIdleConnectionsAreBounded keeps no more than it may.
func TestIdleConnectionsAreBounded(t *testing.T) {
	const clients = 12
	here, gone := make(chan struct{}, clients), make(chan struct{}, clients)
	release := make(chan struct{})
	to := newReceiver(t, func(r *receiver, _ int64, c net.Conn, in *bufio.Reader) {
		defer func() { gone <- struct{}{} }()
		for r.take(in) {
			here <- struct{}{}
			<-release
			_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	w := transport(t)
	for range clients {
		go func() {
			if _, _, err := exchange(w, post(t.Context(), to.url, "{}")); err != nil {
				t.Error(err)
			}
		}()
	}
	for range clients {
		<-here
	}
	close(release)
	for range clients - w.MaxIdlePerPlace {
		<-gone
	}
	select {
	case <-gone:
		t.Error("fewer connections are kept than there is room for")
	default:
	}
}

// TestTLS speaks to who can prove their name, over HTTP/1.1 though the
// receiver would speak HTTP/2 as well.
func TestTLS(t *testing.T) {
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(out, r.Proto)
	}))
	web.EnableHTTP2 = true
	web.StartTLS()
	defer web.Close()
	w := transport(t)
	_, _, err := exchange(w, post(t.Context(), web.URL, "{}"))
	if unknown := (x509.UnknownAuthorityError{}); !errors.As(err, &unknown) {
		t.Errorf("unknown root: %v", err)
	}
	w.TLS.RootCAs = x509.NewCertPool()
	w.TLS.RootCAs.AddCert(web.Certificate())
	for range 2 {
		if status, body, err := exchange(w, post(t.Context(), web.URL, "{}")); status != 200 || body != "HTTP/1.1" || err != nil {
			t.Errorf("%d %q %v", status, body, err)
		}
	}
	at := strings.TrimPrefix(web.URL, "https://")
	w.Dial = func(ctx context.Context, _ *url.URL) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", at)
	}
	_, _, err = exchange(w, post(t.Context(), "https://other.example.net/", "{}"))
	if wrong := (x509.HostnameError{}); !errors.As(err, &wrong) {
		t.Errorf("wrong name: %v", err)
	}
}
