package guard

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"time"

	"sealpost/internal/webhook"
	"sealpost/internal/wire"
)

// Probe is what a connection to a receiver is like. No request is sent.
type Probe struct {
	Addr         netip.AddrPort // where the connection leads
	Connected    time.Duration  // look-up, judgement and connection
	Handshake    time.Duration  // TLS; 0 over plain http
	Certificates []*x509.Certificate
}

// Probe connects to where a URL leads as a delivery would, judged in the same
// way, shakes hands when it is https, and hangs up. What of the Probe is known
// when it fails is returned too; a certificate that did not pass is among it.
func (g *Guard) Probe(ctx context.Context, raw string) (Probe, error) {
	return g.probe(ctx, raw, g.dial)
}

// ProbeAddr is Probe at one of the addresses that a URL's name has.
func (g *Guard) ProbeAddr(ctx context.Context, raw string, addr netip.Addr) (Probe, error) {
	return g.probe(ctx, raw, func(ctx context.Context, u *url.URL) (net.Conn, error) {
		d, reason := read(called(u))
		if reason != "" {
			return nil, &RefusedError{Reason: reason, Host: u.Host}
		}
		if refused := g.refuse(d, addr); refused != nil {
			return nil, refused
		}
		return g.connector(d)(ctx, addr)
	})
}

func (g *Guard) probe(ctx context.Context, raw string, dial func(context.Context, *url.URL) (net.Conn, error)) (p Probe, err error) {
	if v := g.Judge(raw); !v.Allowed {
		return p, &RefusedError{Reason: v.Reason, Detail: v.Message}
	}
	u, err := webhook.ParseURL(raw)
	if err != nil {
		return p, err
	}
	began := time.Now()
	conn, err := dial(ctx, u)
	p.Connected = time.Since(began)
	if err != nil {
		return p, err
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	p.Addr, _ = netip.ParseAddrPort(conn.RemoteAddr().String())
	if u.Scheme != "https" {
		return p, nil
	}
	d, _ := read(raw)
	began = time.Now()
	secure, err := wire.Shake(ctx, conn, g.transport.TLS, d.host)
	p.Handshake = time.Since(began)
	p.Certificates = secure.ConnectionState().PeerCertificates
	var refused *tls.CertificateVerificationError
	if errors.As(err, &refused) {
		p.Certificates = refused.UnverifiedCertificates
	}
	return p, err
}
