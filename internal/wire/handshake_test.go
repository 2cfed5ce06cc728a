package wire_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
)

// hangUp ends a connection with a reset.
func hangUp(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

// TestAlertThatComesWithAReset is told as the alert: it says why the receiver hung up.
func TestAlertThatComesWithAReset(t *testing.T) {
	refusal := []byte{21, 3, 3, 0, 2, 2, 40} // fatal, handshake_failure
	for name, say := range map[string]func(c net.Conn, in *bufio.Reader){
		"after the first byte": func(c net.Conn, in *bufio.Reader) { _, _ = in.ReadByte(); _, _ = c.Write(refusal); hangUp(c) },
		"and an orderly end":   func(c net.Conn, _ *bufio.Reader) { _, _ = c.Write(refusal); _ = c.Close() },
	} {
		to := newReceiver(t, func(_ *receiver, _ int64, c net.Conn, in *bufio.Reader) { say(c, in) })
		w := transport(t)
		for range 20 {
			_, _, err := exchange(w, post(t.Context(), strings.Replace(to.url, "http://", "https://", 1), "{}"))
			if err == nil || !strings.Contains(err.Error(), "remote error: tls: handshake failure") {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

// TestAlertAfterTheHandshake has a receiver that wants a certificate say so when the client takes
// the handshake for done, and hang up on what the client has written by then.
func TestAlertAfterTheHandshake(t *testing.T) {
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	defer web.Close()
	to := newReceiver(t, func(_ *receiver, _ int64, c net.Conn, _ *bufio.Reader) {
		secure := tls.Server(c, &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAnyClientCert})
		_ = secure.Handshake() // fails, and says why
		hangUp(c)
	})
	w := transport(t)
	w.TLS.RootCAs = x509.NewCertPool()
	w.TLS.RootCAs.AddCert(web.Certificate())
	for _, size := range []int{2, 1 << 20} {
		for range 10 {
			_, _, err := exchange(w, post(t.Context(), strings.Replace(to.url, "http://", "https://", 1), strings.Repeat("x", size)))
			if err == nil || !strings.Contains(err.Error(), "remote error: tls: certificate required") {
				t.Fatalf("%d bytes: %v", size, err)
			}
		}
	}
}

// TestResetWithoutAnAlert stays what it is.
func TestResetWithoutAnAlert(t *testing.T) {
	to := newReceiver(t, func(_ *receiver, _ int64, c net.Conn, in *bufio.Reader) {
		_, _ = io.CopyN(io.Discard, in, 1)
		hangUp(c)
	})
	w := transport(t)
	_, _, err := exchange(w, post(t.Context(), strings.Replace(to.url, "http://", "https://", 1), "{}"))
	if err == nil || !strings.Contains(err.Error(), "reset") && !strings.Contains(err.Error(), "pipe") {
		t.Error(err)
	}
}
