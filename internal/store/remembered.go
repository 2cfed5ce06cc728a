package store

import (
	"sync"
	"sync/atomic"

	"sealpost/internal/access"
)

// remembered keeps tokens that were looked up, so that publishing need not read
// them again for each event: inside its transaction the writer knows for certain
// whether anything but publishing has changed the file since.
//
// It counts the states of access. A token is kept under the count that was
// there before it was read, and the count grows after every commit that may
// have changed one, before anybody is told of that commit, and when another
// process has committed, before anything else is done in the transaction that
// found out. So a token that was read before a change never passes for one read
// after it.
type remembered struct {
	count  atomic.Uint64 // of changes; a state is one more, since 0 stands for none
	mu     sync.RWMutex
	tokens map[string]access.Token
}

// maxRemembered bounds the tokens that are kept.
const maxRemembered = 1024

// now is the present state.
func (r *remembered) now() uint64 { return r.count.Load() + 1 }

// current reports whether a state is the present one. None is always current.
func (r *remembered) current(asOf uint64) bool { return asOf == 0 || asOf == r.now() }

// keep remembers a token read in a state or later.
func (r *remembered) keep(t access.Token, asOf uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if asOf != r.now() {
		return
	}
	if r.tokens == nil || len(r.tokens) >= maxRemembered {
		r.tokens = make(map[string]access.Token)
	}
	t.AsOf = asOf
	r.tokens[t.ID] = t
}

func (r *remembered) find(id string) (access.Token, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t, found := r.tokens[id]
	return t, found && r.current(t.AsOf)
}

// forget begins another state.
func (r *remembered) forget() {
	r.count.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.tokens)
}
