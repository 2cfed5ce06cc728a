package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/server"
	"sealpost/internal/webhook"
)

// crowd is an edge with a bound on connections, in a synctest bubble. The handler
// of its hook works until finish is closed when the body is "work".
type crowd struct {
	testing.TB
	wire   *wire
	finish chan struct{}
}

func newCrowd(t *testing.T, most int) *crowd {
	t.Helper()
	c := &crowd{t, &wire{make(chan net.Conn), make(chan struct{})}, make(chan struct{})}
	hook := pandaHook(nil)
	hook.Take = func(_ context.Context, raw []byte) (webhook.Taking, error) {
		if string(raw) == "work" {
			<-c.finish
		}
		return webhook.Taking{}, nil
	}
	log := slog.New(slog.DiscardHandler)
	web := server.HTTP(server.New(server.Options{Log: log, Hooks: []server.Hook{hook}}), log)
	bound := server.NewConnections(most, nil)
	bound.Watch(web)
	var serving sync.WaitGroup
	serving.Go(func() { _ = web.Serve(bound.Listen(c.wire)) })
	t.Cleanup(func() {
		_ = web.Close()
		serving.Wait()
		<-time.After(time.Second) // net/http lets a connection linger for half of one
	})
	return c
}

// visitor is a connection, and what comes of it.
type visitor struct {
	conn  net.Conn
	ended chan string // the status of its answer; empty: it was cut
}

// visit sends text piece by piece, with a pause before each but the first. It reads
// what comes back, unless it is deaf.
func (c *crowd) visit(deaf bool, pause time.Duration, pieces ...string) *visitor {
	ours, theirs := net.Pipe()
	v := &visitor{ours, make(chan string, 1)}
	c.Cleanup(func() { _ = ours.Close() })
	go func() {
		c.wire.connections <- theirs // it waits in the queue of the system
		for i, piece := range pieces {
			if i > 0 {
				<-time.After(pause)
			}
			if _, err := io.WriteString(ours, piece); err != nil {
				if deaf {
					v.ended <- ""
				}
				return
			}
		}
	}()
	if !deaf {
		go func() {
			response, err := http.ReadResponse(bufio.NewReader(ours), nil)
			if err != nil {
				v.ended <- ""
				return
			}
			v.ended <- strings.Fields(response.Status)[0]
			_, _ = io.Copy(io.Discard, response.Body)
		}()
	}
	return v
}

func hookRequest(body string, length int) string {
	return fmt.Sprintf("POST /hooks/panda HTTP/1.1\r\nHost: x\r\nSignature: %s\r\nContent-Length: %d\r\n\r\n", digest(providerKey, body), length)
}

// cut reports whether the connection was cut.
func (v *visitor) cut(c *crowd) bool {
	c.Helper()
	select {
	case status := <-v.ended:
		if status != "" {
			c.Errorf("a slow client is answered %s", status)
		}
		return true
	default:
		return false
	}
}

// TestSlowClientsMakeRoom has all connections busy, with each kind of client that is slow.
// As many of them are cut as there are newcomers, the slowest first, and never one whose handler is at work.
func TestSlowClientsMakeRoom(t *testing.T) {
	const get = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	dribble := strings.Split(strings.Repeat("x", 600), "")
	for name, slow := range map[string]func(*crowd) *visitor{
		"slow headers": func(c *crowd) *visitor { return c.visit(false, 0, "GET /healthz HT") },
		"slow bodies":  func(c *crowd) *visitor { return c.visit(false, 0, hookRequest("x", 1<<20), strings.Repeat("x", 1<<19)) },
		"dribbled bodies": func(c *crowd) *visitor {
			return c.visit(false, 50*time.Millisecond, append([]string{hookRequest("x", 1<<20)}, dribble...)...)
		},
		"dribbled headers": func(c *crowd) *visitor {
			return c.visit(false, 50*time.Millisecond, append([]string{"GET /"}, dribble...)...)
		},
		"unread answers": func(c *crowd) *visitor { return c.visit(true, 0, get, get, get) }, // the next is taken in when the first was read
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const most, newcomers = 8, 5
				c := newCrowd(t, most)
				works := c.visit(false, 0, hookRequest("work", 4)+"work")
				synctest.Wait()
				<-time.After(time.Second)
				brisk := strings.Split(strings.Repeat(strings.Repeat("x", 8<<10)+" ", 60), " ")[:60] // 80 KiB a second
				busy := c.visit(false, 100*time.Millisecond, append([]string{hookRequest(strings.Join(brisk, ""), 60*8<<10)}, brisk...)...)
				var all []*visitor
				for range most - 2 {
					synctest.Wait()
					<-time.After(10 * time.Millisecond)
					all = append(all, slow(c))
				}
				synctest.Wait()
				begun := time.Now()
				for i := range newcomers {
					v := c.visit(false, 0, get)
					if status := <-v.ended; status != "200" {
						t.Fatalf("a newcomer is answered %q", status)
					}
					if took := time.Since(begun); took > 3*time.Second || took < time.Second && !strings.Contains(name, "headers") { // without them a connection is idle
						t.Errorf("newcomer %d is answered after %s", i, took)
					}
					_ = v.conn.Close()
					synctest.Wait()
					c.visit(true, 0, get, get, get) // so that there is no room again
					synctest.Wait()
				}
				<-time.After(100 * time.Millisecond)
				for i, v := range all {
					if got := v.cut(c); got != (i < newcomers) {
						t.Errorf("client %d is cut: %v", i, got)
					}
				}
				if status := <-busy.ended; status != "200" {
					t.Errorf("a client that sends at a good pace is answered %q", status)
				}
				close(c.finish)
				if status := <-works.ended; status != "200" {
					t.Errorf("the request whose handler is at work is answered %q", status)
				}
			})
		})
	}
}

// TestHandlersAtWorkAreNotCut has handlers at work on all connections. A newcomer waits
// for one of them.
func TestHandlersAtWorkAreNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 4)
		var all []*visitor
		for range 4 {
			all = append(all, c.visit(false, 0, hookRequest("work", 4)+"work"))
		}
		synctest.Wait()
		newcomer := c.visit(false, 0, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		<-time.After(30 * time.Second)
		select {
		case status := <-newcomer.ended:
			t.Errorf("a newcomer is answered %q", status)
		default:
		}
		close(c.finish)
		for _, v := range append(all, newcomer) {
			if status := <-v.ended; status != "200" {
				t.Errorf("answered %q", status)
			}
		}
	})
}
