package guard

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/netip"
	"time"

	"sealpost/internal/webhook"
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
func (g *Guard) Probe(ctx context.Context, raw string) (p Probe, err error) {
	if v := g.Judge(raw); !v.Allowed {
		return p, &RefusedError{Reason: v.Reason, Detail: v.Message}
	}
	u, err := webhook.ParseURL(raw)
	if err != nil {
		return p, err
	}
	began := time.Now()
	conn, err := g.dial(ctx, u)
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
	config := g.transport.TLS.Clone()
	config.ServerName = d.host
	if d.addr.IsValid() {
		config.ServerName = d.addr.String()
	}
	secure := tls.Client(conn, config)
	began = time.Now()
	err = secure.HandshakeContext(ctx)
	p.Handshake = time.Since(began)
	p.Certificates = secure.ConnectionState().PeerCertificates
	var refused *tls.CertificateVerificationError
	if errors.As(err, &refused) {
		p.Certificates = refused.UnverifiedCertificates
	}
	return p, err
}
