package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"sealpost/test/judge"
)

// phase kills the daemon at one moment of an event's way, and says whether it
// really was that one.
type phase struct {
	name string
	kill func(context.Context, *world) error
}

// What happens at file and disk between two of these is the affair of killAt
// and powerCut.
var phaseList = []phase{
	{"before the ingest commit", killUncommitted},
	{"after the ingest commit, before the answer", killUnanswered},
	{"after the claim, before the request", killClaimed},
	{"in the middle of the request", killMidRequest},
	{"after the request, before the receiver's answer", killUnheard},
	{"after the receiver's 2xx, before it is recorded", killUnrecorded},
	{"after it is recorded", killRecorded},
}

// phases kills the daemon in each phase of an event's way, deliberately.
func phases(ctx context.Context, w *world) error {
	for _, p := range phaseList {
		w.receiver.behave("good", nil)
		if err := w.drained(ctx); err != nil {
			return err
		}
		if err := p.kill(ctx, w); err != nil {
			return fmt.Errorf("killed %s: %w", p.name, err)
		}
	}
	if err := w.start(ctx); err != nil {
		return err
	}
	return end(ctx, w)
}

// die waits until the daemon, which has been killed, is gone.
func (w *world) die(ctx context.Context) error {
	select {
	case <-w.ended:
		return w.crashed(ctx)
	case <-time.After(patience):
		return errors.New("the moment to kill the daemon never came")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// last is the delivery of the event that was sent last, as it is on disk; nil
// when it is not there.
func (w *world) last(ctx context.Context) (*judge.Delivery, error) {
	file, err := w.look(ctx)
	if err != nil {
		return nil, err
	}
	sent := w.client.log()
	for _, e := range file.Events {
		if e.ID == sent[len(sent)-1].ID && len(e.Deliveries) == 1 {
			return &e.Deliveries[0], nil
		}
	}
	return nil, nil
}

// pending wants the last event to be on file with its delivery untried.
func (w *world) pending(ctx context.Context) error {
	d, err := w.last(ctx)
	switch {
	case err != nil:
		return err
	case d == nil:
		return errors.New("it is not on file")
	case d.State != judge.Pending || d.Attempts != 0:
		return fmt.Errorf("its delivery is %s with %d attempts", d.State, d.Attempts)
	}
	return nil
}

func killUncommitted(ctx context.Context, w *world) error {
	release, err := lockFile(ctx, w.database())
	if err != nil {
		return err
	}
	answer := make(chan bool)
	go func() { answer <- w.client.publish() }()
	pass(ctx, 150*time.Millisecond) // it waits for the file by now
	_ = w.daemon.Process.Kill()
	if <-answer {
		return errors.New("it was acknowledged all the same")
	}
	if err := errors.Join(w.die(ctx), release()); err != nil {
		return err
	}
	if d, err := w.last(ctx); err != nil || d != nil {
		return errors.Join(errors.New("it is on file"), err)
	}
	return w.sendAgain(ctx)
}

// sendAgain has the client, which was told nothing, send its events again to a
// daemon that is there.
func (w *world) sendAgain(ctx context.Context) error {
	if err := w.start(ctx); err != nil {
		return err
	}
	if err := w.client.again(); err != nil {
		return err
	}
	return w.crash(ctx)
}

// killUnanswered sends more events at once than one commit takes: the first
// ones are on file, and at the receiver, while the last are still on the way.
func killUnanswered(ctx context.Context, w *world) error {
	const events, size = 1100, 12 << 10
	w.receiver.behave("good", func(int, http.ResponseWriter, *http.Request) int {
		_ = w.daemon.Process.Kill()
		return 0
	})
	var lines bytes.Buffer
	for range events {
		lines.WriteString(w.client.line(w.client.next(fmt.Sprintf(`"text":%q`, strings.Repeat("s", size)))))
		lines.WriteByte('\n')
	}
	status, err := w.client.do(http.MethodPost, "/api/event", lines.String(), nil, "Content-Type", "application/x-ndjson")
	if err == nil {
		return fmt.Errorf("it was answered all the same, with %d", status)
	}
	if err := w.die(ctx); err != nil {
		return err
	}
	w.receiver.behave("good", nil)
	file, err := w.look(ctx)
	if err != nil {
		return err
	}
	n := 0
	for _, e := range file.Events {
		if len(e.Bytes) > size {
			n++
		}
	}
	if n == 0 || n == events {
		return fmt.Errorf("%d of %d events that were sent at once are on file", n, events)
	}
	return w.sendAgain(ctx)
}

func killClaimed(ctx context.Context, w *world) error {
	w.receiver.onAccept(func() { _ = w.daemon.Process.Kill() })
	w.client.publish()
	return errors.Join(w.die(ctx), w.pending(ctx))
}

// drained starts the daemon, and anew when it has nothing left to do: so its
// next request is the one that the phase is about, and needs a new connection.
func (w *world) drained(ctx context.Context) error {
	if err := w.start(ctx); err != nil {
		return err
	}
	if err := errors.Join(w.rest(ctx), w.stop(ctx)); err != nil {
		return err
	}
	return w.start(ctx)
}

// killMidRequest has a receiver of its own, which takes no more than the
// beginning of a large request.
func killMidRequest(ctx context.Context, w *world) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // the process ends with it
	var took sync.WaitGroup
	took.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		_, _ = io.ReadFull(conn, make([]byte, 100))
		_ = w.daemon.Process.Kill()
		_ = conn.Close()
	})
	if err := w.json(ctx, nil, "webhook", "update", "good", "--url", "http://"+l.Addr().String()+"/good"); err != nil {
		return err
	}
	w.client.send(w.client.next(fmt.Sprintf(`"text":%q`, strings.Repeat("s", 900<<10))))
	if err := errors.Join(w.die(ctx), w.pending(ctx)); err != nil {
		return err
	}
	took.Wait()
	return w.json(ctx, nil, "webhook", "update", "good", "--url", w.receiver.url("good"))
}

