package server_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/server"
)

// wire is a listener whose connections are pipes in memory, which hold nothing
// and keep the time of a synctest bubble.
type wire struct {
	connections chan net.Conn
	closed      chan struct{}
}

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.connections:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error   { close(w.closed); return nil }
func (w *wire) Addr() net.Addr { return &net.UnixAddr{} }

// overWire serves the edge with the limits that ship, over TLS when that is
// given, and connects to it. When
// the server ends the connection, it says so.
func overWire(t *testing.T, secure *tls.Config) (ours net.Conn, cut chan time.Time) {
	t.Helper()
	hook := pandaHook(nil)
	log := slog.New(slog.DiscardHandler)
	web := server.HTTP(server.New(server.Options{Log: log, Hooks: []server.Hook{hook}}), log)
	cut = make(chan time.Time, 1)
	web.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			cut <- time.Now()
		}
	}
	w := &wire{make(chan net.Conn), make(chan struct{})}
	listener := net.Listener(w)
	if secure != nil {
		listener = tls.NewListener(w, secure)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = web.Serve(listener) })
	ours, theirs := net.Pipe()
	w.connections <- theirs
	t.Cleanup(func() {
		_ = ours.Close()
		_ = web.Close()
		serving.Wait()
		<-time.After(time.Second) // net/http lets a connection linger for half of one
	})
	return ours, cut
}

// likely is a provider's signature that may be right, so that the body is read.
const likely = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

// TestRefusedBeforeTheBody has requests that can't succeed and whose bodies never
// come. Each is answered in no time and its connection is closed.
func TestRefusedBeforeTheBody(t *testing.T) {
	const json = "Content-Type: application/json\r\n"
	for name, c := range map[string]struct{ request, answer string }{
		"no signature":            {"POST /hooks/panda HTTP/1.1\r\n", "401"},
		"a short signature":       {"POST /hooks/panda HTTP/1.1\r\nSignature: 00\r\n", "401"},
		"a signature of no hex":   {"POST /hooks/panda HTTP/1.1\r\nSignature: " + strings.Repeat("x", 64) + "\r\n", "401"},
		"two signatures":          {"POST /hooks/panda HTTP/1.1\r\nSignature: " + likely + "\r\nSignature: " + strings.Repeat("0", 64) + "\r\n", "401"},
		"no token":                {"POST /api/event HTTP/1.1\r\n" + json, "401"},
		"a token of no shape":     {"POST /api/event HTTP/1.1\r\nAuthorization: Bearer nonsense\r\n" + json, "401"},
		"lines without a token":   {"POST /api/event HTTP/1.1\r\nContent-Type: application/x-ndjson\r\n", "401"},
		"a webhook":               {"PUT /api/webhook/orders HTTP/1.1\r\n" + json, "401"},
		"a patch":                 {"PATCH /api/webhook/orders HTTP/1.1\r\n" + json, "401"},
		"a rotation":              {"POST /api/webhook/orders/rotate HTTP/1.1\r\n" + json, "401"},
		"a receipt":               {"POST /api/event/e/receipt HTTP/1.1\r\n" + json, "401"},
		"a retry with a body":     {"POST /api/delivery/d/retry HTTP/1.1\r\n" + json, "401"},
		"no such route":           {"POST /nowhere HTTP/1.1\r\n" + json, "404"},
		"no such provider":        {"POST /hooks/koala HTTP/1.1\r\n" + json, "404"},
		"no such path":            {"POST /api/../event HTTP/1.1\r\n" + json, "404"},
		"sign-in, which is off":   {"POST /api/auth/siwe/nonce HTTP/1.1\r\n" + json, "404"},
		"no such method":          {"PUT /api/event HTTP/1.1\r\n" + json, "405"},
		"a body that nobody asks": {"GET /healthz HTTP/1.1\r\n" + json, "200"},
	} {
		for _, length := range []string{"Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n"} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					conn, _ := overWire(t, nil)
					begun := time.Now()
					go func() { _, _ = io.WriteString(conn, c.request+"Host: x\r\n"+length+"\r\n") }()
					response, err := http.ReadResponse(bufio.NewReader(conn), nil)
					if err != nil {
						t.Fatal(err)
					}
					if got := strings.Fields(response.Status)[0]; got != c.answer || !response.Close {
						t.Errorf("answered %s (and closed: %t), not %s", response.Status, response.Close, c.answer)
					}
					if took := time.Since(begun); took != 0 {
						t.Errorf("answered after %s", took)
					}
				})
			})
		}
	}
}

