package guard

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"strings"
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
