package guard

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A name with several addresses is dialled as RFC 8305 says: the questions for A
// and AAAA go out together and don't wait for each other, the families take turns, the
// next address starts a moment after the last one, and the first connection wins.
const (
	resolutionDelay = 50 * time.Millisecond  // for AAAA once A is known (section 3)
	attemptDelay    = 250 * time.Millisecond // between two starts (section 5)
	atOnce          = 4                      // connections in the making for one dial: each takes a descriptor
	slowAddress     = 5 * time.Second        // for one address, when others wait for its place
)

// dial resolves the host, judges every address, and connects to the first that
// answers; the address really dialled is judged once more by the kernel's own
// view of it. The errors are a [*RefusedError] or those of all addresses.
func (g *Guard) dial(ctx context.Context, u *url.URL) (net.Conn, error) {
	d, reason := read(called(u))
	if reason != "" {
		return nil, &RefusedError{Reason: reason, Host: u.Host}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var asked sync.WaitGroup
	defer asked.Wait() // after the cancel below: a look-up ends with its context
	looking, end := context.WithCancel(ctx)
	defer end()
	r := race{connect: g.connector(d), refuse: func(addr netip.Addr) *RefusedError { return g.refuse(d, addr) }}
	if d.addr.IsValid() {
		r.answers, r.missing = make(chan family, 1), 1
		r.answers <- family{addrs: []netip.Addr{d.addr}}
	} else {
		r.answers, r.missing = g.ask(looking, d, &asked), 2
	}
	return r.run(ctx)
}

// connector connects to one address of a destination.
func (g *Guard) connector(d destination) func(context.Context, netip.Addr) (net.Conn, error) {
	dialer := &net.Dialer{KeepAlive: 30 * time.Second, ControlContext: g.control(d)}
	return func(ctx context.Context, addr netip.Addr) (net.Conn, error) {
		return dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(addr, d.port).String())
	}
}

// refuse judges an address at the time of a call. For a name it is a rebind:
// every stored name led to addresses that may be called.
func (g *Guard) refuse(d destination, addr netip.Addr) *RefusedError {
	reason := g.judgeAddress(d, addr)
	switch {
	case reason == "":
		return nil
	case d.addr.IsValid():
		return &RefusedError{Reason: reason, Host: d.host, Addr: addr}
	default:
		return &RefusedError{Reason: Rebind, Host: d.host, Addr: addr, Cause: reason}
	}
}

// control sees the address that the kernel is about to connect to.
func (g *Guard) control(d destination) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return &RefusedError{Reason: NotGlobal, Host: d.host}
		}
		if refused := g.refuse(d, at.Addr()); refused != nil {
			return refused
		}
		if at.Port() != d.port {
			return &RefusedError{Reason: Port, Host: d.host, Addr: at.Addr()}
		}
		return nil
	}
}

// race is one dial: what it waits for and what it has begun.
type race struct {
	answers chan family // of the name servers
	missing int         // answers that have not come
	refuse  func(netip.Addr) *RefusedError
	connect func(context.Context, netip.Addr) (net.Conn, error)

	waiting [2][]netip.Addr // IPv6, IPv4: not begun yet
	turn    int             // the family that is next
	begun   int             // connections in the making
	ended   chan outcome
	faults  []error
	unknown *RefusedError // why a question brought no address
}

// outcome is what became of one address.
type outcome struct {
	conn net.Conn
	err  error
}

// run returns the first connection. When it returns nothing of the race is left
// but that connection.
func (r *race) run(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	r.ended = make(chan outcome)
	defer r.clear() // the cancel comes first
	defer cancel()
	next := time.NewTimer(time.Hour)
	next.Stop()
	defer next.Stop()
	open := false // whether the next address may start
	for {
		if open && r.start(ctx) {
			open = false
			next.Reset(attemptDelay)
		}
		if r.missing == 0 && r.begun == 0 && r.left() == 0 {
			return nil, r.failure()
		}
		select {
		case answer := <-r.answers:
			r.missing--
			if refused := r.take(answer); refused != nil {
				return nil, refused
			}
			switch first := r.begun == 0 && len(r.faults) == 0 && !open; {
			case !first || r.left() == 0:
			case r.missing > 0 && !answer.six:
				next.Reset(resolutionDelay)
			default:
				next.Stop()
				open = true
			}
		case <-next.C:
			open = true
		case o := <-r.ended:
			r.begun--
			if o.err == nil {
				return o.conn, nil
			}
			r.faults = append(r.faults, o.err)
			open = true // nobody waits for what has failed
		case <-ctx.Done():
			return nil, r.late(ctx)
		}
	}
}

// take notes what a name server said. One address that may not be called spoils the
// name: it leads elsewhere than when it was stored.
func (r *race) take(answer family) *RefusedError {
	if answer.refused != nil {
		if r.unknown == nil || answer.refused.Reason == DNSError {
			r.unknown = answer.refused
		}
		return nil
	}
	for _, addr := range answer.addrs {
		if refused := r.refuse(addr); refused != nil {
			return refused
		}
		at := 1
		if addr.Is6() {
			at = 0
		}
		r.waiting[at] = append(r.waiting[at], addr)
	}
	return nil
}

func (r *race) left() int { return len(r.waiting[0]) + len(r.waiting[1]) }

// start begins with the next address, the families in turns. It reports whether there
// was one and room for it.
func (r *race) start(ctx context.Context) bool {
	if r.left() == 0 || r.begun >= atOnce {
		return false
	}
	if len(r.waiting[r.turn]) == 0 {
		r.turn = 1 - r.turn
	}
	addr := r.waiting[r.turn][0]
	r.waiting[r.turn] = r.waiting[r.turn][1:]
	r.turn = 1 - r.turn
	r.begun++
	crowded := r.left() > 0 && r.left()+r.begun > atOnce
	go func() {
		if crowded {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, slowAddress)
			defer cancel()
		}
		conn, err := r.connect(ctx, addr)
		r.ended <- outcome{conn, err}
	}()
	return true
}

// late is the error when the time is up, or nobody waits any more: that of the name
// servers when no address was known, for their questions end with the context.
func (r *race) late(ctx context.Context) error {
	for ; r.missing > 0; r.missing-- {
		_ = r.take(<-r.answers)
	}
	if r.unknown != nil && r.begun == 0 && r.left() == 0 && len(r.faults) == 0 {
		return errors.Join(r.unknown, ctx.Err())
	}
	return errors.Join(append(r.faults, ctx.Err())...)
}

// clear waits for the connections that are still in the making, and closes those
// that came too late.
func (r *race) clear() {
	for ; r.begun > 0; r.begun-- {
		if o := <-r.ended; o.conn != nil {
			_ = o.conn.Close()
		}
	}
}

// failure is why there is no connection.
func (r *race) failure() error {
	if len(r.faults) > 0 {
		return errors.Join(r.faults...)
	}
	return r.unknown
}

// sorted puts the families in turns, as they are dialled.
func sorted(addrs []netip.Addr) []netip.Addr {
	six := slices.DeleteFunc(slices.Clone(addrs), netip.Addr.Is4)
	four := slices.DeleteFunc(slices.Clone(addrs), netip.Addr.Is6)
	all := make([]netip.Addr, 0, len(addrs))
	for i := range max(len(six), len(four)) {
		if i < len(six) {
			all = append(all, six[i])
		}
		if i < len(four) {
			all = append(all, four[i])
		}
	}
	return all
}
