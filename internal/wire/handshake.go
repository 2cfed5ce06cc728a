package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
)

// Shake speaks TLS on a connection, for a server of that name. The connection of
// the result tells of the certificates also where there is an error. When the other side
// hangs up with an alert, the error is the alert, which says why.
func Shake(ctx context.Context, raw net.Conn, config *tls.Config, name string) (*tls.Conn, error) {
	config = config.Clone()
	config.ServerName = name
	config.NextProtos = []string{"http/1.1"}
	p := &patient{Conn: raw}
	secure := tls.Client(p, config)
	err := secure.HandshakeContext(ctx)
	if failed := p.failed.Load(); failed != nil && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		err = *failed // nothing else was to be read
	}
	p.over.Store(true)
	return secure, err
}

// patient is a connection on which a write that fails, since the other side has hung
// up, ends nothing while hands are shaken. An alert that came before the reset
// is still to be read then, and TLS reads next.
type patient struct {
	net.Conn
	over   atomic.Bool
	failed atomic.Pointer[error]
}

func (p *patient) Write(b []byte) (int, error) {
	n, err := p.Conn.Write(b)
	if err == nil || p.over.Load() || !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		return n, err
	}
	p.failed.CompareAndSwap(nil, &err)
	return len(b), nil
}

// alerted reports whether an error is an alert of the other side.
func alerted(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}
