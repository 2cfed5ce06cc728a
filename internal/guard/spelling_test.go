package guard

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"sealpost/internal/webhook"
)

// TestOneNameForAll has a name judged, dialled, proven by its certificate and
// told to the receiver in the same form, however the URL spells it.
func TestOneNameForAll(t *testing.T) {
	port, ca := secure(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) })
	r := startResolver(t, func(string) ([]string, dnsmessage.RCode, bool) {
		return []string{"127.0.0.1"}, dnsmessage.RCodeSuccess, false
	})
	g := newGuard(t, Settings{Allow: []string{"127.0.0.1/32"}, Resolver: r.addr, CAFile: ca})
	for _, host := range []string{"example.com", "ｅxample.com", "example。com", "exam\u00adple.com", "ｅxample.com."} {
		if v := g.Check(t.Context(), "https://"+host+":"+port+"/"); !v.Allowed {
			t.Errorf("%s: %s", host, v.Message)
		}
		for _, client := range []doer{g} {
			if _, said, err := post(t, client, "https://"+host+":"+port+"/"); err != nil || said != "example.com:"+port {
				t.Errorf("%s is told %q, %v", host, said, err)
			}
		}
	}
}

// TestStoredMeansCallable: no URL is good when it is stored and bad whenever
// it is called, where it is written as url.URL writes it.
func TestStoredMeansCallable(t *testing.T) {
	g := newGuard(t, Settings{})
	for _, raw := range []string{
		"https://a.example.com/" + strings.Repeat("ü", 500), "https://a.example.com/" + strings.Repeat("ü", 1000),
		"https://a.example.com/?" + strings.Repeat("x", 2020), "https://bücher.example.com/%2F?ü=%zz#ü", "https://a.example.com/%zz%?\\ x", "https://a.example.com:/#" + strings.Repeat("ü", 500), "https://a.example.com/" + strings.Repeat("{", 700),
	} {
		u, err := webhook.ParseURL(raw)
		if err != nil {
			t.Fatal(err)
		}
		if stored, called := g.Judge(raw), g.Judge(called(u)); stored.Reason != called.Reason {
			t.Errorf("%.60s: %q when stored, %q when called", raw, stored.Reason, called.Reason)
		}
	}
}

// TestVerdictsStaySmall: what is too long to be a URL is not kept.
func TestVerdictsStaySmall(t *testing.T) {
	g := newGuard(t, Settings{})
	g.Judge("https://a.example.com/" + strings.Repeat("x", MaxURL))
	g.Judge("https://a.example.com/")
	if len(g.judged) != 1 {
		t.Errorf("%d verdicts are kept, not 1", len(g.judged))
	}
}
