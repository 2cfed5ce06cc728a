package store

import (
	"context"
	"sync"
)

// looks lets callers who ask for the same thing share one read, the way
// writes share a commit: while one read is under way, those who come meanwhile
// gather for the next. Nobody gets an answer that was read before they asked,
// so it is as exact as reading each time. K is what is asked for, V the answer.
type looks[K comparable, V any] struct {
	read func(context.Context, K) (V, error)

	mu    sync.Mutex
	gates map[K]*gate[V]
}

// gate is where those wait who ask for one thing.
type gate[V any] struct {
	turn chan struct{} // holds a token while nobody reads
	next *look[V]      // gathers those who came since the last read began
	here int           // callers at this gate
}

// look is one read.
type look[V any] struct {
	done  chan struct{}
	value V
	err   error
}

func newLooks[K comparable, V any](read func(context.Context, K) (V, error)) *looks[K, V] {
	return &looks[K, V]{read: read, gates: make(map[K]*gate[V])}
}

// get reads the answer for key, or shares a read that begins after this call.
func (l *looks[K, V]) get(ctx context.Context, key K) (V, error) {
	l.mu.Lock()
	g := l.gates[key]
	if g == nil {
		g = &gate[V]{turn: make(chan struct{}, 1)}
		g.turn <- struct{}{}
		l.gates[key] = g
	}
	mine, first := g.next, false
	if mine == nil {
		mine, first = &look[V]{done: make(chan struct{})}, true
		g.next = mine
	}
	g.here++
	l.mu.Unlock()
	if first {
		<-g.turn
		l.mu.Lock()
		g.next = nil
		l.mu.Unlock()
		mine.value, mine.err = l.read(context.WithoutCancel(ctx), key) // others wait for it
		g.turn <- struct{}{}
		close(mine.done)
	}
	<-mine.done
	l.mu.Lock()
	if g.here--; g.here == 0 {
		delete(l.gates, key)
	}
	l.mu.Unlock()
	return mine.value, mine.err
}
