package access

import (
	"net/netip"
	"sync"
	"time"
)

// MaxRateLimit bounds the limit of a [Limiter], in requests a minute.
const MaxRateLimit = 1000

// maxTracked bounds how many addresses a limiter tells apart, and maxTimes how
// many requests it remembers of all of them together.
const (
	maxTracked = 4096
	maxTimes   = 1 << 19
)

// Limiter lets at most so many requests of one client address through in any
// span of a minute. An IPv6 client is its /64, which is what one customer gets.
// Memory is bounded: while too many addresses are busy at once, further ones
// share one allowance between them, so a flood of addresses shuts out strangers and
// not those who came before.
type Limiter struct {
	perMinute int
	most      int // addresses

	mu      sync.Mutex
	clients map[netip.Prefix]*window
	others  window // of all addresses beyond maxTracked
}

// NewLimiter makes a limiter; a limit of 0 lets everything through, one above
// [MaxRateLimit] counts as that.
func NewLimiter(perMinute int) *Limiter {
	perMinute = min(perMinute, MaxRateLimit)
	return &Limiter{perMinute: perMinute, most: min(maxTracked, maxTimes/max(perMinute, 1)), clients: make(map[netip.Prefix]*window)}
}

// Allow counts a request of a client at a time. When it is one too many, wait
// is how long until the next may come, for Retry-After.
func (l *Limiter) Allow(client netip.Addr, now time.Time) (wait time.Duration, ok bool) {
	if l.perMinute <= 0 {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.window(Network(client), now).take(l.perMinute, now)
}

func (l *Limiter) window(client netip.Prefix, now time.Time) *window {
	if found := l.clients[client]; found != nil {
		return found
	}
	if len(l.clients) >= l.most {
		for prefix, w := range l.clients {
			if w.idle(now) {
				delete(l.clients, prefix)
			}
		}
	}
	if len(l.clients) >= l.most {
		return &l.others
	}
	w := &window{}
	l.clients[client] = w
	return w
}

// Network is whom a client's address counts for: itself, or an IPv6 address's /64,
// which is what one customer gets. The zero address has the zero prefix.
func Network(client netip.Addr) netip.Prefix {
	client = client.Unmap().WithZone("")
	bits := client.BitLen()
	if client.Is6() {
		bits = 64
	}
	prefix, _ := client.Prefix(bits)
	return prefix
}

// window holds the times of the requests that were let through in the last
// minute, oldest first.
type window struct{ times []time.Time }

func (w *window) take(limit int, now time.Time) (wait time.Duration, ok bool) {
	gone := 0
	for gone < len(w.times) && now.Sub(w.times[gone]) >= time.Minute {
		gone++
	}
	w.times = append(w.times[:0], w.times[gone:]...)
	if len(w.times) >= limit {
		return w.times[0].Add(time.Minute).Sub(now), false
	}
	w.times = append(w.times, now)
	return 0, true
}

func (w *window) idle(now time.Time) bool {
	return len(w.times) == 0 || now.Sub(w.times[len(w.times)-1]) >= time.Minute
}
