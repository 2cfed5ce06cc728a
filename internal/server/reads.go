package server

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/bounds"
	"sealpost/internal/webhook"
)

const (
	readTurn = 10 * time.Second // how long a read waits until others of its organization have ended
	readMost = 10 * time.Second // how long a read may take
)

// Reads says how many reads an organization may have under way; 0 is no bound.
type Reads interface {
	Reads(ctx context.Context, organization string) (int64, error)
}

// readQueue is the reads under way, by organization. One organization's can't take
// the readers that others need.
type readQueue struct {
	mu   sync.Mutex
	orgs map[string]*line
}

// line is one organization's reads.
type line struct {
	under   int64
	waiting []chan struct{} // each closed when its turn has come, the longest first
}

// enter waits for a turn, at most for readTurn. leave ends it.
func (r *readQueue) enter(ctx context.Context, organization string, most int64) error {
	r.mu.Lock()
	l := r.orgs[organization]
	if l == nil {
		if r.orgs == nil {
			r.orgs = make(map[string]*line)
		}
		l = &line{}
		r.orgs[organization] = l
	}
	if most == 0 || l.under < most && len(l.waiting) == 0 {
		l.under++
		r.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	r.mu.Unlock()
	timer := time.NewTimer(readTurn)
	defer timer.Stop()
	select {
	case <-turn:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, other := range l.waiting {
		if other == turn {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return webhook.Errorf(webhook.CodeTooManyRequests, fmt.Sprintf("the organization has %d reads under way, as many as limits.reads allows, and none of them ended in %s", most, readTurn)).
				For(webhook.Reason(bounds.Table[bounds.Reads].Key))
		}
	}
	return nil // the turn came at the last moment
}

// leave ends a read: the one that waits longest takes its place.
func (r *readQueue) leave(organization string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.orgs[organization]
	if len(l.waiting) > 0 {
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
		return
	}
	if l.under--; l.under == 0 {
		delete(r.orgs, organization)
	}
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
		if err := s.reads.enter(r.Context(), c.Organization, most); err != nil {
			return err
		}
		defer s.reads.leave(c.Organization)
		ctx, cancel := context.WithTimeout(r.Context(), readMost)
		defer cancel()
		err = h(w, r.WithContext(ctx), c)
		if err != nil && ctx.Err() != nil && r.Context().Err() == nil {
			return webhook.Errorf(webhook.CodeUnavailable, fmt.Sprintf("the read took longer than %s", readMost)).For(webhook.ReasonSlowRead)
		}
		return err
	}
}
