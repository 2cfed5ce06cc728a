package guard

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func newGuard(t testing.TB, s Settings) *Guard {
	t.Helper()
	g, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func TestJudge(t *testing.T) {
	g := newGuard(t, Settings{})
	for _, test := range []struct {
		url  string
		want Reason
	}{
		{"https://receiver.example.com/hook", ""},
		{"https://receiver.example.com./hook", ""},
		{"HTTPS://Receiver.Example.COM:8443/hook?x=1#f", ""},
		{"https://bücher.example.com/", ""},
		{"https://xn--bcher-kva.example.com/", ""},
		{"", URLSyntax}, {"nonsense", URLSyntax}, {"https://", URLSyntax}, {"https:///path", URLSyntax}, {"//host/path", URLSyntax},
		{"https://exa mple.com/", URLSyntax}, {"https://example.com/\n", URLSyntax}, {`https:\\example.com`, URLSyntax}, {"https:example.com", URLSyntax},
		{"https://" + strings.Repeat("a", 3000) + ".com/", URLSyntax},
		{"http://receiver.example.com/", Scheme}, {"ftp://receiver.example.com/", Scheme}, {"file:///etc/passwd", Scheme}, {"javascript:alert(1)", Scheme},
		{"https://user@receiver.example.com/", Userinfo}, {"https://user:pw@receiver.example.com/", Userinfo}, {"https://@receiver.example.com/", Userinfo},
		{"https://localhost/", Hostname}, {"https://LOCALHOST/", Hostname}, {"https://localhost./", Hostname}, {"https://a.localhost/", Hostname}, {"https://intranet/", Hostname},
		{"https://printer.local/", Hostname}, {"https://db.internal/", Hostname}, {"https://metadata.google.internal/", Hostname}, {"https://-bad-.example.com/", Hostname},
		{"https://a..example.com/", Hostname}, {"https://" + strings.Repeat("a.", 130) + "com/", Hostname}, {"https://" + strings.Repeat("a", 64) + ".com/", Hostname},
		{"https://under_score.example.com/", ""}, {"https://_hooks._tcp.example.com/", ""}, {"https://my_app.example.com:8443/x", ""},
		{"https://qa--site.netlify.app/hook", ""}, {"https://ab--cd.example.com/", ""}, {"https://r3---sn-x.example.com/", ""}, {"https://a-.example.com/", Hostname}, {"https://-a.example.com/", Hostname},
		{"https://a.-example.com/", Hostname}, {"https://example.com-/", Hostname}, {"https://-/", Hostname}, {"https://xn--.example.com/", Hostname}, {"https://xn--a.example.com/", Hostname},
		{"https://exa\ufffdmple.com/", Hostname}, {"https://xn--zn7c.example.com/", Hostname}, {"https://xn--example-zd3f.com/", Hostname}, {"https://a\u2100b.example.com/", Hostname}, {"https://\u2474.example.com/", Hostname},
		{"https://exa!mple.com/", Hostname}, {"https://exa*mple.com/", Hostname}, {"https://*.example.com/", Hostname}, {"https://exa,mple.com/", Hostname},
		{"https://example.com../", Hostname}, {"https://./", Hostname}, {"https://../", Hostname}, {"https://example.com:/x", ""}, {"https://example.com.:/x", ""}, {"https://example.com:443/x", ""},
		{"https://example.com%ff/", URLSyntax}, {"https://%c3%28.example.com/", URLSyntax}, {"https://\xff.example.com/", URLSyntax}, {"https://b%C3%BCcher.example.com/", ""}, {"https://example.com%2Fx/", URLSyntax}, {"https://exam%20ple.com/", URLSyntax},
		{"https://example.com%00/", URLSyntax}, {"https://example.com%40evil.com/", URLSyntax},
		{"https://example.com/a b?c d", ""}, {"https://example.com/100%", ""}, {"https://example.com/%zz?%", ""}, {"https://example.com/#%zz", ""}, {`https://example.com/a\b?\`, ""}, {"https://example.com?x", ""}, {"https://example.com#x", ""},
		{"https://example.com/a\tb", URLSyntax}, {"https://example.com/a\x00b", URLSyntax}, {"https://example.com/?a\r\nb: c", URLSyntax}, {" https://example.com/", URLSyntax}, {"https://example.com/ ", URLSyntax}, {"https://example.com/\u00a0", URLSyntax},
		{`https://example.com\@evil.example.com/`, URLSyntax}, {`https://evil.example.com\.example.com/`, URLSyntax}, {`https:/\example.com/`, URLSyntax}, {`https://example.com:80\@x/`, URLSyntax}, {"https://example.com /", URLSyntax},
		{"https://example.com/://x", ""}, {"/://example.com", URLSyntax}, {"?://example.com", URLSyntax}, {"https://?x", URLSyntax}, {"https://#x", URLSyntax}, {"mailto:a@example.com", Scheme}, {"data:,x", Scheme}, {"localhost:8080", Scheme},
		{"https://receiver.example.com:0/", Port}, {"https://receiver.example.com:65536/", Port}, {"https://receiver.example.com:x/", Port}, {"https://receiver.example.com:22/", Port},
		{"https://receiver.example.com:25/", Port}, {"https://receiver.example.com:6667/", Port}, {"https://receiver.example.com:10080/", Port},
		{"https://93.184.216.34/", IPLiteral}, {"https://[2606:2800:220:1:248:1893:25c8:1946]/", IPLiteral},
		{"https://127.0.0.1/", Loopback}, {"https://127.255.255.254/", Loopback}, {"https://[::1]/", Loopback}, {"https://10.0.0.1/", Private}, {"https://172.31.0.1/", Private},
		{"https://192.168.0.1/", Private}, {"https://169.254.169.254/", Metadata}, {"https://168.63.129.16/", Metadata}, {"https://100.100.100.200/", Metadata}, {"https://[fd00:ec2::254]/", Metadata},
		{"https://169.254.1.1/", LinkLocal}, {"https://[fe80::1]/", LinkLocal}, {"https://100.64.0.1/", CGNAT}, {"https://0.1.2.3/", ThisNetwork}, {"https://0.0.0.0/", Unspecified}, {"https://[::]/", Unspecified},
		{"https://198.18.0.1/", Benchmark}, {"https://192.0.2.1/", Documentation}, {"https://198.51.100.1/", Documentation}, {"https://203.0.113.1/", Documentation}, {"https://[2001:db8::1]/", Documentation}, {"https://[3fff::1]/", Documentation},
		{"https://224.0.0.1/", Multicast}, {"https://[ff02::1]/", Multicast}, {"https://255.255.255.255/", Broadcast}, {"https://240.0.0.1/", Reserved}, {"https://192.0.0.1/", IETFProtocol}, {"https://192.88.99.1/", SixToFourRelay},
		{"https://[fc00::1]/", ULA}, {"https://[fec0::1]/", SiteLocal}, {"https://[64:ff9b::5db8:d822]/", NAT64}, {"https://[64:ff9b:1::5db8:d822]/", NAT64}, {"https://[2002:5db8:d822::1]/", SixToFour},
		{"https://[2001:0:4136:e378:8000:63bf:a247:27dd]/", Teredo}, {"https://[2001:20::1]/", ORCHID}, {"https://[5f00::1]/", SRv6}, {"https://[100::1]/", Discard}, {"https://[::ffff:93.184.216.34]/", IPv4Mapped},
		{"https://[::93.184.216.34]/", IPv4Compat}, {"https://[::ffff:0:93.184.216.34]/", IPv4Translated}, {"https://[4000::1]/", NotGlobal},
		{"https://[::ffff:127.0.0.1]/", Loopback}, {"https://[64:ff9b::a9fe:a9fe]/", Metadata}, {"https://[2002:7f00:1::]/", Loopback},
		{"https://[fe80::1%25eth0]/", Zone},
		{"https://127.1/", IPEncoding}, {"https://2130706433/", IPEncoding}, {"https://0x7f.1/", IPEncoding}, {"https://0x7f000001/", IPEncoding}, {"https://0177.0.0.1/", IPEncoding}, {"https://1.2.3.4.5/", IPEncoding},
		{"https://example.0x7f/", IPEncoding}, {"https://127.0.0.１/", IPEncoding}, {"https://①②⑦.0.0.1/", IPEncoding}, {"https://127。0。0。1/", IPEncoding},
	} {
		if v := g.Judge(test.url); v.Reason != test.want || v.Allowed != (test.want == "") || (v.Message == "") != v.Allowed {
			t.Errorf("%q: %q (%s), not %q", test.url, v.Reason, v.Message, test.want)
		}
	}
}

func TestReasonsHaveMessages(t *testing.T) {
	for _, b := range special {
		if b.reason.Message() == "" {
			t.Errorf("%s has no message", b.reason)
		}
	}
	for _, r := range []Reason{URLSyntax, Scheme, Userinfo, Hostname, Port, IPLiteral, IPEncoding, Zone, DNSNone, DNSError, NotGlobal, Rebind, Redirect} {
		if r.Message() == "" {
			t.Errorf("%s has no message", r)
		}
	}
}

func TestExceptions(t *testing.T) {
	for _, test := range []struct {
		allow string
		http  bool
		url   string
		want  Reason
	}{
		{"127.0.0.1/32", false, "https://127.0.0.1:8443/", ""},
		{"127.0.0.1", false, "https://127.0.0.1:8443/", ""},
		{"127.0.0.1/32:8443", false, "https://127.0.0.1:8443/", ""},
		{"127.0.0.1/32:8443", false, "https://127.0.0.1:8444/", Loopback},
		{"127.0.0.1/32", false, "https://127.0.0.2/", Loopback},
		{"127.0.0.1/32", false, "https://127.0.0.1:22/", Port},
		{"127.0.0.1/32", false, "http://127.0.0.1/", Scheme},
		{"127.0.0.1/32", true, "http://127.0.0.1/", ""},
		{"127.0.0.1/32", true, "http://10.0.0.1/", Scheme},
		{"localhost", true, "http://localhost/", ""},
		{"localhost", false, "http://localhost/", Scheme},
		{"localhost:8443", true, "http://localhost:8443/", ""},
		{"localhost:8443", true, "http://localhost/", Scheme},
		{"hooks.corp.internal", true, "http://other.corp.internal/", Scheme},
		{"*.corp.internal", true, "http://hooks.corp.internal/", ""},
		{"*.corp.internal", false, "https://hooks.corp.internal/", ""},
		{"*.corp.internal", false, "https://a.b.corp.internal/", ""},
		{"*.corp.internal", false, "https://corp.internal/", Hostname},
		{"*.corp.internal", false, "https://xcorp.internal/", Hostname},
		{"*.corp.internal:8443", false, "https://a.corp.internal:8443/", ""},
		{"*.corp.internal:8443", false, "https://a.corp.internal/", Hostname},
		{"*.CORP.internal.", false, "https://A.corp.Internal./", ""},
		{"*.bücher.internal", false, "https://a.xn--bcher-kva.internal/", ""},
		{"my_host", false, "https://my_host/", ""},
		{"localhost", false, "https://localhost:8443/", ""},
		{"LocalHost:8443", false, "https://localhost:8443/", ""},
		{"localhost:8443", false, "https://localhost/", Hostname},
		{"hooks.corp", false, "https://other.corp.local/", Hostname},
		{"::1", false, "https://[::1]/", ""},
		{"[::1]:8443", false, "https://[::1]:8443/", ""},
		{"fd00::/8", false, "https://[fd00::1]/", ""},
		{"10.0.0.0/8", false, "https://user@10.0.0.1/", Userinfo},
		{"10.0.0.0/8", false, "https://10.1/", IPEncoding},
		{"169.254.0.0/16", false, "https://169.254.1.1/", ""},
		{"169.254.0.0/16", false, "https://169.254.169.254/", Metadata},
		{"169.254.169.254/32", false, "https://169.254.169.254/", ""},
		{"10.0.0.0/8", false, "https://[::ffff:10.0.0.1]/", ""},
	} {
		g := newGuard(t, Settings{Allow: []string{test.allow}, AllowHTTP: test.http})
		if v := g.Judge(test.url); v.Reason != test.want {
			t.Errorf("allow %s, %s: %q, not %q", test.allow, test.url, v.Reason, test.want)
		}
		if len(g.Exceptions()) == 0 {
			t.Error("the exception is not listed")
		}
	}
	for _, bad := range []string{"", "nonsense/33", "10.0.0.0/33", "0.0.0.0/0", "::/0", "10.0.0.1:0", "10.0.0.1:99999", "https://x", "a b", "fe80::1%eth0", "127.1", "10.1.2.3/8", "10.1.2.3/8:443", "fd00::1/8", "[fd00::1/8]:443", "10.0.0.1/31", "*", "*.", "*.*.internal", "a.*.internal", "*internal", "*.127.1", "*.10.0.0.0/8", "-a.internal", "a!b.internal", "exa\ufffdmple.internal"} {
		if _, err := New(Settings{Allow: []string{bad}}); err == nil || !strings.Contains(err.Error(), "egress.allow") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []Settings{{Resolver: "nonsense"}, {Resolver: "127.0.0.1"}, {CAFile: "nowhere.pem"}, {CAFile: "policy_test.go"}} {
		if _, err := New(bad); err == nil || !strings.Contains(err.Error(), "egress.") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if g := newGuard(t, Settings{}); g.Exceptions() != nil {
		t.Error("exceptions without settings")
	}
}

// registry are the blocks of the IANA special-purpose registries, written down
// a second time from the registries themselves.
var registry = []string{
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
	"::1/128", "::/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001::/32", "2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:2::/48", "2001:3::/32",
	"2001:4:112::/48", "2001:10::/28", "2001:20::/28", "2001:30::/28", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
}

// TestRegistryNeverPasses draws addresses of the registries, dresses IPv4 ones
// in every IPv6 form there is, and writes hosts in every way that some resolver
// reads as an address.
func TestRegistryNeverPasses(t *testing.T) {
	g := newGuard(t, Settings{})
	rapid.Check(t, func(t *rapid.T) {
		prefix := netip.MustParsePrefix(rapid.SampledFrom(registry).Draw(t, "block"))
		addr := inside(prefix, rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bits"))
		for _, dressed := range dresses(addr) {
			if Classify(dressed) == "" {
				t.Fatalf("%s, which is %s, passes", dressed, addr)
			}
			if dressed.Is6() && Classify(dressed.WithZone("eth0")) == "" {
				t.Fatalf("%s passes with a zone", dressed)
			}
			host := dressed.String()
			if dressed.Is6() {
				host = "[" + host + "]"
			}
			if v := g.Judge("https://" + host + "/"); v.Allowed {
				t.Fatalf("https://%s/ passes", host)
			}
		}
		if addr.Is4() {
			for _, host := range spellings(addr) {
				if v := g.Judge("https://" + host + "/"); v.Allowed {
					t.Fatalf("https://%s/, which is %s, passes", host, addr)
				}
			}
		}
	})
}

// inside puts random bits below a prefix.
func inside(prefix netip.Prefix, bits []byte) netip.Addr {
	raw := prefix.Addr().AsSlice()
	for i := range raw {
		for bit := range 8 {
			if i*8+bit >= prefix.Bits() {
				raw[i] = raw[i]&^(0x80>>bit) | bits[i]&(0x80>>bit)
			}
		}
	}
	addr, _ := netip.AddrFromSlice(raw)
	return addr
}

// dresses are the IPv6 forms of an IPv4 address, and the address itself.
func dresses(addr netip.Addr) []netip.Addr {
	all := []netip.Addr{addr}
	if !addr.Is4() {
		return all
	}
	four := addr.As4()
	add := func(prefix string, at int, invert bool) {
		raw := netip.MustParseAddr(prefix).As16()
		for i, b := range four {
			if invert {
				b = ^b
			}
			raw[at+i] = b
		}
		all = append(all, netip.AddrFrom16(raw))
	}
	add("::ffff:0:0", 12, false)
	add("::", 12, false)
	add("::ffff:0:0:0", 12, false)
	add("64:ff9b::", 12, false)
	add("64:ff9b:1::", 12, false)
	add("2002::", 2, false)
	add("2001::", 12, true) // the client behind Teredo
	add("2001::", 4, false) // the Teredo server
	return all
}

// spellings are ways to write an IPv4 address that some resolver reads.
func spellings(addr netip.Addr) []string {
	b := addr.As4()
	n := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	wide := strings.NewReplacer("0", "０", "1", "１", "2", "２", "3", "３", "4", "４", "5", "５", "6", "６", "7", "７", "8", "８", "9", "９")
	return []string{
		fmt.Sprint(n), fmt.Sprintf("0x%x", n), fmt.Sprintf("0%o", n), fmt.Sprintf("%d.%d", b[0], n&0xffffff), fmt.Sprintf("%d.%d.%d", b[0], b[1], n&0xffff),
		fmt.Sprintf("0x%x.0x%x.0x%x.0x%x", b[0], b[1], b[2], b[3]), fmt.Sprintf("0%o.0%o.0%o.0%o", b[0], b[1], b[2], b[3]), addr.String() + ".",
		wide.Replace(addr.String()), strings.ReplaceAll(addr.String(), ".", "。"),
	}
}

func FuzzJudge(f *testing.F) {
	for _, seed := range []string{"https://example.com/", "http://127.1/", "https://[::1%25a]/", "https://user@x.y/", "https://①.②/", "https://a.b:99999/", "//x", "https://\x00", "https://xn--a.b/"} {
		f.Add(seed)
	}
	strict, err := New(Settings{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		v := strict.judge(raw)
		if !v.Allowed {
			if v.Reason.Message() == "" {
				t.Fatalf("%q is refused for %q, which means nothing", raw, v.Reason)
			}
			return
		}
		lower := strings.ToLower(raw)
		if !strings.HasPrefix(lower, "https://") || strings.ContainsAny(raw, "\x00\n\r\t") || strings.ContainsAny(authority(raw), " \\") {
			t.Fatalf("%q passes", raw)
		}
		d, reason := read(raw)
		if reason != "" || !d.https || d.addr.IsValid() || numeric(d.host) || !publicName(d.host) || blockedPorts[d.port] {
			t.Fatalf("%q passes as %+v (%s)", raw, d, reason)
		}
	})
}