// TestSlowClients has clients that hold a connection and do nothing with it, and
// when each is cut.
func TestSlowClients(t *testing.T) {
	const start, post = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n", "POST /hooks/panda HTTP/1.1\r\nHost: x\r\nSignature: " + likely + "\r\nContent-Length: 1000\r\n\r\n"
	drip := func(c net.Conn, text string) {
		for {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
			<-time.After(time.Second)
		}
	}
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	for name, test := range map[string]struct {
		send   func(net.Conn)
		reads  bool
		after  time.Duration
		answer string
		secure *tls.Config
	}{
		"says nothing":      {func(net.Conn) {}, true, 10 * time.Second, "", nil},
		"begins":            {func(c net.Conn) { _, _ = io.WriteString(c, start) }, true, 10 * time.Second, "", nil},
		"headers that drip": {func(c net.Conn) { _, _ = io.WriteString(c, start); drip(c, "X-A: b\r\n") }, true, 10 * time.Second, "", nil},
		"no body":           {func(c net.Conn) { _, _ = io.WriteString(c, post) }, true, time.Minute, "HTTP/1.1 400 Bad Request", nil},
		"a body that drips": {func(c net.Conn) { _, _ = io.WriteString(c, post); drip(c, "x") }, true, time.Minute, "HTTP/1.1 400 Bad Request", nil},
		"is idle":           {func(c net.Conn) { _, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") }, true, 2 * time.Minute, "HTTP/1.1 200 OK", nil},
		"reads no answer":   {func(c net.Conn) { _, _ = io.WriteString(c, start+"\r\n") }, false, 2 * time.Minute, "", nil},
		"shakes no hands":   {func(net.Conn) {}, true, 10 * time.Second, "", certified.TLS},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, cut := overWire(t, test.secure)
				begun, answer := time.Now(), ""
				var client sync.WaitGroup
				client.Go(func() { test.send(c) })
				if test.reads {
					client.Go(func() {
						text, _ := io.ReadAll(c)
						answer = string(text)
					})
				}
				if took := (<-cut).Sub(begun).Truncate(time.Second); took != test.after {
					t.Errorf("cut after %s, not %s", took, test.after)
				}
				_ = c.Close()
				client.Wait()
				if status, _, _ := strings.Cut(answer, "\r\n"); status != test.answer {
					t.Errorf("answered %q, not %q", answer, test.answer)
				}
			})
		})
	}
}

// TestLargeBodies counts what a client can send before it is told that it is
// too much: nothing when it says how much comes, and no more than fits when it
// doesn't.
func TestLargeBodies(t *testing.T) {
	const most = 1 << 20
	for name, c := range map[string]struct {
		header string
		least  int
	}{
		"10 MB":           {"Content-Length: 10485760\r\n", 0},
		"10 MB, asking":   {"Content-Length: 10485760\r\nExpect: 100-continue\r\n", 0},
		"more than there": {"Content-Length: 9223372036854775807\r\n", 0},
		"in chunks":       {"Transfer-Encoding: chunked\r\n", most},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, _ := overWire(t, nil)
				sent, ended := 0, make(chan struct{})
				go func() {
					defer close(ended)
					_, _ = io.WriteString(conn, "POST /hooks/panda HTTP/1.1\r\nHost: x\r\nSignature: "+likely+"\r\n"+c.header+"\r\n")
					piece := strings.Repeat("x", 4096)
					if c.least > 0 {
						piece = fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece)
					}
					for sent < 10<<20 {
						n, err := io.WriteString(conn, piece)
						if sent += n; err != nil {
							return
						}
					}
				}()
				response, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil || response.StatusCode != http.StatusRequestEntityTooLarge || !response.Close {
					t.Fatalf("%+v %v", response, err)
				}
				_, _ = io.Copy(io.Discard, conn)
				<-ended
				if sent < c.least || sent > c.least+320<<10 { // net/http reads up to 256 KiB of what nobody wants
					t.Errorf("%d bytes were taken", sent)
				}
			})
		})
	}
}

