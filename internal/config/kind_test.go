package config

import (
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestValues holds each kind to what it lets in, at its edges, and to what it
// says of the rest.
func TestValues(t *testing.T) {
	for _, test := range []struct{ key, good, bad, says string }{
		{"quiet", "true false 1 0", "yes,no,2,", "is not true or false"},
		{"output", "table json jsonl", "JSON,xml,", "is not one of table, json, jsonl"},
		{"log.level", "debug info warn error INFO", "loud,info+1,", "is not one of debug, info, warn, error"},
		{"retry.attempts", "0 20 100", "-1,101,2.5,many,0x10,9999999999999999999", "is not a whole number from 0 to 100"},
		{"retry.factor", "1 1.5 10 1e1", "0.99,10.1,NaN,Inf,two,", "is not a number from 1 to 10"},
		{"retry.jitter", "0 0.1", "0.11,-0.1", "is not a number from 0 to 0.1"},
		{"retry.base", "1ms 500ms 24h 1d", "0s,999us,25h,5,-1s,NaNd,", "is not a time from 1ms to 1d, such as"},
		{"delivery.shutdown_grace", "0s 0 10m", "-1s,11m", "is not a time from 0s to 10m, such as"},
		{"publish.max_body", "1024 1024B 1KiB 1MiB 16MiB", "1023,17MiB,1MB,1GiB,KiB,-1KiB,18014398509481985KiB,", "is not a size from 1024 to 16777216 bytes"},
		{"listen", "127.0.0.1:0 :8787 [::1]:65535 localhost:80", "8787,localhost,::1:80,a:http,a:65536,a:-1,", "is not host:port"},
		{"metrics.listen", "off 127.0.0.1:9464", "on,9464", "is not off or host:port"},
		{"egress.resolver", "192.0.2.53:53 [2001:db8::53]:53", "192.0.2.53,dns.example.com:53,192.0.2.53:0", "is not IP:port"},
		{"server", "https://hooks.example.com http://127.0.0.1:8787/below", "hooks.example.com,ftp://a.example,https://u@a.example,https://a.example?x,https://a.example#,https://:80", "is not an http or https URL without user"},
		{"auth.siwe.domain", "app.example.com localhost:3000 [::1]:3000", "https://app.example.com,a/b,u@a,a b,a:b,a?b", "is not a host name with or without a port"},
		{"organization", "acme org-1", ",  ", "is not a text of at least one character"},
		{"database", "a.db /x/y", "a\x00b,a\nb", "is not a text without control characters"},
		{"database", "./postgres://x postgres postgres.db C:/x.db C:\\x.db /var/lib/a:b/x.db a:b.db @x file.db", "postgres://u:p@host/db,postgresql://host,POSTGRES://host/db,mysql://host/db,sqlite://x.db,sqlite:x.db,file:x.db,http://host/x,postgres:/host/db," +
			"foo+bar://x, postgres://x,postgres:,host=db user=u password=p,user=u dbname=x,u:p@tcp(host)/db,jdbc:postgresql://host/db", "is no path of a file"},
		{"trusted_proxies", "10.0.0.0/8 10.1.2.3/32", "10.1.2.3/8,fd00::1/8,::ffff:10.1.2.3/104,10.0.0.1/31", "which is an address and the length of a network"},
		{"trusted_proxies", "10.0.0.0/8 192.0.2.7 2001:db8::/32 ::ffff:10.0.0.0/104", "10.0.0.0/33,proxy,fe80::1%eth0,::ffff:0.0.0.0/90", "which is neither a CIDR nor an address"},
		{"receipts.await", "transaction.created", "transaction,transaction.*,Transaction.created", "which is not RESOURCE.ACTION"},
		{"egress.allow", "10.0.0.0/8 hooks.corp", "a\x00", "is not a list of texts"},
		{"token", "x abc.def", "two\nlines,nul\x00", "is not a text of one line"},
		{"receipts.rpc_url", "https://node.example.com/key http://127.0.0.1:8545 https://u:p@n.example", "node.example.com,ws://node.example.com", "is not an http or https URL"},
	} {
		s, found := lookup(test.key)
		if !found {
			t.Fatalf("no setting %s", test.key)
		}
		for _, value := range strings.Fields(test.good) {
			if err := s.kind.read(&Config{}, value); err != nil {
				t.Errorf("%s: %q %v", test.key, value, err)
			}
		}
		for _, value := range strings.Split(test.bad, ",") {
			if err := s.kind.read(&Config{}, value); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: %q passes or fails with %v, not %q", test.key, value, err, test.says)
			}
		}
	}
}

