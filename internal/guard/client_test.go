package guard

import (
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// resolver is a real DNS server on loopback that answers what a test tells it.
type resolver struct {
	addr   string
	answer atomic.Pointer[func(name string) (addrs []string, code dnsmessage.RCode, silent bool)]
	asked  atomic.Pointer[string]
	mute   atomic.Uint32 // the type of question that gets no answer
}

func startResolver(t *testing.T, answer func(name string) ([]string, dnsmessage.RCode, bool)) *resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &resolver{addr: conn.LocalAddr().String()}
	r.answer.Store(&answer)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if reply := r.reply(buffer[:n]); reply != nil {
				_, _ = conn.WriteTo(reply, from)
			}
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return r
}

func (r *resolver) reply(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	name := q.Name.String()
	r.asked.Store(&name)
	addrs, code, silent := (*r.answer.Load())(strings.TrimSuffix(name, "."))
	if silent || uint32(q.Type) == r.mute.Load() {
		return nil
	}
	m.Response, m.RCode, m.RecursionAvailable, m.Additionals = true, code, true, nil
	for _, text := range addrs {
		addr := netip.MustParseAddr(text)
		header := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 0}
		switch {
		case addr.Is4() && q.Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
		case addr.Is6() && q.Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}

func TestCheckResolves(t *testing.T) {
	r := startResolver(t, func(name string) ([]string, dnsmessage.RCode, bool) {
		switch name {
		case "good.example.com":
			return []string{"93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"}, dnsmessage.RCodeSuccess, false
		case "mixed.example.com":
			return []string{"93.184.216.34", "10.0.0.1"}, dnsmessage.RCodeSuccess, false
		case "six.example.com":
			return []string{"64:ff9b::a00:1"}, dnsmessage.RCodeSuccess, false
		case "metadata.example.com":
			return []string{"169.254.169.254"}, dnsmessage.RCodeSuccess, false
		case "empty.example.com":
			return nil, dnsmessage.RCodeSuccess, false
		case "broken.example.com":
			return nil, dnsmessage.RCodeServerFailure, false
		default:
			return nil, dnsmessage.RCodeNameError, false
		}
	})
	g := newGuard(t, Settings{Resolver: r.addr})
	for host, want := range map[string]Reason{
		"good.example.com": "", "mixed.example.com": Private, "six.example.com": Private, "metadata.example.com": Metadata,
		"empty.example.com": DNSNone, "nowhere.example.com": DNSNone, "broken.example.com": DNSError,
	} {
		if v := g.Check(t.Context(), "https://"+host+"/"); v.Reason != want || v.Allowed != (want == "") {
			t.Errorf("%s: %q (%s), not %q", host, v.Reason, v.Message, want)
		}
	}
	if asked := *r.asked.Load(); !strings.HasSuffix(asked, ".example.com.") {
		t.Errorf("a search domain was tried: %s", asked)
	}
	named := newGuard(t, Settings{Resolver: r.addr, Allow: []string{"mixed.example.com", "metadata.example.com"}})
	if v := named.Check(t.Context(), "https://mixed.example.com/"); !v.Allowed {
		t.Errorf("the named host is refused: %s", v.Reason)
	}
	if v := named.Check(t.Context(), "https://metadata.example.com/"); v.Reason != Metadata {
		t.Errorf("a name's exception opens the metadata service: %q", v.Reason)
	}
}

func TestCheckTimesOut(t *testing.T) {
	r := startResolver(t, func(string) ([]string, dnsmessage.RCode, bool) { return nil, 0, true })
	g := newGuard(t, Settings{Resolver: r.addr})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if v := g.Check(ctx, "https://silent.example.com/"); v.Reason != DNSError {
		t.Errorf("%q (%s)", v.Reason, v.Message)
	}
}

// secure starts an HTTPS receiver and returns its port and a file with its
// certificate, which is for example.com and 127.0.0.1.
func secure(t *testing.T, handler http.HandlerFunc) (port, ca string) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return port, ca
}

// doer is a client, or the guard itself.
type doer interface {
	Do(r *http.Request) (*http.Response, error)
}

