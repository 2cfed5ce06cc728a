package deliver_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
	"unicode"

	"sealpost/internal/deliver"
	"sealpost/internal/guard"
	"sealpost/internal/webhook"
)

// TestErrorsSteerNoTerminal has a receiver put into its certificate, which
// nobody has to have signed, what would steer a terminal or fill a database.
func TestErrorsSteerNoTerminal(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 1000)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"\x1b[2J\r\x07", long, long, long, long, long}}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nobody calls any more
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
	}()
	g, err := guard.New(guard.Settings{Allow: []string{"127.0.0.1", "localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var last *webhook.Outcome
	_, _ = deliver.Foreground{Client: g, Policy: exact(), Receiver: at("https://localhost:" + port + "/"), Record: func(o *webhook.Outcome) error { last = o; return io.EOF }}.Deliver(t.Context(),
		&webhook.Work{EventID: "e", Type: "a.b", Bytes: []byte("{}")})
	<-done
	if text := last.Attempt.Error; !strings.HasPrefix(text, "tls_wrong_name: ") || len(text) > 1<<10 || strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
		t.Errorf("%d bytes: %q", len(text), text)
	}
}