func killUnheard(ctx context.Context, w *world) error {
	w.receiver.behave("good", func(_ int, _ http.ResponseWriter, r *http.Request) int {
		_ = w.daemon.Process.Kill()
		<-r.Context().Done()
		return 0
	})
	w.client.publish()
	return errors.Join(w.die(ctx), w.pending(ctx))
}

// killUnrecorded takes the database's lock before the first of two requests is
// answered with 200. The second one comes to a receiver that has not proved
// itself yet only when the first one's answer has been heard; and that can't
// have been recorded.
func killUnrecorded(ctx context.Context, w *world) error {
	locked := make(chan func() error, 1)
	fault := make(chan error, 1)
	var mu sync.Mutex
	requests := 0
	w.receiver.behave("good", func(int, http.ResponseWriter, *http.Request) int {
		mu.Lock()
		defer mu.Unlock()
		if requests++; requests == 1 {
			pass(ctx, 100*time.Millisecond) // both are on file by now
			release, err := lockFile(ctx, w.database())
			if err != nil {
				fault <- err
				return 0
			}
			locked <- release
			return http.StatusOK
		}
		_ = w.daemon.Process.Kill()
		return 0
	})
	if w.client.many(2) != 2 {
		return errors.New("the daemon takes no events")
	}
	if err := w.die(ctx); err != nil {
		return err
	}
	select {
	case err := <-fault:
		return err
	case release := <-locked:
		if err := release(); err != nil {
			return err
		}
	}
	return w.pending(ctx)
}

func killRecorded(ctx context.Context, w *world) error {
	if !w.client.publish() {
		return errors.New("the daemon takes no events")
	}
	if err := w.rest(ctx); err != nil {
		return err
	}
	if err := w.crash(ctx); err != nil {
		return err
	}
	if d, err := w.last(ctx); err != nil || d == nil || d.State != judge.Delivered {
		return errors.Join(fmt.Errorf("it is %+v", d), err)
	}
	return nil
}
