package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"sealpost/internal/wire"
)

// Settings are the operator's exceptions, the configuration keys egress.*.
// The zero Settings allow public https receivers and nothing else.
type Settings struct {
	Allow     []string // CIDR, CIDR:port, host name or *.name
	AllowHTTP bool     // plain http to what an exception admits
	Resolver  string   // IP:port of the DNS server to ask; empty: the system's
	CAFile    string   // extra roots, PEM
	MaxIdle   int      // connections kept for the next request; 1024 when 0
}

// Guard is the policy with its exceptions. It is safe for concurrent use.
type Guard struct {
	settings   Settings
	exceptions []exception
	resolver   *net.Resolver
	transport  *wire.Transport

	mu     sync.RWMutex
	judged map[string]Verdict // static verdicts by URL
}

// maxJudged bounds the remembered verdicts.
const maxJudged = 8192

// New makes a guard; its errors name the setting and the entry at fault.
func New(s Settings) (*Guard, error) {
	g := &Guard{settings: s, judged: make(map[string]Verdict)}
	var faults []error
	for _, text := range s.Allow {
		e, err := parseException(text)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		g.exceptions = append(g.exceptions, e)
	}
	var err error
	if g.resolver, err = newResolver(s.Resolver); err != nil {
		faults = append(faults, err)
	}
	roots, err := loadRoots(s.CAFile)
	if err != nil {
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	g.transport = g.newTransport(roots)
	return g, nil
}

// Exceptions lists what is allowed beyond the policy, for the log at start.
func (g *Guard) Exceptions() []string {
	var list []string
	for _, e := range g.exceptions {
		list = append(list, "egress.allow "+e.text)
	}
	if g.settings.AllowHTTP {
		list = append(list, "egress.allow_http")
	}
	if g.settings.Resolver != "" {
		list = append(list, "egress.resolver "+g.settings.Resolver)
	}
	if g.settings.CAFile != "" {
		list = append(list, "egress.ca_file "+g.settings.CAFile)
	}
	return list
}

// Close closes idle connections.
func (g *Guard) Close() { g.transport.CloseIdleConnections() }

// Judge gives the part of the verdict that needs no network.
func (g *Guard) Judge(raw string) Verdict {
	g.mu.RLock()
	v, known := g.judged[raw]
	g.mu.RUnlock()
	if known {
		return v
	}
	if v = g.judge(raw); len(raw) > MaxURL {
		return v // not worth its room
	}
	g.mu.Lock()
	if len(g.judged) >= maxJudged {
		clear(g.judged)
	}
	g.judged[raw] = v
	g.mu.Unlock()
	return v
}

func (g *Guard) judge(raw string) Verdict {
	d, reason := read(raw)
	if reason == "" {
		reason = g.judgeDestination(d)
	}
	return verdict(raw, reason, nil, "")
}

// judgeDestination weighs a well-formed URL against the policy.
func (g *Guard) judgeDestination(d destination) Reason {
	literal := d.addr.IsValid()
	excepted := literal && g.admits(d.addr, d.port) || !literal && g.admitsName(d.host, d.port)
	switch {
	case !d.https && !g.settings.AllowHTTP:
		return Scheme
	case excepted:
		return ""
	case !d.https && (literal || !g.anyAddresses(d.port)):
		return Scheme
	case literal:
		if reason := Classify(d.addr); reason != "" {
			return reason
		}
		return IPLiteral
	case publicName(d.host):
		return ""
	default:
		return Hostname
	}
}

// anyAddresses reports whether an exception for addresses covers a port, so
// that plain http to a name may turn out to be allowed once it is dialled.
func (g *Guard) anyAddresses(port uint16) bool {
	for _, e := range g.exceptions {
		if e.host == "" && (e.port == 0 || e.port == port) {
			return true
		}
	}
	return false
}

// Check gives the whole verdict for a URL that is about to be stored: its form
// must pass, and every address that its name resolves to.
func (g *Guard) Check(ctx context.Context, raw string) Verdict {
	if v := g.Judge(raw); !v.Allowed {
		return v
	}
	d, _ := read(raw)
	if d.addr.IsValid() {
		return Verdict{URL: raw, Allowed: true, Addrs: []netip.Addr{d.addr}}
	}
	addrs, unanswered, refused := g.resolve(ctx, d)
	if refused != nil {
		return verdict(raw, refused.Reason, addrs, refused.Detail)
	}
	for _, addr := range addrs {
		if reason := g.judgeAddress(d, addr); reason != "" {
			return verdict(raw, reason, addrs, fmt.Sprintf("%s resolves to %s: %s", d.host, addr, reason.Message()))
		}
	}
	return Verdict{URL: raw, Allowed: true, Addrs: addrs, Unanswered: unanswered}
}

func verdict(raw string, reason Reason, addrs []netip.Addr, detail string) Verdict {
	v := Verdict{URL: raw, Allowed: reason == "", Reason: reason, Message: reason.Message(), Addrs: addrs}
	if detail != "" {
		v.Message = detail
	}
	return v
}

// judgeAddress weighs an address that a name has resolved to.
func (g *Guard) judgeAddress(d destination, addr netip.Addr) Reason {
	if g.admits(addr, d.port) {
		return ""
	}
	reason := Classify(addr)
	switch {
	case reason != Metadata && reason != Zone && g.admitsName(d.host, d.port):
		return ""
	case reason == "" && !d.https:
		return Scheme
	}
	return reason
}

// newResolver asks one DNS server, or the system's. It is Go's own resolver:
// C libraries read 127.1 and 0x7f.1 as addresses.
func newResolver(server string) (*net.Resolver, error) {
	r := &net.Resolver{PreferGo: true}
	if server == "" {
		return r, nil
	}
	at, err := netip.ParseAddrPort(server)
	if err != nil || at.Port() == 0 {
		return nil, fmt.Errorf("egress.resolver: %q is not IP:port, for instance 127.0.0.1:5353", server)
	}
	r.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, at.String())
	}
	return r, nil
}

func readFile(path string) ([]byte, error) { return os.ReadFile(path) } //nolint:gosec // the operator names the file
