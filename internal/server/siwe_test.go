package server_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/server"
)

// TestOneNonceOneSession has eight clients present the same signed message at
// once: one gets a session, seven are told that the nonce is gone.
func TestOneNonceOneSession(t *testing.T) {
	e := newEdge(t, nil)
	body := e.signed("1", nil)
	answers := make([]answer, 8)
	var together sync.WaitGroup
	start := make(chan struct{})
	for i := range answers {
		together.Go(func() {
			<-start
			answers[i] = e.verify(body)
		})
	}
	close(start)
	together.Wait()
	sessions := 0
	for _, got := range answers {
		if got.status == http.StatusOK {
			sessions++
			continue
		}
		e.want("a second verify", got, http.StatusUnauthorized, "UNAUTHORIZED_INVALID_OR_EXPIRED_NONCE")
		if got.header.Get("Set-Cookie") != "" {
			t.Error("a refused sign-in sets a cookie")
		}
	}
	if sessions != 1 {
		t.Errorf("%d sessions", sessions)
	}
}

func TestVerifyRefuses(t *testing.T) {
	e := newEdge(t, nil)
	for name, c := range map[string]struct {
		message func(*access.Message)
		body    func(map[string]any)
		status  int
		code    string
	}{
		"another domain":          {func(m *access.Message) { m.Domain = "evil.example" }, nil, 401, "UNAUTHORIZED_SIWE_MESSAGE_MISMATCH"},
		"another chain":           {func(m *access.Message) { m.ChainID = 5 }, nil, 401, "UNAUTHORIZED_SIWE_MESSAGE_MISMATCH"},
		"an unknown nonce":        {func(m *access.Message) { m.Nonce = "abcdefgh12345678" }, nil, 401, "UNAUTHORIZED_INVALID_OR_EXPIRED_NONCE"},
		"expired":                 {func(m *access.Message) { m.ExpirationTime = access.At(e.time()) }, nil, 401, "UNAUTHORIZED_SIWE_MESSAGE_EXPIRED"},
		"too early":               {func(m *access.Message) { m.NotBefore = access.At(e.time().Add(time.Hour)) }, nil, 401, "UNAUTHORIZED_SIWE_MESSAGE_NOT_YET_VALID"},
		"another's signature":     {func(m *access.Message) { m.Address = access.Address{1} }, nil, 401, "UNAUTHORIZED_INVALID_SIWE_SIGNATURE"},
		"no message":              {nil, func(b map[string]any) { b["message"] = "" }, 400, "VALIDATION_ERROR"},
		"a message of sorts":      {nil, func(b map[string]any) { b["message"] = "let me in" }, 401, "UNAUTHORIZED_SIWE_MESSAGE_MISMATCH"},
		"a carriage return":       {nil, func(b map[string]any) { b["message"] = strings.ReplaceAll(b["message"].(string), "\n", "\r\n") }, 401, "UNAUTHORIZED_SIWE_MESSAGE_MISMATCH"},
		"no signature":            {nil, func(b map[string]any) { delete(b, "signature") }, 400, "VALIDATION_ERROR"},
		"signature a number":      {nil, func(b map[string]any) { b["signature"] = 1 }, 400, "VALIDATION_ERROR"},
		"a short signature":       {nil, func(b map[string]any) { b["signature"] = "0x12" }, 401, "UNAUTHORIZED_INVALID_SIWE_SIGNATURE"},
		"another wallet":          {nil, func(b map[string]any) { b["walletAddress"] = "0x" + strings.Repeat("0", 40) }, 401, "UNAUTHORIZED_SIWE_MESSAGE_MISMATCH"},
		"another chainId":         {nil, func(b map[string]any) { b["chainId"] = 5 }, 401, "UNAUTHORIZED_SIWE_MESSAGE_MISMATCH"},
		"chainId a text":          {nil, func(b map[string]any) { b["chainId"] = "1" }, 400, "VALIDATION_ERROR"},
		"chainId 0":               {nil, func(b map[string]any) { b["chainId"] = 0 }, 400, "VALIDATION_ERROR"},
		"the domain in capitals":  {func(m *access.Message) { m.Domain = strings.ToUpper(domain) }, nil, 401, "UNAUTHORIZED_SIWE_MESSAGE_MISMATCH"},
		"no message, bad chain":   {nil, func(b map[string]any) { b["message"], b["chainId"] = "let me in", -1 }, 400, "VALIDATION_ERROR"},
		"no message, bad wallet":  {nil, func(b map[string]any) { b["message"], b["walletAddress"] = "let me in", "0x12" }, 400, "VALIDATION_ERROR"},
		"no message, bad e-mail":  {nil, func(b map[string]any) { b["message"], b["email"] = "let me in", "nobody" }, 400, "VALIDATION_ERROR"},
		"no message, e-mail null": {nil, func(b map[string]any) { b["message"], b["email"] = "let me in", nil }, 400, "VALIDATION_ERROR"},
		"e-mail empty":            {nil, func(b map[string]any) { b["email"] = "" }, 400, "VALIDATION_ERROR"},
		"wallet a number":         {nil, func(b map[string]any) { b["message"], b["walletAddress"] = "let me in", 5 }, 400, "VALIDATION_ERROR"},
		"no e-mail at all":        {nil, func(b map[string]any) { b["email"] = "nobody" }, 400, "VALIDATION_ERROR"},
		"another's e-mail":        {nil, func(b map[string]any) { b["email"] = "0x" + strings.Repeat("0", 40) + "@" + domain }, 400, "VALIDATION_ERROR"},
	} {
		body := e.signed("1", c.message)
		if c.body != nil {
			c.body(body)
		}
		got := e.verify(body)
		e.want(name, got, c.status, c.code)
		if got.text == "" || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %q, cookie %q", name, got.body, got.header.Get("Set-Cookie"))
		}
	}
	body := e.signed("1", nil)
	e.wait(access.NonceLife)
	e.want("after 15 minutes", e.verify(body), 401, "UNAUTHORIZED_INVALID_OR_EXPIRED_NONCE")
}

