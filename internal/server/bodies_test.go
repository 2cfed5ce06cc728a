package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/server"
	"sealpost/internal/webhook"
)

// budgeted is an edge with a small budget for bodies, in a synctest bubble.
type budgeted struct {
	testing.TB
	edge *server.Server
	wire *wire
	took sync.Map // lengths of the bodies that were taken in whole
}

const budget = 1 << 20

func newBudgeted(t *testing.T, secure *tls.Config) *budgeted {
	t.Helper()
	b := &budgeted{TB: t, wire: &wire{make(chan net.Conn), make(chan struct{})}}
	hook := pandaHook(nil)
	hook.Take = func(_ context.Context, raw []byte) (webhook.Taking, error) {
		b.took.Store(len(raw), true)
		return webhook.Taking{}, nil
	}
	log := slog.New(slog.DiscardHandler)
	b.edge = server.New(server.Options{Log: log, Hooks: []server.Hook{hook}, Bodies: budget})
	web := server.HTTP(b.edge, log)
	listener := net.Listener(b.wire)
	if secure != nil {
		listener = tls.NewListener(b.wire, secure)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = web.Serve(listener) })
	t.Cleanup(func() {
		_ = web.Close()
		serving.Wait()
		<-time.After(time.Second) // net/http lets a connection linger for half of one
	})
	return b
}

func (b *budgeted) dial() net.Conn {
	ours, theirs := net.Pipe()
	b.wire.connections <- theirs
	b.Cleanup(func() { _ = ours.Close() })
	return ours
}

// client sends a body of a length, of which it keeps the last bytes for itself.
type client struct {
	conn   net.Conn
	answer chan string // the status; empty when the connection ended without one
}

// post begins a request with a well-signed body of a length, and sends all but
// the last bytes.
func (b *budgeted) post(length, kept int) *client {
	b.Helper()
	c := &client{b.dial(), make(chan string, 1)}
	body := strings.Repeat("x", length)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = fmt.Fprintf(c.conn, "POST /hooks/panda HTTP/1.1\r\nHost: x\r\nSignature: %s\r\nContent-Length: %d\r\n\r\n%s", digest(providerKey, body), length, body[:length-kept])
	}()
	go func() {
		response, err := http.ReadResponse(bufio.NewReader(c.conn), nil)
		if err != nil {
			c.answer <- ""
			return
		}
		if response.StatusCode == http.StatusServiceUnavailable && response.Header.Get("Retry-After") == "" {
			b.Error("refused without Retry-After")
		}
		_, _ = io.Copy(io.Discard, response.Body)
		<-sent
		c.answer <- strings.Fields(response.Status)[0]
	}()
	return c
}

// end sends the bytes that were kept.
func (c *client) end(kept int) { _, _ = io.WriteString(c.conn, strings.Repeat("x", kept)) }

// TestHostileBodies has many clients that send large bodies but for the last
// byte. Never are more bytes held than the budget has; a small body is taken in
// at once; only as many of the others are dropped as have to be.
func TestHostileBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hostile, each = 40, 200 << 10
		b := newBudgeted(t, nil)
		clients := make([]*client, hostile)
		for i := range clients {
			clients[i] = b.post(each, 1)
			synctest.Wait()
			if held := b.edge.HeldBodies(); held > budget {
				t.Fatalf("%d bytes are held", held)
			}
			<-time.After(50 * time.Millisecond)
		}
		alive := 0
		for _, c := range clients {
			select {
			case status := <-c.answer:
				if status != "503" {
					t.Errorf("a hostile client is told %q", status)
				}
			default:
				alive++
			}
		}
		if alive < 3 { // of those whose bodies fit
			t.Errorf("%d bodies are still awaited", alive)
		}
		begun := time.Now()
		for range 50 {
			if status := <-b.post(1024, 0).answer; status != "200" {
				t.Errorf("a small body is answered %s", status)
			}
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("small bodies took %s", took)
		}
	})
}

// TestBudgetComesBack has clients that leave in every way. Afterwards nothing is held,
// and the largest body is taken in.
func TestBudgetComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const length = 100 << 10
		b := newBudgeted(t, nil)
		gone, slow, whole := b.post(length, 1), b.post(length, 1), b.post(length, 0)
		_ = gone.conn.Close()
		if status := <-whole.answer; status != "200" {
			t.Errorf("a whole body is answered %s", status)
		}
		if status := <-slow.answer; status != "400" {
			t.Errorf("a body that never ends is answered %s", status)
		}
		synctest.Wait()
		if held := b.edge.HeldBodies(); held != 0 {
			t.Errorf("%d bytes are held", held)
		}
		if status := <-b.post(budget/2, 0).answer; status != "200" {
			t.Errorf("a large body is answered %s", status)
		}
	})
}

// TestBodiesDoNotWaitForEachOther has clients that together hold all that there
// is for large bodies, and that all need more at the same moment. As many are taken
// in as there is room for, the others are refused, and nobody waits.
func TestBodiesDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const length, kept, clients = 300 << 10, 240 << 10, 11
		b := newBudgeted(t, nil)
		begun := time.Now()
		var all []*client
		for range clients {
			all = append(all, b.post(length, kept))
		}
		synctest.Wait()
		if held := b.edge.HeldBodies(); held < budget/2 {
			t.Fatalf("%d bytes are held", held)
		}
		var sending sync.WaitGroup
		for _, c := range all {
			sending.Go(func() { c.end(kept) })
		}
		answers := map[string]int{}
		for _, c := range all {
			answers[<-c.answer]++
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("answered after %s", took)
		}
		for _, c := range all {
			_ = c.conn.Close()
		}
		sending.Wait()
		if answers["200"] == 0 || answers["200"]+answers["503"] != clients {
			t.Errorf("answered %v", answers)
		}
		synctest.Wait()
		if held := b.edge.HeldBodies(); held != 0 {
			t.Errorf("%d bytes are held", held)
		}
	})
}

// TestHostileStreams has one HTTP/2 connection on which many large bodies stay
// unfinished.
func TestHostileStreams(t *testing.T) {
	const each, streams = 200 << 10, 60
	hook := pandaHook(nil)
	log := slog.New(slog.DiscardHandler)
	edge := server.New(server.Options{Log: log, Hooks: []server.Hook{hook}, Bodies: budget})
	web := httptest.NewUnstartedServer(nil)
	web.EnableHTTP2, web.Config = true, server.HTTP(edge, log)
	web.StartTLS()
	defer web.Close()
	answers := make(chan int, streams)
	var ends []*io.PipeWriter
	for range streams {
		in, out := io.Pipe()
		ends = append(ends, out)
		go func() { _, _ = out.Write(make([]byte, each)) }()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, web.URL+"/hooks/panda", in)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Signature", likely)
		go func() {
			response, err := web.Client().Do(request)
			if err != nil {
				answers <- 0 // the stream was reset
				return
			}
			if response.ProtoMajor != 2 {
				t.Error("this is not HTTP/2")
			}
			_ = response.Body.Close()
			answers <- response.StatusCode
		}()
	}
	for range streams - budget/each { // that many do not fit
		if status := <-answers; status == http.StatusOK || status == http.StatusUnauthorized {
			t.Errorf("an unfinished body is answered %d", status)
		}
		if held := edge.HeldBodies(); held > budget {
			t.Errorf("%d bytes are held", held)
		}
	}
	for _, end := range ends {
		_ = end.Close()
	}
}
