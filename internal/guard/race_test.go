package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const never = time.Hour

// lane is how an address behaves: it answers, or fails, some time after it was called.
type lane struct {
	after time.Duration
	err   error
}

var errDead = errors.New("nobody listens")

// raced is a connection that tells when it is closed.
type raced struct {
	net.Conn
	addr netip.Addr
	end  func()
}

func (c *raced) Close() error { c.end(); return c.Conn.Close() }

// TestRace dials names in a bubble of its own time: when each address starts, who
// wins, and that nothing else stays open.
func TestRace(t *testing.T) {
	quick, hangs, dead := lane{0, nil}, lane{never, nil}, lane{0, errDead}
	for _, c := range []struct {
		name      string
		six, four time.Duration // when the name servers answer
		lanes     map[string]lane
		order     string // the addresses, as they are answered
		starts    string
		wins      string // an address, or the beginning of an error
	}{
		{"the first that is begun", 0, 0, map[string]lane{"2001:db8::1": quick}, "2001:db8::1 1.0.0.1", "2001:db8::1@0s", "2001:db8::1"},
		{"an address that swallows everything before one that answers", 0, 0, map[string]lane{"1.0.0.1": hangs, "1.0.0.2": quick}, "1.0.0.1 1.0.0.2", "1.0.0.1@0s 1.0.0.2@250ms", "1.0.0.2"},
		{"two of them", 0, 0, map[string]lane{"1.0.0.1": hangs, "1.0.0.2": hangs, "1.0.0.3": quick}, "1.0.0.1 1.0.0.2 1.0.0.3", "1.0.0.1@0s 1.0.0.2@250ms 1.0.0.3@500ms", "1.0.0.3"},
		{"families take turns", 0, 0, map[string]lane{"2001:db8::1": hangs, "2001:db8::2": hangs, "1.0.0.1": hangs, "1.0.0.2": quick}, "2001:db8::1 2001:db8::2 1.0.0.1 1.0.0.2",
			"2001:db8::1@0s 1.0.0.1@250ms 2001:db8::2@500ms 1.0.0.2@750ms", "1.0.0.2"},
		{"what fails is followed at once", 0, 0, map[string]lane{"2001:db8::1": dead, "1.0.0.1": quick}, "2001:db8::1 1.0.0.1", "2001:db8::1@0s 1.0.0.1@0s", "1.0.0.1"},
		{"AAAA is never answered", never, 10 * time.Millisecond, map[string]lane{"1.0.0.1": quick}, "1.0.0.1", "1.0.0.1@60ms", "1.0.0.1"},
		{"A is never answered", 10 * time.Millisecond, never, map[string]lane{"2001:db8::1": quick}, "2001:db8::1", "2001:db8::1@10ms", "2001:db8::1"},
		{"AAAA comes in time", 40 * time.Millisecond, 10 * time.Millisecond, map[string]lane{"2001:db8::1": quick}, "2001:db8::1 1.0.0.1", "2001:db8::1@40ms", "2001:db8::1"},
		{"AAAA has nothing", 20 * time.Millisecond, 10 * time.Millisecond, map[string]lane{"1.0.0.1": quick}, "1.0.0.1", "1.0.0.1@20ms", "1.0.0.1"},
		{"AAAA comes late, and is taken on", 200 * time.Millisecond, 0, map[string]lane{"1.0.0.1": hangs, "2001:db8::1": quick}, "2001:db8::1 1.0.0.1", "1.0.0.1@50ms 2001:db8::1@300ms", "2001:db8::1"},
		{"AAAA comes after A has failed", 400 * time.Millisecond, 0, map[string]lane{"1.0.0.1": dead, "2001:db8::1": quick}, "2001:db8::1 1.0.0.1", "1.0.0.1@50ms 2001:db8::1@400ms", "2001:db8::1"},
		{"the slower wins, since it began earlier", 0, 0, map[string]lane{"2001:db8::1": {400 * time.Millisecond, nil}, "1.0.0.1": {200 * time.Millisecond, nil}}, "2001:db8::1 1.0.0.1", "2001:db8::1@0s 1.0.0.1@250ms", "2001:db8::1"},
		{"many that are dead", 0, 0, map[string]lane{"1.0.0.1": hangs, "1.0.0.2": hangs, "1.0.0.3": hangs, "1.0.0.4": hangs, "1.0.0.5": hangs, "1.0.0.6": quick}, "1.0.0.1 1.0.0.2 1.0.0.3 1.0.0.4 1.0.0.5 1.0.0.6",
			"1.0.0.1@0s 1.0.0.2@250ms 1.0.0.3@500ms 1.0.0.4@750ms 1.0.0.5@5s 1.0.0.6@5.25s", "1.0.0.6"},
		{"all fail", 0, 0, map[string]lane{"2001:db8::1": dead, "1.0.0.1": dead}, "2001:db8::1 1.0.0.1", "2001:db8::1@0s 1.0.0.1@0s", "nobody listens\nnobody listens"},
		{"all hang", 0, 0, map[string]lane{"2001:db8::1": hangs, "1.0.0.1": hangs}, "2001:db8::1 1.0.0.1", "2001:db8::1@0s 1.0.0.1@250ms", "context deadline exceeded"},
		{"one may not be called", time.Millisecond, 0, nil, "2001:db8::1 10.0.0.1", "", "refused by policy"},
		{"one that comes late may not be called", 0, 100 * time.Millisecond, map[string]lane{"2001:db8::1": hangs}, "2001:db8::1 10.0.0.1", "2001:db8::1@0s", "refused by policy"},
		{"no address", 0, 0, nil, "", "", "refused by policy: the name has no address"},
		{"no answer", never, never, nil, "", "", "refused by policy: the name could not be resolved"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), dialTimeout)
				defer cancel()
				began := time.Now()
				var mu sync.Mutex
				var starts []string
				open := map[netip.Addr]bool{}
				r := race{answers: make(chan family, 2), missing: 2,
					refuse: func(addr netip.Addr) *RefusedError {
						if addr.IsPrivate() {
							return &RefusedError{Reason: Rebind, Addr: addr, Cause: Private}
						}
						return nil
					},
					connect: func(ctx context.Context, addr netip.Addr) (net.Conn, error) {
						mu.Lock()
						starts = append(starts, fmt.Sprintf("%s@%s", addr, time.Since(began)))
						mu.Unlock()
						way := c.lanes[addr.String()]
						select {
						case <-time.After(way.after):
						case <-ctx.Done():
							return nil, ctx.Err()
						}
						if way.err != nil {
							return nil, way.err
						}
						one, other := net.Pipe()
						_ = other.Close()
						mu.Lock()
						defer mu.Unlock()
						open[addr] = true
						return &raced{one, addr, func() { mu.Lock(); defer mu.Unlock(); delete(open, addr) }}, nil
					}}
				for _, six := range []bool{true, false} {
					after, answer := c.four, family{six: six}
					if six {
						after = c.six
					}
					for text := range strings.FieldsSeq(c.order) {
						if addr := netip.MustParseAddr(text); addr.Is6() == six {
							answer.addrs = append(answer.addrs, addr)
						}
					}
					if answer.addrs == nil {
						answer.refused = &RefusedError{Reason: DNSNone}
					}
					go func() {
						select {
						case <-time.After(after):
						case <-ctx.Done():
							answer = family{six: six, refused: &RefusedError{Reason: DNSError}}
						}
						r.answers <- answer
					}()
				}
				conn, err := r.run(ctx)
				got := fmt.Sprint(err)
				if conn != nil {
					got = conn.(*raced).addr.String()
				}
				if !strings.HasPrefix(got, c.wins) {
					t.Errorf("%q wins, not %q", got, c.wins)
				}
				mu.Lock()
				defer mu.Unlock()
				if !slices.Equal(starts, strings.Fields(c.starts)) {
					t.Errorf("started %q, not %q", starts, c.starts)
				}
				if want := min(1, len(open)); conn == nil && len(open) > 0 || len(open) != want {
					t.Errorf("%d connections stay open", len(open))
				}
				cancel()
			})
		})
	}
}
