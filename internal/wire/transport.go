package wire

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Transport sends requests and keeps connections for the next ones. Its fields
// are set before the first use; it is then safe for concurrent use.
type Transport struct {
	// Dial connects to where a URL leads, by its scheme, host and port.
	Dial func(context.Context, *url.URL) (net.Conn, error)
	// TLS is how https is spoken; the server's name is filled in.
	TLS *tls.Config
	// HandshakeTimeout bounds a TLS handshake, besides the request's context.
	HandshakeTimeout time.Duration
	// MaxHeader bounds an answer's header, that of interim answers (1xx)
	// included, in bytes.
	MaxHeader int64
	// IdleTimeout is how long a connection is kept without use.
	IdleTimeout time.Duration
	// MaxAge is for how long a connection is used again, so that whoever moves
	// is followed, however steady the requests are.
	MaxAge time.Duration
	// MaxIdlePerPlace bounds the connections kept for one scheme, host and port.
	MaxIdlePerPlace int
	// MaxIdle bounds the connections kept in all.
	MaxIdle int

	idle pool
}

// RoundTrip writes a request and reads the head of its answer. The request's
// context is its deadline, up to the last byte of the answer's body. The caller
// reads the body or closes it; read to its end, it gives the connection back.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	message, err := newMessage(r)
	if err != nil {
		return nil, err
	}
	at, err := placeOf(r.URL)
	if err != nil {
		message.free()
		return nil, err
	}
	c := t.idle.take(at)
	if c == nil {
		if c, err = t.connect(r.Context(), at, r.URL); err != nil {
			message.free()
			return nil, err
		}
	}
	return c.exchange(r, message)
}

// CloseIdleConnections closes the connections that are kept and not in use.
func (t *Transport) CloseIdleConnections() { t.idle.drain() }

// place is what a connection leads to.
type place struct {
	secure bool
	host   string // ASCII, with the port when the URL names one
}

func placeOf(u *url.URL) (place, error) {
	host, err := httpguts.PunycodeHostPort(u.Host)
	switch {
	case err != nil:
		return place{}, fmt.Errorf("wire: the host %q: %w", u.Host, err)
	case u.Scheme == "https":
		return place{true, host}, nil
	case u.Scheme == "http":
		return place{false, host}, nil
	}
	return place{}, fmt.Errorf("wire: the scheme %q is not spoken here", u.Scheme)
}

// connect makes a connection, ready to be written to.
func (t *Transport) connect(ctx context.Context, at place, u *url.URL) (*conn, error) {
	raw, err := t.Dial(ctx, u)
	if err != nil {
		return nil, err
	}
	if !at.secure {
		return newConn(t, at, raw, raw), nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, t.HandshakeTimeout, errHandshake{})
	defer cancel()
	secure, err := Shake(ctx, raw, t.TLS, (&url.URL{Host: at.host}).Hostname())
	if err != nil {
		_ = raw.Close()
		if ctx.Err() != nil && !alerted(err) {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	return newConn(t, at, raw, secure), nil
}

// errHandshake is a TLS handshake that took too long.
type errHandshake struct{}

func (errHandshake) Error() string   { return "wire: TLS handshake timeout" }
func (errHandshake) Timeout() bool   { return true }
func (errHandshake) Temporary() bool { return true }
func (errHandshake) Is(target error) bool {
	return target == context.DeadlineExceeded
}
