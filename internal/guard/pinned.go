package guard

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// PinnedOptions shape a pinned client.
type PinnedOptions struct {
	CAFile  string        // extra roots, PEM
	Timeout time.Duration // of a whole exchange; 0 leaves it to the context
}

// Pinned makes a client for an endpoint that the operator configured: a
// JSON-RPC node, Sentry, another sealpost, a listener's forward target. It may
// be anywhere, and it calls nothing but its own scheme, host and port; it
// follows no redirect and uses no proxy.
func Pinned(origin string, opts PinnedOptions) (*http.Client, error) {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("%q is not an http or https URL", origin)
	}
	roots, err := loadRoots(opts.CAFile)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		DialContext:            (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    dialTimeout,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTimeout,
		ForceAttemptHTTP2:      true,
	}
	return &http.Client{Transport: pinned{u.Scheme, originHost(u), transport}, CheckRedirect: noRedirect, Timeout: opts.Timeout}, nil
}

type pinned struct {
	scheme, host string
	transport    *http.Transport
}

func (p pinned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != p.scheme || originHost(r.URL) != p.host {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, &RefusedError{Reason: Redirect, Host: r.URL.Host,
			Detail: fmt.Sprintf("this client calls %s://%s and nothing else", p.scheme, p.host)}
	}
	return p.transport.RoundTrip(r)
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the
// transport.
func (p pinned) CloseIdleConnections() { p.transport.CloseIdleConnections() }

// originHost is host:port with the scheme's default port filled in.
func originHost(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
