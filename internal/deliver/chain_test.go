package deliver_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/guard"
	"sealpost/internal/webhook"
)

// issued is a certificate and its key.
type issued struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

// issue makes a certificate that by signs, or one that signs itself.
func issue(t *testing.T, name string, authority bool, by *issued) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<40))
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: authority}
	if !authority {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	if by == nil {
		by = &issued{template, key}
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, by.Certificate, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &issued{made, key}
}

// TestUnknownAuthoritySaysWhy has receivers whose certificates nobody vouches for: the error
// names the cause, which decides who has to do what.
func TestUnknownAuthoritySaysWhy(t *testing.T) {
	root := issue(t, "Root One", true, nil)
	middle := issue(t, "Middle Two", true, root)
	below := issue(t, "Below Three", true, middle)
	leaf, deep, own := issue(t, "leaf", false, middle), issue(t, "deep", false, below), issue(t, "Own Self", false, nil)
	other := issue(t, "Other Root", true, nil)
	long := issue(t, strings.Repeat("x\x1b[2J", 200), false, nil)
	for _, c := range []struct {
		name   string
		trust  *issued
		sent   []*issued
		code   string
		says   string
		unsaid string
	}{
		{"whole", root, []*issued{leaf, middle}, "", "", ""},
		{"the intermediate is missing", root, []*issued{leaf}, "tls_unknown_authority: ", "without the intermediate certificate of its issuer, CN=Middle Two; it has to send the whole chain", "signed by itself"},
		{"one of two intermediates is missing", root, []*issued{deep, below}, "tls_unknown_authority: ", "ends at a certificate by CN=Middle Two, which it did not send", "signed by itself"},
		{"another intermediate was sent", root, []*issued{leaf, below}, "tls_unknown_authority: ", "without the intermediate certificate of its issuer, CN=Middle Two", ""},
		{"nobody trusts the root", other, []*issued{leaf, middle, root}, "tls_unknown_authority: ", "comes from CN=Root One, which this machine does not trust", "intermediate"},
		{"it signs itself", other, []*issued{own}, "tls_unknown_authority: ", "CN=Own Self is signed by itself", "intermediate"},
		{"a long name", other, []*issued{long}, "tls_unknown_authority: ", "signed by itself", "\x1b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			web := httptest.NewUnstartedServer(nil)
			chain := tls.Certificate{PrivateKey: c.sent[0].key}
			for _, s := range c.sent {
				chain.Certificate = append(chain.Certificate, s.Raw)
			}
			web.TLS = &tls.Config{Certificates: []tls.Certificate{chain}, MinVersion: tls.VersionTLS12}
			web.StartTLS()
			defer web.Close()
			ca := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.trust.Raw}), 0o600); err != nil {
				t.Fatal(err)
			}
			g, err := guard.New(guard.Settings{Allow: []string{"127.0.0.1"}, CAFile: ca})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			var last *webhook.Outcome
			_, _ = deliver.Foreground{Client: g, Policy: exact(), Receiver: at(web.URL), Record: func(o *webhook.Outcome) error { last = o; return io.EOF }}.Deliver(t.Context(),
				&webhook.Work{EventID: "e", Type: "a.b", Bytes: []byte("{}")})
			text := last.Attempt.Error
			if !strings.HasPrefix(text, c.code) || !strings.Contains(text, c.says) || c.unsaid != "" && strings.Contains(text, c.unsaid) || len(text) > 1<<10 || (c.code == "") != (text == "") {
				t.Errorf("%q", text)
			}
		})
	}
}