// TestPromisedBodies has a hundred clients that promise as large a body as they
// may send, and send none: no room is set aside for what is only promised.
func TestPromisedBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients = 100
		var before, after runtime.MemStats
		conns := make([]net.Conn, clients)
		for i := range conns {
			conns[i], _ = overWire(t, nil)
		}
		runtime.ReadMemStats(&before)
		for _, conn := range conns {
			if _, err := io.WriteString(conn, "POST /hooks/panda HTTP/1.1\r\nHost: x\r\nSignature: "+likely+"\r\nContent-Length: 1048576\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / clients; each > 64<<10 {
			t.Errorf("%d KiB for each client", each>>10)
		}
	})
}

// last is a request after which the server closes.
const last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

// speak sends text over a connection of its own and returns the statuses of
// all answers until the server closes.
func (e *edge) speak(text string) (statuses []int) {
	e.Helper()
	conn, err := net.Dial("tcp", e.web.Listener.Addr().String())
	e.must(err)
	defer conn.Close() //nolint:errcheck // its end has been read
	_, err = io.WriteString(conn, text)
	e.must(err)
	for r := bufio.NewReader(conn); ; {
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			return statuses
		}
		_, _ = io.Copy(io.Discard, response.Body)
		statuses = append(statuses, response.StatusCode)
	}
}

func TestHeaders(t *testing.T) {
	e := newEdge(t, nil)
	for _, c := range []struct {
		name, headers string
		status        int
	}{
		{"63 KiB", "X-A: " + strings.Repeat("a", 63<<10) + "\r\n", 200},
		{"one too long", "X-A: " + strings.Repeat("a", 70<<10) + "\r\n", 431},
		{"too many", strings.Repeat("X-A: b\r\n", 10<<10), 431},
		{"a NUL", "X-A: a\x00b\r\n", 400},
		{"no colon", "X-A\r\n", 400},
		{"two hosts", "Host: y\r\n", 400},
	} {
		if got := e.speak("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + c.headers + "\r\n"); len(got) != 1 || got[0] != c.status {
			t.Errorf("%s: %d", c.name, got)
		}
	}
}

