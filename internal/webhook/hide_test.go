package webhook_test

import (
	"testing"

	"sealpost/internal/webhook"
)

func TestHideURL(t *testing.T) {
	for url, want := range map[string]string{
		"https://hooks.example.com/services/T0/B0/token":         "https://hooks.example.com/…",
		"https://hooks.example.com?token=a":                      "https://hooks.example.com/…",
		"https://hooks.example.com#token":                        "https://hooks.example.com/…",
		"https://hooks.example.com":                              "https://hooks.example.com/…",
		"https://hooks.example.com/":                             "https://hooks.example.com/…",
		"https://hooks.example.com:8443/a@b":                     "https://hooks.example.com:8443/…",
		"HTTPS://Hooks.Example.com:8443/x":                       "HTTPS://Hooks.Example.com:8443/…",
		"https://user:secret@hooks.example.com/x":                "https://hooks.example.com/…",
		`https://hooks.example.com\token`:                        "https://hooks.example.com/…",
		"http://[2001:db8::1]:8080/token":                        "http://[2001:db8::1]:8080/…",
		"https://hooks.example.com/x?next=https://b.example.com": "https://hooks.example.com/…",
		"mailto:token": "…",
		"":             "…",
	} {
		if got := webhook.HideURL(url); got != want {
			t.Errorf("%s is shown as %s, not %s", url, got, want)
		}
	}
	const text, want = `a redirect to "https://a.example.com/t?x=1", HTTP://b.example.com/u`, `a redirect to "https://a.example.com/…", HTTP://b.example.com/…`
	if got := webhook.HideURLs(text); got != want {
		t.Errorf("shown as %s, not %s", got, want)
	}
}

func TestHideAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"dial tcp 10.1.2.3:443: connect: connection refused":             "dial tcp (address): connect: connection refused",
		"lookup a.example.com on 10.0.0.53:53: no such host":             "lookup a.example.com on (address): no such host",
		"read udp 127.0.0.1:4242->[fd00::53]:53: i/o timeout":            "read udp (address)->(address): i/o timeout",
		"dial tcp [fe80::1%eth0]:443: connect: no route to host":         "dial tcp (address): connect: no route to host",
		"a.example.com resolves to ::ffff:10.1.2.3: private":             "a.example.com resolves to (address): private",
		"a.example.com resolves to fd00::1: the address is private":      "a.example.com resolves to (address): the address is private",
		"every attempt has failed since 2026-01-05T10:20:30.123Z":        "every attempt has failed since 2026-01-05T10:20:30.123Z",
		"timeout: no whole answer within 1m0s":                           "timeout: no whole answer within 1m0s",
		"tls_expired: x509: certificate has expired or is not yet valid": "tls_expired: x509: certificate has expired or is not yet valid",
		"connection_refused: dial tcp 1.2.3.4:443":                       "connection_refused: dial tcp (address)",
		"version 1.2 at 10:20:30":                                        "version 1.2 at 10:20:30",
	} {
		if got := webhook.HideAddresses(text); got != want {
			t.Errorf("%s\nis shown as\n%s, not\n%s", text, got, want)
		}
	}
}
