package server

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/bounds"
	"sealpost/internal/webhook"
)

const (
	readTurn = 10 * time.Second // how long a read waits for its turn
	readMost = 10 * time.Second // how long a read may take
)

// Reads says how many reads there may be at a time.
type Reads interface {
	// Reads is how many one organization may have under way; 0 is no bound.
	Reads(ctx context.Context, organization string) (int64, error)
	// Readers is how many run at a time, over all organizations.
	Readers() int
}

// readQueue hands out the readers that all organizations share.
//
// An organization has at most limits.reads reads under way: further ones wait. The
// organizations that wait take turns, one read each, so an organization with many
// reads never keeps another one waiting for more than one read of each organization.
type readQueue struct {
	readers int // that there are; 0: as many as are wanted

	mu    sync.Mutex
	busy  int // readers in use
	orgs  map[string]*line
	round []*line // those with reads that wait, in the order of their turns
}

// line is one organization's reads.
type line struct {
	most    int64   // under way at a time; 0 is no bound
	under   int64   // under way
	waiting []*turn // the longest first
}

// turn is one read. It is under way from its turn to its end, and has a reader until
// its answer begins: a client that takes its answer slowly holds no reader.
type turn struct {
	queue  *readQueue
	line   *line
	org    string
	came   chan struct{} // closed when the turn has come
	reader bool          // the read has a reader
}

// enter waits for a turn, at most for readTurn. The caller ends the turn with leave.
func (r *readQueue) enter(ctx context.Context, organization string, most int64) (*turn, error) {
	r.mu.Lock()
	l := r.orgs[organization]
	if l == nil {
		if r.orgs == nil {
			r.orgs = make(map[string]*line)
		}
		l = &line{}
		r.orgs[organization] = l
	}
	t := &turn{queue: r, line: l, org: organization, came: make(chan struct{})}
	if l.most = most; len(l.waiting) == 0 {
		r.round = append(r.round, l)
	}
	l.waiting = append(l.waiting, t)
	r.handOut()
	r.mu.Unlock()
	select {
	case <-t.came: // at once, as a rule
		return t, nil
	default:
	}
	timer := time.NewTimer(readTurn)
	defer timer.Stop()
	select {
	case <-t.came:
		return t, nil
	case <-timer.C:
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at := slices.Index(l.waiting, t)
	if at < 0 {
		return t, nil // the turn came at the last moment
	}
	if l.waiting = slices.Delete(l.waiting, at, at+1); len(l.waiting) == 0 {
		r.round = slices.DeleteFunc(r.round, func(other *line) bool { return other == l })
	}
	r.tidy(organization, l)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case l.mayRead():
		return nil, webhook.Errorf(webhook.CodeUnavailable, fmt.Sprintf("all %d readers were in use, and none came free in %s", r.readers, readTurn)).For(webhook.ReasonSlowRead)
	}
	return nil, webhook.Errorf(webhook.CodeTooManyRequests, fmt.Sprintf("the organization has %d reads under way, as many as limits.reads allows, and none of them ended in %s", most, readTurn)).
		For(webhook.Reason(bounds.Table[bounds.Reads].Key))
}

// mayRead reports whether the organization may have one more read under way.
func (l *line) mayRead() bool { return l.most == 0 || l.under < l.most }

// handOut gives free readers to the reads whose turn has come. Every organization that
// waits gets one reader before any gets a second one.
func (r *readQueue) handOut() {
	for r.readers == 0 || r.busy < r.readers {
		at := slices.IndexFunc(r.round, (*line).mayRead)
		if at < 0 {
			return
		}
		l := r.round[at]
		t := l.waiting[0]
		l.waiting = l.waiting[1:]
		if r.round = slices.Delete(r.round, at, at+1); len(l.waiting) > 0 {
			r.round = append(r.round, l)
		}
		l.under++
		r.busy++
		t.reader = true
		close(t.came)
	}
}

// tidy forgets an organization that reads nothing.
func (r *readQueue) tidy(organization string, l *line) {
	if l.under == 0 && len(l.waiting) == 0 {
		delete(r.orgs, organization)
	}
}

// answer gives the reader back: all is read, and only the client has to take it.
func (t *turn) answer() {
	r := t.queue
	r.mu.Lock()
	defer r.mu.Unlock()
	t.giveBack()
}

func (t *turn) giveBack() {
	if t.reader {
		t.reader = false
		t.queue.busy--
		t.queue.handOut()
	}
}

// leave ends the read.
func (t *turn) leave() {
	r := t.queue
	r.mu.Lock()
	defer r.mu.Unlock()
	t.line.under--
	t.giveBack()
	r.handOut() // of the organization's own reads, when its answer had begun
	r.tidy(t.org, t.line)
}

// inTurn has a read wait for its organization's turn, and end in time.
func (s *Server) inTurn(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, c access.Caller) error {
		if r.Method != http.MethodGet || c.Organization == "" || s.opts.Reads == nil {
			return h(w, r, c)
		}
		most, err := s.opts.Reads.Reads(r.Context(), c.Organization)
		if err != nil {
			return err
		}
		t, err := s.reads.enter(r.Context(), c.Organization, most)
		if err != nil {
			return err
		}
		defer t.leave()
		if x, is := w.(*exchange); is {
			x.turn = t
		}
		ctx, cancel := context.WithTimeout(r.Context(), readMost)
		defer cancel()
		err = h(w, r.WithContext(ctx), c)
		if err != nil && ctx.Err() != nil && r.Context().Err() == nil {
			return webhook.Errorf(webhook.CodeUnavailable, fmt.Sprintf("the read took longer than %s", readMost)).For(webhook.ReasonSlowRead)
		}
		return err
	}
}
