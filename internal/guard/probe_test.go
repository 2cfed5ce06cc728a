package guard_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"encoding/pem"

	"sealpost/internal/guard"
)

// certificate makes one that signs itself, for 127.0.0.1 or another name.
func certificate(t *testing.T, name string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: until.Add(-24 * time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, DNSNames: []string{name}}
	if ip := net.ParseIP(name); ip != nil {
		of.DNSNames, of.IPAddresses = nil, []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestProbe shakes hands with receivers whose certificates are good, ended,
// another's and nobody's: what was presented is shown in each case.
func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name, subject string
		until         time.Duration
		trusted       bool
		want          any // what the error is; nil for none
	}{
		{"good", "127.0.0.1", time.Hour, true, nil},
		{"ended", "127.0.0.1", -time.Hour, true, new(x509.CertificateInvalidError)},
		{"another's", "other.example.com", time.Hour, true, new(x509.HostnameError)},
		{"nobody's", "127.0.0.1", time.Hour, false, new(x509.UnknownAuthorityError)},
	} {
		t.Run(c.name, func(t *testing.T) {
			made := certificate(t, c.subject, time.Now().Add(c.until))
			web := httptest.NewUnstartedServer(nil)
			web.TLS = &tls.Config{Certificates: []tls.Certificate{made}, MinVersion: tls.VersionTLS12}
			web.StartTLS()
			defer web.Close()
			settings := guard.Settings{Allow: []string{"127.0.0.1/32"}}
			if c.trusted {
				settings.CAFile = filepath.Join(t.TempDir(), "ca.pem")
				if err := os.WriteFile(settings.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate[0]}), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			g, err := guard.New(settings)
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			p, err := g.Probe(t.Context(), web.URL+"/hook")
			if c.want == nil && err != nil || c.want != nil && !errors.As(err, c.want) {
				t.Errorf("%v, not %T", err, c.want)
			}
			if len(p.Certificates) != 1 || p.Certificates[0].Subject.CommonName != c.subject || !p.Addr.IsValid() {
				t.Errorf("%+v", p)
			}
		})
	}
}

// TestProbeAsksThePolicy connects nowhere that a delivery would not.
func TestProbeAsksThePolicy(t *testing.T) {
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	g, err := guard.New(guard.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	var refused *guard.RefusedError
	if p, err := g.Probe(t.Context(), web.URL); !errors.As(err, &refused) || p.Addr.IsValid() {
		t.Errorf("%+v %v", p, err)
	}
}
