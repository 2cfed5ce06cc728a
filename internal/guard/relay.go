package guard

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"sealpost/internal/webhook"
	"sealpost/internal/wire"
)

// Relay calls one URL that the operator named, wherever it leads, in the way in
// which receivers are called: the URL as it is written, HTTP/1.1, one request on the wire
// for one call, and an answer that points elsewhere is the answer.
type Relay struct {
	to        *url.URL
	timeout   time.Duration
	transport *wire.Transport
}

// NewRelay makes a relay to a URL. The timeout of opts bounds an exchange up to the
// last byte of the answer; 0 leaves it to the context. Close it at the end.
func NewRelay(to string, opts PinnedOptions) (*Relay, error) {
	u, err := webhook.ParseURL(to)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("%q is not an http or https URL", to)
	}
	roots, err := loadRoots(opts.CAFile)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	at := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme]))
	return &Relay{u, opts.Timeout, &wire.Transport{
		Dial:             func(ctx context.Context, _ *url.URL) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", at) },
		TLS:              &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		HandshakeTimeout: dialTimeout,
		MaxHeader:        maxHeaderBytes,
		MaxIdlePerPlace:  idlePerHost,
		MaxIdle:          idlePerHost,
		IdleTimeout:      idleTimeout,
		MaxAge:           maxAge,
	}}, nil
}

// Do sends a request to the relay's URL, whatever its own is. The body of the
// answer has to be closed.
func (rl *Relay) Do(r *http.Request) (*http.Response, error) {
	cancel := func() {}
	if rl.timeout > 0 {
		var ctx context.Context
		ctx, cancel = context.WithTimeout(r.Context(), rl.timeout)
		r = r.WithContext(ctx)
	} else {
		r = r.WithContext(r.Context())
	}
	r.URL, r.Host = rl.to, rl.to.Host
	response, err := rl.transport.RoundTrip(r)
	if err != nil {
		cancel()
		return nil, err
	}
	response.Body = &ending{response.Body, cancel}
	return response, nil
}

// Close closes idle connections.
func (rl *Relay) Close() { rl.transport.CloseIdleConnections() }

// ending is a body with which the time of an exchange ends.
type ending struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (e *ending) Close() error {
	defer e.cancel()
	return e.ReadCloser.Close()
}
