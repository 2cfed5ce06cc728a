package guard

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
	"unicode"

	"sealpost/internal/wire"
)

const (
	dialTimeout    = 30 * time.Second // the caller's deadline is shorter as a rule
	idleTimeout    = 90 * time.Second
	maxAge         = 5 * time.Minute // a name is looked up again, its addresses judged, its certificate seen
	maxHeaderBytes = 64 << 10
	idlePerHost    = 64
	maxIdle        = 1024
)

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// newTransport makes the transport for receivers. It knows no proxy: variables
// of the environment must not move the place where addresses are judged.
func (g *Guard) newTransport(roots *x509.CertPool) *wire.Transport {
	return &wire.Transport{
		Dial:             g.dial,
		TLS:              &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		HandshakeTimeout: dialTimeout,
		MaxHeader:        maxHeaderBytes,
		MaxIdlePerPlace:  idlePerHost,
		MaxIdle:          cmp.Or(g.settings.MaxIdle, maxIdle),
		IdleTimeout:      idleTimeout,
		MaxAge:           maxAge,
	}
}

// Do sends a request to a receiver. Every connection is judged, no redirect is
// followed, no proxy is used, nothing is decompressed. The context of the request is its
// only deadline. Its URL is to come from [webhook.ParseURL], so that it is sent as it is
// written. The errors are a [*RefusedError], or those of dialling, TLS and
// package wire.
//
// The URL of each request is judged first, so that a URL which came into the
// database by another way is judged as well. There is no [http.Client] around this: it
// would read the Location of an answer, and fail where it can't.
func (g *Guard) Do(r *http.Request) (*http.Response, error) {
	v := Verdict{Reason: Userinfo, Message: Userinfo.Message()}
	if r.URL.User == nil {
		v = g.Judge(called(r.URL))
	}
	if !v.Allowed {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, &RefusedError{Reason: v.Reason, Host: r.URL.Host, Detail: v.Message}
	}
	if strings.ContainsFunc(r.URL.Host, func(c rune) bool { return c > unicode.MaxASCII }) {
		r = named(r)
	}
	return g.transport.RoundTrip(r)
}

// named returns a request to the same URL with the host as it was judged and is
// dialled. The transport would make another name of a full-width letter, and
// ask the receiver for that one's certificate.
func named(r *http.Request) *http.Request {
	d, _ := read(called(r.URL))
	to := *r.URL
	if to.Host = d.host; r.URL.Port() != "" {
		to.Host = net.JoinHostPort(d.host, r.URL.Port())
	}
	r = r.WithContext(r.Context())
	r.URL, r.Host = &to, to.Host
	return r
}

// dial resolves the host, judges every address, and connects to one that
// passes; the address really dialled is judged once more by the kernel's own
// view of it.
func (g *Guard) dial(ctx context.Context, u *url.URL) (net.Conn, error) {
	d, reason := read(called(u))
	if reason != "" {
		return nil, &RefusedError{Reason: reason, Host: u.Host}
	}
	addrs := []netip.Addr{d.addr}
	if !d.addr.IsValid() {
		var refused *RefusedError
		if addrs, refused = g.resolve(ctx, d); refused != nil {
			if refused.Reason == DNSError && ctx.Err() != nil {
				return nil, errors.Join(refused, ctx.Err())
			}
			return nil, refused
		}
	}
	for _, addr := range addrs {
		if refused := g.refuse(d, addr); refused != nil {
			return nil, refused
		}
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, ControlContext: g.control(d)}
	var faults []error
	for _, addr := range addrs {
		conn, err := dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(addr, d.port).String())
		if err == nil {
			return conn, nil
		}
		faults = append(faults, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(faults...)
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

// loadRoots adds a PEM file's certificates to the system's roots; nil means
// the system's alone.
func loadRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("egress.ca_file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("egress.ca_file: %s holds no PEM certificate", path)
	}
	return roots, nil
}