func post(t *testing.T, client doer, target string) (*http.Response, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

func TestClientDialsWhatItJudged(t *testing.T) {
	port, ca := secure(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	var to atomic.Pointer[string]
	address := "127.0.0.1"
	to.Store(&address)
	r := startResolver(t, func(string) ([]string, dnsmessage.RCode, bool) {
		return []string{*to.Load()}, dnsmessage.RCodeSuccess, false
	})

	allowed := newGuard(t, Settings{Allow: []string{"127.0.0.1/32"}, Resolver: r.addr, CAFile: ca})
	if _, body, err := post(t, allowed, "https://example.com:"+port+"/"); err != nil || body != "hello" {
		t.Fatalf("%q, %v", body, err)
	}
	// The name changes its mind: to an address that no exception covers.
	other := "127.0.0.2"
	to.Store(&other)
	allowed.Close()
	_, _, err := post(t, allowed, "https://example.com:"+port+"/")
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Reason != Rebind || refused.Cause != Loopback || refused.ReasonCode() != "rebind" {
		t.Errorf("%v", err)
	}
	// Without exceptions nothing on loopback is reached, by name or address.
	strict := newGuard(t, Settings{Resolver: r.addr, CAFile: ca})
	for target, want := range map[string]Reason{
		"https://example.com:" + port + "/": Rebind, "https://127.0.0.1:" + port + "/": Loopback, "https://localhost:" + port + "/": Hostname, "http://example.com:" + port + "/": Scheme,
	} {
		for _, client := range []doer{strict} {
			if _, _, err := post(t, client, target); !errors.As(err, &refused) || refused.Reason != want {
				t.Errorf("%s: %v, not %q", target, err, want)
			}
		}
	}
}

func TestOneBadAddressSpoilsTheName(t *testing.T) {
	port, ca := secure(t, func(http.ResponseWriter, *http.Request) { t.Error("the receiver was called") })
	r := startResolver(t, func(string) ([]string, dnsmessage.RCode, bool) {
		return []string{"127.0.0.1", "10.0.0.1"}, dnsmessage.RCodeSuccess, false
	})
	g := newGuard(t, Settings{Allow: []string{"127.0.0.1/32"}, Resolver: r.addr, CAFile: ca})
	_, _, err := post(t, g, "https://example.com:"+port+"/")
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Cause != Private {
		t.Errorf("%v", err)
	}
}

func TestPlainHTTPOnlyToAdmittedAddresses(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	t.Cleanup(server.Close)
	port := server.URL[strings.LastIndexByte(server.URL, ':')+1:]
	r := startResolver(t, func(name string) ([]string, dnsmessage.RCode, bool) {
		if name == "public.example.com" {
			return []string{"93.184.216.34"}, dnsmessage.RCodeSuccess, false
		}
		return []string{"127.0.0.1"}, dnsmessage.RCodeSuccess, false
	})
	g := newGuard(t, Settings{Allow: []string{"127.0.0.1/32"}, AllowHTTP: true, Resolver: r.addr})
	for _, host := range []string{"127.0.0.1", "inside.example.com"} {
		if _, body, err := post(t, g, "http://"+host+":"+port+"/"); err != nil || body != "hello" {
			t.Errorf("%s: %q, %v", host, body, err)
		}
	}
	if v := g.Check(t.Context(), "http://public.example.com/"); v.Reason != Scheme {
		t.Errorf("plain http to a public address: %q", v.Reason)
	}
	var refused *RefusedError
	if _, _, err := post(t, g, "http://public.example.com/"); !errors.As(err, &refused) || refused.Cause != Scheme {
		t.Errorf("plain http to a public address: %v", err)
	}
}

func TestClientFollowsNothing(t *testing.T) {
	var elsewhere atomic.Bool
	port, ca := secure(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			elsewhere.Store(true)
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	g := newGuard(t, Settings{Allow: []string{"127.0.0.1/32"}, CAFile: ca})
	for _, client := range []doer{g} {
		response, _, err := post(t, client, "https://127.0.0.1:"+port+"/")
		if err != nil || response.StatusCode != http.StatusTemporaryRedirect || elsewhere.Load() {
			t.Errorf("%v, followed: %t", err, elsewhere.Load())
		}
	}
}

func TestClientUsesNoProxy(t *testing.T) {
	var proxied atomic.Bool
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Store(true) }))
	t.Cleanup(proxy.Close)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	port, ca := secure(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "direct") })
	g := newGuard(t, Settings{Allow: []string{"127.0.0.1/32"}, CAFile: ca})
	if _, body, err := post(t, g, "https://127.0.0.1:"+port+"/"); err != nil || body != "direct" || proxied.Load() {
		t.Errorf("%q, %v, proxied: %t", body, err, proxied.Load())
	}
}

func TestClientInflatesNothing(t *testing.T) {
	port, ca := secure(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("Accept-Encoding: %s", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write(make([]byte, 10<<20))
		_ = z.Close()
	})
	g := newGuard(t, Settings{Allow: []string{"127.0.0.1/32"}, CAFile: ca})
	if _, body, err := post(t, g, "https://127.0.0.1:"+port+"/"); err != nil || len(body) > 1<<20 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

func TestClientBoundsHeaders(t *testing.T) {
	port, ca := secure(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 200 {
			w.Header().Add("X-Filler", strings.Repeat("x", 1000))
		}
	})
	g := newGuard(t, Settings{Allow: []string{"127.0.0.1/32"}, CAFile: ca})
	if _, _, err := post(t, g, "https://127.0.0.1:"+port+"/"); err == nil {
		t.Error("200 kB of headers were read")
	}
}

func TestClientChecksCertificates(t *testing.T) {
	port, ca := secure(t, func(http.ResponseWriter, *http.Request) { t.Error("the receiver was called") })
	unknown := newGuard(t, Settings{Allow: []string{"127.0.0.1/32"}})
	if _, _, err := post(t, unknown, "https://127.0.0.1:"+port+"/"); err == nil {
		t.Error("an unknown root was taken")
	}
	r := startResolver(t, func(string) ([]string, dnsmessage.RCode, bool) { return []string{"127.0.0.1"}, 0, false })
	wrong := newGuard(t, Settings{Allow: []string{"127.0.0.1/32"}, Resolver: r.addr, CAFile: ca})
	if _, _, err := post(t, wrong, "https://other.example.net:"+port+"/"); err == nil {
		t.Error("a certificate of another name was taken")
	}
}

func TestPinnedStaysHome(t *testing.T) {
	var elsewhere atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Store(true) }))
	t.Cleanup(other.Close)
	home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, other.URL, http.StatusFound)
		}
	}))
	t.Cleanup(home.Close)
	client, err := Pinned(home.URL, PinnedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := post(t, client, home.URL+"/x"); err != nil {
		t.Error(err)
	}
	if response, _, err := post(t, client, home.URL+"/away"); err != nil || response.StatusCode != http.StatusFound {
		t.Errorf("%v", err)
	}
	u, err := url.Parse(home.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{other.URL, "https://" + u.Host, "http://localhost:" + u.Port()} {
		if _, _, err := post(t, client, target); err == nil {
			t.Errorf("%s was called", target)
		}
	}
	if elsewhere.Load() {
		t.Error("the other server was called")
	}
	for _, bad := range []string{"", "nonsense", "ftp://x", "file:///x"} {
		if _, err := Pinned(bad, PinnedOptions{}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
