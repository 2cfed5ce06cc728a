package access

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestLimiter(t *testing.T) {
	limiter, client, now := NewLimiter(3), netip.MustParseAddr("192.0.2.1"), noon
	for i, step := range []struct {
		pause time.Duration
		ok    bool
		wait  time.Duration
	}{
		{0, true, 0},
		{10 * time.Second, true, 0},
		{10 * time.Second, true, 0},
		{10 * time.Second, false, 30 * time.Second},
		{30*time.Second - 1, false, 1},
		{1, true, 0}, // the first is a minute ago
		{0, false, 10 * time.Second},
		{time.Hour, true, 0},
	} {
		now = now.Add(step.pause)
		if wait, ok := limiter.Allow(client, now); ok != step.ok || wait != step.wait {
			t.Errorf("step %d: %t, wait %s", i, ok, wait)
		}
	}
}

func TestLimiterTellsClientsApart(t *testing.T) {
	for _, test := range []struct {
		first, second string
		same          bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:1", true}, // of one /64
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::1%eth1", true},
	} {
		limiter := NewLimiter(1)
		limiter.Allow(netip.MustParseAddr(test.first), noon)
		if _, ok := limiter.Allow(netip.MustParseAddr(test.second), noon); ok == test.same {
			t.Errorf("%s after %s: %t", test.second, test.first, ok)
		}
	}
	limiter := NewLimiter(1) // an unknown address is one client too
	limiter.Allow(netip.Addr{}, noon)
	if _, ok := limiter.Allow(netip.Addr{}, noon); ok {
		t.Error("clients of unknown address are not limited")
	}
}

func TestLimiterWithoutLimit(t *testing.T) {
	limiter := NewLimiter(0)
	for range 10_000 {
		if wait, ok := limiter.Allow(netip.Addr{}, noon); !ok || wait != 0 {
			t.Fatal("limited")
		}
	}
}

func TestLimiterIsBounded(t *testing.T) {
	limiter := NewLimiter(2)
	early := netip.MustParseAddr("192.0.2.1")
	limiter.Allow(early, noon)
	address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	passed := 0
	for i := range 3 * maxTracked {
		if _, ok := limiter.Allow(address(i), noon); ok {
			passed++
		}
	}
	if len(limiter.clients) != maxTracked || passed != maxTracked-1+2 {
		t.Errorf("%d tracked, %d let through", len(limiter.clients), passed)
	}
	if _, ok := limiter.Allow(early, noon); !ok {
		t.Error("the flood has shut out who was there before")
	}
	if _, ok := limiter.Allow(address(5*maxTracked), noon.Add(time.Minute)); !ok || len(limiter.clients) != 1 {
		t.Errorf("a minute later %d are still tracked", len(limiter.clients))
	}
}

// TestLimiterNeverPassesMore: in no span of a minute do more than the limit
// pass, and nobody is kept waiting longer than said.
func TestLimiterNeverPassesMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 8).Draw(t, "limit")
		pauses := rapid.SliceOfN(rapid.IntRange(0, 30_000), 1, 60).Draw(t, "pauses in ms")
		limiter, now := NewLimiter(limit), noon
		var passed []time.Time
		for _, pause := range pauses {
			now = now.Add(time.Duration(pause) * time.Millisecond)
			wait, ok := limiter.Allow(netip.Addr{}, now)
			if !ok {
				if wait <= 0 || wait > time.Minute {
					t.Fatalf("wait %s", wait)
				}
				now = now.Add(wait)
				if _, ok = limiter.Allow(netip.Addr{}, now); !ok {
					t.Fatal("refused after the wait")
				}
			}
			passed = append(passed, now)
			if n := len(passed) - 1 - limit; n >= 0 && now.Sub(passed[n]) < time.Minute {
				t.Fatalf("%d passed in %s", limit+1, now.Sub(passed[n]))
			}
		}
	})
}

func TestLimiterTogether(t *testing.T) {
	limiter := NewLimiter(5)
	var passed atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, ok := limiter.Allow(netip.Addr{}, noon); ok {
				passed.Add(1)
			}
		})
	}
	all.Wait()
	if passed.Load() != 5 {
		t.Errorf("%d passed", passed.Load())
	}
}