// TestReadings holds what values turn into.
func TestReadings(t *testing.T) {
	c := load(t, Sources{Flags: map[string]string{
		"trusted_proxies": "10.0.0.0/8, 192.0.2.7 ,::ffff:198.51.100.0/120,2001:db8::/32,", "egress.allow": " a.corp,, 10.0.0.0/8:443 ", "publish.max_body": "2MiB",
		"delivery.timeout": "1m30s", "delivery.disable_after": "1.5d", "log.level": "warn", "metrics.listen": "off", "retry.attempts": "0",
	}})
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	if !slices.Equal(c.TrustedProxies, proxies) {
		t.Errorf("proxies %v", c.TrustedProxies)
	}
	if !slices.Equal(c.Egress.Allow, []string{"a.corp", "10.0.0.0/8:443"}) {
		t.Errorf("exceptions %q", c.Egress.Allow)
	}
	if c.Publish.MaxBody != 2<<20 || c.Delivery.Timeout != 90*time.Second || c.Delivery.DisableAfter != 36*time.Hour || c.Log.Level != slog.LevelWarn || c.Metrics.Listen != "" || c.Retry.Attempts != 0 {
		t.Errorf("%+v", c)
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5d": 5 * day, "0d": 0, "1.5d": 36 * time.Hour, "1d12h": 36 * time.Hour, "1d1h1m1s": 25*time.Hour + 61*time.Second, "36500d": 36500 * day,
		"90s": 90 * time.Second, "-1s": -time.Second, "0": 0, "1.5h": 90 * time.Minute,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q is %v (%v), not %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "5", "5 d", "-1d", "36501d", "NaNd", "Infd", "1e400d", "1d-1h", "1d+1h", "1d1", "1d1d", "1d 1h", "h", "36500d2562047h"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q passes as %v", text, got)
		}
	}
}

// TestSpelledDurations holds that what errors show can be given back.
func TestSpelledDurations(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", time.Millisecond: "1ms", 10 * time.Minute: "10m", time.Hour: "1h", 90 * time.Minute: "1h30m", day: "1d", 36 * time.Hour: "36h", 3650 * day: "3650d"} {
		if got := spell(d); got != want {
			t.Errorf("%v is spelt %q, not %q", d, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(36500*day)).Draw(t, "d"))
		if got, err := ParseDuration(spell(d)); err != nil || got != d {
			t.Fatalf("%v is spelt %q, which reads as %v (%v)", d, spell(d), got, err)
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"5d", "1d12h", "1.5d", "500ms", "NaNd", "-1d", "1d-1h", "0x1p10d", "36500d2562047h47m16s", "1d1d", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err == nil && strings.Contains(text, "d") && d < 0 {
			t.Errorf("%q is %v", text, d)
		}
	})
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{
		"egress.alow": "egress.allow", "retry.max-delay": "retry.max_delay", "listn": "listen", "colour": "color", "org": "organization",
		"max_body": "publish.max_body", "tls.cert": "tls.cert_file", "organisation": "organization", "log.levels": "log.level",
		"nothing.like.it": "", "xy": "", "": "",
	} {
		if got := nearest(word, keys()); got != want {
			t.Errorf("%q leads to %q, not %q", word, got, want)
		}
	}
}
