package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// badSecrecy are ways in which a receiver is not whom it should be, or says so
// badly, and the code under which attempts are told of.
var badSecrecy = map[string]struct {
	present func(good, other *authority) (*tls.Config, error)
	raw     func(net.Conn) // speaks before TLS could
	code    string
}{
	"expired":   {serving("127.0.0.1", -time.Hour), nil, "tls_expired"},
	"wrongname": {serving("other.example.com", time.Hour), nil, "tls_wrong_name"},
	"wrongip":   {serving("127.0.0.9", time.Hour), nil, "tls_wrong_name"},
	"unknown":   {func(_, other *authority) (*tls.Config, error) { return serving("127.0.0.1", time.Hour)(other, nil) }, nil, "tls_unknown_authority"},
	"oldtls": {func(good, _ *authority) (*tls.Config, error) {
		config, err := serving("127.0.0.1", time.Hour)(good, nil)
		if err == nil {
			config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}
		return config, err
	}, nil, "tls_error"},
	"wantsours": {func(good, _ *authority) (*tls.Config, error) {
		config, err := serving("127.0.0.1", time.Hour)(good, nil)
		if err == nil {
			config.ClientAuth = tls.RequireAnyClientCert
		}
		return config, err
	}, nil, "tls_error"},
	"plain": {nil, func(c net.Conn) {
		_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
		_ = c.Close()
	}, "tls_error"},
	"mute": {nil, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, "timeout"},
	"hangup": {nil, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096)) // what is left unread would make it a reset
		_ = c.Close()
	}, "connection_closed"},
}

// authority issues certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "chaos"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &authority{certificate, key}, err
}

// serving presents a certificate of the good authority for a name or an address.
func serving(subject string, valid time.Duration) func(good, other *authority) (*tls.Config, error) {
	return func(good, _ *authority) (*tls.Config, error) {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: subject}, NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(valid),
			DNSNames: []string{subject}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		if ip := net.ParseIP(subject); ip != nil {
			template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
		}
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		der, err := x509.CreateCertificate(rand.Reader, template, good.certificate, key.Public(), good.key)
		return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, err
	}
}

func secrecyNames() (list []string) {
	for name := range badSecrecy {
		list = append(list, name)
	}
	return list
}

// secrecy sends events to receivers that can't prove who they are, and then can.
func secrecy(ctx context.Context, w *world) error {
	good, err := newAuthority()
	if err != nil {
		return err
	}
	other, err := newAuthority()
	if err != nil {
		return err
	}
	roots := filepath.Join(w.folder, "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: good.certificate.Raw}), 0o600); err != nil {
		return err
	}
	w.env = append(w.env, "SEALPOST_EGRESS_CA_FILE="+roots)
	proves := make(map[string]*atomic.Bool)
	for name, bad := range badSecrecy {
		proves[name] = new(atomic.Bool)
		right, err := serving("127.0.0.1", time.Hour)(good, nil)
		if err != nil {
			return err
		}
		wrong := right
		if bad.present != nil {
			if wrong, err = bad.present(good, other); err != nil {
				return err
			}
		}
		web := httptest.NewUnstartedServer(w.receiver)
		web.Listener = &rude{Listener: web.Listener, speak: bad.raw, polite: proves[name]}
		web.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of each handshake that fails
		web.TLS = right
		web.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			if proves[name].Load() {
				return nil, nil
			}
			return wrong, nil
		}
		web.StartTLS()
		defer web.Close()
		if err := w.json(ctx, nil, "webhook", "update", name, "--url", web.URL+"/"+name); err != nil {
			return err
		}
	}
	if err := w.start(ctx); err != nil {
		return err
	}
	if n := w.client.many(eventsOfEach); n != eventsOfEach {
		return fmt.Errorf("only %d of %d events were taken", n, eventsOfEach)
	}
	if err := relent(ctx, w, badSecrecy, func(name string) { proves[name].Store(true) }); err != nil {
		return err
	}
	faults := []error{w.rest(ctx)}
	for name, bad := range badSecrecy {
		faults = append(faults, w.expect(name, bad.code, "delivered"))
		if n := w.receiver.count(name); n != eventsOfEach {
			faults = append(faults, fmt.Errorf("%s got %d requests for %d events", name, n, eventsOfEach))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return end(ctx, w)
}

// rude is a listener that speaks to whoever comes, and does not hand them on,
// until it is polite.
type rude struct {
	net.Listener
	speak  func(net.Conn)
	polite *atomic.Bool
}

// Accept implements [net.Listener].
func (r *rude) Accept() (net.Conn, error) {
	for {
		conn, err := r.Listener.Accept()
		if err != nil || r.speak == nil || r.polite.Load() {
			return conn, err
		}
		go r.speak(conn) // until the other side has had enough
	}
}