// TestPaths has every spelling of a path that might lead somewhere else.
func TestPaths(t *testing.T) {
	e := newEdge(t, nil)
	owner := e.token("acme", access.Owner)
	e.want("a webhook", e.ask("POST", "/api/webhook/orders", `{"url":"https://127.0.0.1:8443/hook"}`, "Authorization", owner), 201, "")
	e.want("an event", e.ask("POST", "/api/event", `{"id":"a//b/","resource":"a","action":"b","body":{}}`, "Authorization", owner), 202, "")
	for _, c := range []struct {
		method, target string
		status         int
	}{
		{"GET", "/api/webhook/orders", 200},
		{"GET", "/api/webhook/orders/", 200},
		{"GET", "/api/webhook/orders//", 404},
		{"GET", "/api/webhook/%6Frders", 200}, // the same name (RFC 3986, 2.3)
		{"GET", "/api/webhook/%6Frders/", 200},
		{"GET", "/api/webhook/orders?x=/../", 200},
		{"GET", "http://elsewhere.example/api/webhook/orders", 200},
		{"GET", "/api/webhook/orders%2F", 400}, // a name with a slash
		{"GET", "/api/webhook/orders%2F/", 400},
		{"POST", "/api/webhook/orders%2Frotate", 400},
		{"POST", "/api/webhook/orders%2Frotate/", 400},
		{"DELETE", "/api/webhook/x%2F..%2Forders", 400},
		{"DELETE", "/api/webhook/x/../orders", 404},
		{"DELETE", "/api/webhook/./orders", 404},
		{"DELETE", "/api/webhook/x/%2e%2e/orders", 404},
		{"DELETE", "/api/webhook/%2e/orders", 404},
		{"DELETE", "/api/webhook/%2E%2E", 404},
		{"DELETE", "/api//webhook/orders", 404},
		{"DELETE", "//api/webhook/orders", 404},
		{"DELETE", "//elsewhere.example/api/webhook/orders", 404},
		{"DELETE", "/api/webhook%2Forders", 404},
		{"DELETE", "/api/webhook\\orders", 404},
		{"DELETE", "/api/webhook/..\\webhook\\orders", 400},
		{"DELETE", "/api/webhook/orders%00", 400},
		{"DELETE", "/api/webhook/orders;a=b", 400},
		{"DELETE", "/api/webhook/ORDERS", 400},
		{"DELETE", "/api/webhook/orders%20", 400},
		{"DELETE", "/api/webhook/orders%E2%80%8B", 400},
		{"DELETE", "/api/webhook/%zz", 400},
		{"DELETE", "/API/WEBHOOK/orders", 404},
		{"DELETE", "/api/webhook/" + strings.Repeat("o", 2048), 404},
		{"DELETE", "*", 404},
		{"CONNECT", "/api/webhook/orders", 405},
		{"CONNECT", "elsewhere.example:443", 404},
		{"TRACE", "/api/webhook/orders", 405},
		{"GET", "/api/event/a%2F%2Fb%2F", 200}, // ids of events may have slashes
		{"GET", "/api/event/a//b/", 404},
		{"GET", "/", 404},
	} {
		got := e.speak(c.method + " " + c.target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: " + owner + "\r\nContent-Length: 0\r\n\r\n")
		if len(got) != 1 || got[0] != c.status {
			t.Errorf("%s %s: %d, not %d", c.method, c.target, got, c.status)
		}
	}
	e.want("the webhook", e.ask("GET", "/api/webhook/orders", "", "Authorization", owner), 200, "")
}

// TestSmuggling hides a request in another, as a proxy that reads lengths
// otherwise would let it pass: it is never carried out.
func TestSmuggling(t *testing.T) {
	e := newEdge(t, nil)
	owner := e.token("acme", access.Owner)
	e.want("a webhook", e.ask("POST", "/api/webhook/orders", `{"url":"https://127.0.0.1:8443/hook"}`, "Authorization", owner), 201, "")
	hidden := "DELETE /api/webhook/orders HTTP/1.1\r\nHost: x\r\nAuthorization: " + owner + "\r\n\r\n"
	length := fmt.Sprintf("Content-Length: %d\r\n", len(hidden))
	for name, head := range map[string]string{
		"a body of a GET":         length + "\r\n",
		"both lengths":            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"both, the other way":     "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
		"chunks, then more":       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two lengths":             length + "Content-Length: 0\r\n\r\n",
		"lengths in one":          "Content-Length: 0, 0\r\n\r\n",
		"a length with a sign":    "Content-Length: +0\r\n\r\n",
		"a length below 0":        "Content-Length: -1\r\n\r\n",
		"an unknown coding":       "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
		"a coding misspelt":       "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"two codings":             "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		"a space before a colon":  "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		"a space before a header": " Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"a chunk ended by LF":     "Transfer-Encoding: chunked\r\n\r\n0\n\n",
		"a huge chunk":            "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n",
		"a header that ends":      "X-A: b\rX-C: d\r\n\r\n",
	} {
		if got := e.speak("POST /hooks/panda HTTP/1.1\r\nHost: x\r\n" + head + hidden + last); got[0] < 400 || len(got) > 2 {
			t.Errorf("%s: %d", name, got)
		}
		if got := e.ask("GET", "/api/webhook/orders", "", "Authorization", owner); got.status != http.StatusOK {
			t.Fatalf("%s was let through: %d", name, got.status)
		}
	}
	plain := "GET /api/webhook/orders HTTP/1.1\r\nHost: x\r\nAuthorization: " + owner + "\r\n\r\n"
	if got := fmt.Sprint(e.speak(plain + "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" + last)); got != "[200 404 200]" {
		t.Errorf("three in one go: %s", got)
	}
}

// TestLinesThatAreNoEvents: each line of a batch is answered, so one of nothing
// but line feeds would have an answer of gigabytes. As many lines as there can be
// events are taken.
func TestLinesThatAreNoEvents(t *testing.T) {
	e := newEdge(t, nil)
	token := e.token("acme", access.Publisher)
	const most = (16 << 20) / len(`{"resource":"a","action":"b","body":{}}`+"\n")
	got := e.ask("POST", "/api/event", strings.Repeat("\n", most+1), "Authorization", token, "Content-Type", "application/x-ndjson")
	e.want("more lines than events", got, 413, "too large")
	if !strings.Contains(got.body, fmt.Sprint("at most ", most)) {
		t.Errorf("it is not said how many are taken: %s", got.body)
	}
}