func TestBodiesOfSignIn(t *testing.T) {
	e := newEdge(t, nil)
	const nonce = "/api/auth/siwe/nonce"
	const address = "0X52908400098527886E0F7030069857D2E4169EE7"
	for _, fine := range []string{"", "{}", `{"walletAddress":"` + address + `","chainId":1}`, `{"walletAddress":"` + address + `","chainId":1.0}`, `{"address":"` + address + `","more":[1]}`} {
		e.want(fine, e.ask("POST", nonce, fine), 200, "")
	}
	e.want("get-nonce", e.ask("POST", "/api/auth/siwe/get-nonce", "{}"), 200, "")
	e.want("bad JSON", e.ask("POST", nonce, "{\n"), 400, "BAD_REQUEST")
	e.want("a list", e.ask("POST", nonce, "[]"), 400, "BAD_REQUEST")
	for _, bad := range []string{
		`{"walletAddress":1}`, `{"walletAddress":null}`, `{"walletAddress":"0xabc"}`, `{"walletAddress":""}`, `{"address":"` + address[2:] + `"}`, `{"address":"` + address + `0"}`,
		`{"walletAddress":"` + address + `","chainId":0}`, `{"walletAddress":"` + address + `","chainId":-1}`, `{"walletAddress":"` + address + `","chainId":1.5}`,
		`{"walletAddress":"` + address + `","chainId":"1"}`, `{"walletAddress":"` + address + `","chainId":null}`, `{"walletAddress":"` + address + `","chainId":9007199254740993}`,
	} {
		e.want(bad, e.ask("POST", nonce, bad), 400, "VALIDATION_ERROR")
	}
	e.want("text/plain", e.ask("POST", nonce, "{}", "Content-Type", "text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE")
	e.want("too large", e.ask("POST", nonce, `{"a":"`+strings.Repeat("x", 70<<10)+`"}`), 413, "TOO_LARGE")
	e.want("GET", e.ask("GET", nonce, ""), 405, "METHOD_NOT_ALLOWED")
	e.want("elsewhere", e.ask("GET", "/api/auth/nowhere", ""), 404, "NOT_FOUND")
}

// TestNonces asks for many more nonces than are ever used. None is stored, all are good, also
// to a second daemon and after a restart, and one that a wallet asked for is good for that wallet alone.
func TestNonces(t *testing.T) {
	e := newEdge(t, nil)
	count := func() (n int) {
		e.Helper()
		db, err := sql.Open("sqlite", filepath.Join(e.dir, "sealpost.db"))
		e.must(err)
		defer db.Close() //nolint:errcheck // it was only read
		e.must(db.QueryRowContext(e.Context(), `SELECT count(*) FROM used_nonce`).Scan(&n))
		return n
	}
	early := e.signed("1", nil)
	for range 1000 {
		e.want("a nonce", e.ask("POST", "/api/auth/siwe/nonce", "{}"), 200, "")
	}
	if n := count(); n != 0 {
		t.Errorf("%d nonces are stored", n)
	}
	e.users = &access.Service{Store: e.store, Now: e.time, Policy: e.users.Policy}
	e.opts.SignIn = &server.SignIn{Service: e.users, BaseURL: "https://" + domain}
	e.serve(server.New(e.opts)) // another daemon
	bad := e.signed("2", nil)
	bad["signature"] = early["signature"]
	e.want("another's signature", e.verify(bad), 401, "UNAUTHORIZED_INVALID_SIWE_SIGNATURE")
	if n := count(); n != 0 {
		t.Errorf("%d nonces are stored for what was refused", n)
	}
	e.want("the first nonce", e.verify(early), 200, "")
	e.want("the first nonce again", e.verify(early), 401, "UNAUTHORIZED_INVALID_OR_EXPIRED_NONCE")
	if n := count(); n != 1 {
		t.Errorf("%d nonces are stored, not the used one", n)
	}
	asked := func(digit string, chain int) string {
		body := fmt.Sprintf(`{"walletAddress":"%s","chainId":%d}`, wallet(e, digit).Address.Lower(), chain)
		return read[struct{ Nonce string }](e, e.ask("POST", "/api/auth/siwe/nonce", body)).Nonce
	}
	for name, c := range map[string]struct {
		nonce  string
		status int
		code   string
	}{
		"one's own":              {asked("1", 1), 200, ""},
		"another wallet's":       {asked("2", 1), 401, "UNAUTHORIZED_INVALID_OR_EXPIRED_NONCE"},
		"one's own, other chain": {asked("1", 5), 401, "UNAUTHORIZED_INVALID_OR_EXPIRED_NONCE"},
	} {
		body := e.signed("1", func(m *access.Message) { m.Nonce = c.nonce })
		body["walletAddress"], body["chainId"] = wallet(e, "1").Address.String(), 1
		e.want(name, e.verify(body), c.status, c.code)
	}
}

// TestForeignPages has what browsers send for pages of other origins.
func TestForeignPages(t *testing.T) {
	e := newEdge(t, nil)
	cookie, _ := e.found("1", "acme")
	token := e.token("acme", access.Owner)
	const post, webhook, signOut = "POST", "/api/webhook/orders", "/api/auth/organization/has-permission"
	const config, question = `{"url":"https://127.0.0.1:8443/hook"}`, `{"permissions":{"ac":["read"]}}`
	for _, c := range []struct {
		name    string
		headers []string
		foreign bool
	}{
		{"no browser", nil, false},
		{"our own page", []string{"Origin", "https://" + domain, "Sec-Fetch-Site", "same-origin"}, false},
		{"our own page, an old browser", []string{"Origin", "https://" + domain}, false},
		{"the address behind the proxy", []string{"Origin", e.web.URL}, true},
		{"our own page over plain http, whose line may be anybody's", []string{"Host", domain, "Origin", "http://" + domain}, true},
		{"another page", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, true},
		{"another page, an old browser", []string{"Origin", "https://evil.example"}, true},
		{"a page without origin", []string{"Origin", "null"}, true},
		{"cross-site, without Origin", []string{"Sec-Fetch-Site", "cross-site"}, true},
		{"a name that only begins alike", []string{"Origin", "https://" + domain + ".evil.example"}, true},
	} {
		withCookie := append([]string{"Cookie", cookie}, c.headers...)
		status, code, authCode := 0, "", ""
		if c.foreign {
			status, code, authCode = http.StatusForbidden, "no permission", "INVALID_ORIGIN"
		}
		for _, call := range []struct{ method, path, body string }{
			{post, webhook, config}, {"PUT", webhook, config}, {"PATCH", webhook, config}, {post, webhook + "/rotate", `{"now":true}`},
			{post, "/api/event", `{"resource":"a","action":"b","body":{}}`}, {"DELETE", webhook, ""}, {post, signOut, question},
		} {
			got := e.ask(call.method, call.path, call.body, withCookie...)
			want := code
			if strings.HasPrefix(call.path, "/api/auth/") {
				want = authCode
			}
			if c.foreign {
				e.want(c.name+": "+call.method+" "+call.path, got, status, want)
			} else if got.status > 299 {
				t.Errorf("%s: %s %s: %d %s", c.name, call.method, call.path, got.status, got.body)
			}
		}
		e.want(c.name+": reading", e.ask("GET", "/api/webhook", "", withCookie...), 200, "")
		e.want(c.name+": a token", e.ask("GET", "/api/webhook", "", append([]string{"Authorization", token}, c.headers...)...), 200, "")
		if c.foreign {
			e.want(c.name+": sign-in", e.ask(post, "/api/auth/siwe/nonce", "{}", c.headers...), 403, "INVALID_ORIGIN")
		}
	}
}

// TestRateLimit counts nonces and verifies of one client together; whom a
// request comes from is what trusted proxies say and nobody else.
func TestRateLimit(t *testing.T) {
	e := newEdge(t, func(s *server.SignIn) { s.RateLimit, s.TrustedProxies = 3, proxies("127.0.0.0/8") })
	ask := func(forwarded string) answer {
		return e.ask("POST", "/api/auth/siwe/nonce", "{}", "X-Forwarded-For", forwarded)
	}
	for range 2 {
		e.want("one", ask("203.0.113.7"), 200, "")
	}
	e.want("verify counts too", e.ask("POST", "/api/auth/siwe/verify", "{}", "X-Forwarded-For", "203.0.113.7"), 400, "VALIDATION_ERROR")
	got := ask("203.0.113.7")
	e.want("the fourth", got, 429, "TOO_MANY_REQUESTS")
	if got.header.Get("Retry-After") != "60" {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
	e.want("what a client claims", ask("198.51.100.1, 203.0.113.7"), 429, "TOO_MANY_REQUESTS")
	e.want("another client", ask("203.0.113.8"), 200, "")
	e.wait(time.Minute)
	e.want("a minute later", ask("203.0.113.7"), 200, "")

	open := newEdge(t, func(s *server.SignIn) { s.RateLimit = 1 })
	open.want("one", open.ask("POST", "/api/auth/siwe/nonce", "{}", "X-Forwarded-For", "203.0.113.7"), 200, "")
	open.want("no proxy is trusted", open.ask("POST", "/api/auth/siwe/nonce", "{}", "X-Forwarded-For", "203.0.113.8"), 429, "TOO_MANY_REQUESTS")
}

func TestClientAddress(t *testing.T) {
	trusted := proxies("10.0.0.0/8", "fd00::/8")
	for _, c := range []struct {
		peer      string
		forwarded []string
		want      string
	}{
		{"203.0.113.7:1234", nil, "203.0.113.7"},
		{"203.0.113.7:1234", []string{"198.51.100.1"}, "203.0.113.7"},
		{"10.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"[::ffff:10.0.0.1]:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"10.0.0.1:1", []string{"6.6.6.6, 198.51.100.1, 10.2.2.2"}, "198.51.100.1"},
		{"10.0.0.1:1", []string{"6.6.6.6", "198.51.100.1"}, "198.51.100.1"},
		{"10.0.0.1:1", []string{"198.51.100.1:99"}, "198.51.100.1"},
		{"10.0.0.1:1", []string{"[2001:db8::1]:99"}, "2001:db8::1"},
		{"[fd00::1]:1", []string{"2001:db8::1"}, "2001:db8::1"},
		{"10.0.0.1:1", []string{"unknown"}, "10.0.0.1"},
		{"10.0.0.1:1", []string{"6.6.6.6, nonsense, 10.3.3.3"}, "10.3.3.3"},
		{"10.0.0.1:1", []string{"10.4.4.4"}, "10.4.4.4"},
		{"10.0.0.1:1", nil, "10.0.0.1"},
	} {
		if got := server.ClientAddress(c.peer, c.forwarded, trusted); got != netip.MustParseAddr(c.want) {
			t.Errorf("%s with %q: %s, not %s", c.peer, c.forwarded, got, c.want)
		}
	}
	if server.ClientAddress("@", []string{"1.2.3.4"}, trusted).IsValid() {
		t.Error("a peer without address has one")
	}
}

// FuzzClientAddress holds what nobody may talk the server out of: a peer that
// is no trusted proxy is the client, whatever it sends, and behind a proxy the
// client is one of those that were named, or the peer.
func FuzzClientAddress(f *testing.F) {
	f.Add("203.0.113.7:1", "198.51.100.1")
	f.Add("10.0.0.1:1", "6.6.6.6, 198.51.100.1:80,10.2.2.2")
	f.Add("[fd00::1%eth0]:1", "[2001:db8::1]:99, ::ffff:10.0.0.1")
	f.Add("@", ",,unknown, \"[::1]\"")
	trusted := proxies("10.0.0.0/8", "fd00::/8")
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		direct := server.ClientAddress(peer, nil, trusted)
		got := server.ClientAddress(peer, []string{forwarded}, trusted)
		if got.Zone() != "" || got.Is4In6() {
			t.Errorf("%s is not in its plain form", got)
		}
		if got == direct {
			return
		}
		if !trusted[0].Contains(direct) && !trusted[1].Contains(direct) {
			t.Errorf("%q is no proxy, and %q made it %s", peer, forwarded, got)
		}
		if !got.IsValid() {
			t.Errorf("%q behind %q has no address any more", forwarded, peer)
		}
	})
}
