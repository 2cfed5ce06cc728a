package guard

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// TestCuresForOldReceivers tries what the pages advise for receivers that know RSA key
// exchange alone, and for machines on the way that drop a large ClientHello.
func TestCuresForOldReceivers(t *testing.T) {
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	web.TLS = &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}
	web.StartTLS()
	defer web.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for cure, works := range map[string]bool{"": false, "tlsrsakex=1": true} {
		t.Setenv("GODEBUG", cure)
		g := newGuard(t, Settings{Allow: []string{"127.0.0.1/32"}, CAFile: ca})
		if _, _, err := post(t, g, web.URL+"/"); (err == nil) != works {
			t.Errorf("RSA alone, GODEBUG=%s: %v", cure, err)
		}
	}
	sizes := map[string]int{}
	for _, cure := range []string{"", "tlsmlkem=0"} {
		t.Setenv("GODEBUG", cure)
		one, other := net.Pipe()
		hello := make(chan int)
		go func() {
			b := make([]byte, 1<<14)
			n, _ := other.Read(b)
			_ = other.Close()
			hello <- n
		}()
		g := newGuard(t, Settings{})
		config := g.transport.TLS.Clone()
		config.ServerName = "receiver.example.com"
		_ = tls.Client(one, config).Handshake() // nobody answers
		sizes[cure] = <-hello
	}
	if sizes[""] < 1400 || sizes["tlsmlkem=0"] > 600 {
		t.Errorf("a ClientHello is %d bytes, %d with the cure", sizes[""], sizes["tlsmlkem=0"])
	}
}
