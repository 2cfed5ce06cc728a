package server_test

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"sealpost/internal/access"
	"sealpost/internal/admin"
	"sealpost/internal/guard"
	"sealpost/internal/server"
	"sealpost/internal/webhook"
)

// insideResolver answers every name with an inside address, once so many names have been asked
// for.
func insideResolver(t *testing.T, names int) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		asked, kept := map[string]bool{}, []func(){}
		for {
			query := make([]byte, 512)
			n, from, err := conn.ReadFrom(query)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(query[:n]) != nil {
				continue
			}
			q := m.Questions[0]
			asked[q.Name.String()] = true
			m.Response, m.Additionals = true, nil
			if q.Type == dnsmessage.TypeA {
				header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}
				m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: [4]byte{10, 1, 2, 3}}}}
			}
			reply, err := m.Pack()
			if err != nil {
				t.Error(err)
			}
			if kept = append(kept, func() { _, _ = conn.WriteTo(reply, from) }); len(asked) == names {
				for _, answer := range kept {
					answer()
				}
				kept = nil
			}
		}
	}()
	return conn.LocalAddr().String()
}

// TestRefusalsNameTheReasonOnly has URLs whose names lead inside. Neither the
// inside address nor the resolver's reaches the client; the log has it. The names
// are looked up side by side: the resolver answers none before all are asked for.
func TestRefusalsNameTheReasonOnly(t *testing.T) {
	e := newEdge(t, nil)
	owner := e.token("acme", access.Owner)
	e.want("a webhook", e.ask("POST", "/api/webhook/there", `{"url":"https://127.0.0.1:8443/hook"}`, "Authorization", owner), 201, "")
	for _, c := range []struct{ method, path string }{
		{"PUT", "/api/webhook/x"}, {"POST", "/api/webhook/x"}, {"POST", "/api/webhook"}, {"PATCH", "/api/webhook/there"},
	} {
		resolver := insideResolver(t, 3)
		g, err := guard.New(guard.Settings{Resolver: resolver})
		e.must(err)
		t.Cleanup(g.Close)
		e.opts.Service = &admin.Service{Store: e.store, Deliver: e.store, Guard: judge{g}, Now: e.time}
		e.serve(server.New(e.opts))
		body := `{"name":"x","url":"https://a.example.com/token","order":{"paid":"https://b.example.com/","sent":"https://c.example.com/"}}`
		got := e.ask(c.method, c.path, body, "Authorization", owner)
		e.want(c.method, got, 400, "invalid url")
		if strings.Count(got.body, "private") < 3 {
			t.Errorf("%s: not every URL has its reason: %s", c.method, got.body)
		}
		host, _, _ := net.SplitHostPort(resolver)
		if strings.Contains(got.body, "10.1.2.3") || strings.Contains(got.body, host) {
			t.Errorf("%s: the answer tells an address: %s", c.method, got.body)
		}
		if !strings.Contains(e.said.String(), "resolves to 10.1.2.3") || !strings.Contains(e.said.String(), "https://a.example.com/…") {
			t.Errorf("%s: the log does not tell why", c.method)
		}
	}
}

// TestURLsAreSecrets checks who sees the path and query of a webhook's URL in deliveries, and that
// nobody sees addresses in the errors of attempts.
func TestURLsAreSecrets(t *testing.T) {
	e := newEdge(t, nil)
	owner, publisher := e.token("acme", access.Owner), e.token("acme", access.Publisher)
	e.want("a webhook", e.ask("POST", "/api/webhook/orders", `{"url":"https://127.0.0.1:8443/hook/token-1?key=token-2"}`, "Authorization", owner), 201, "")
	e.want("an event", e.ask("POST", "/api/event", `{"id":"evt_1","resource":"a","action":"b","body":{}}`, "Authorization", publisher), 202, "")
	list := func(token string) string { return e.ask("GET", "/api/delivery", "", "Authorization", token).body }
	id := read[struct{ Data []struct{ ID string } }](e, e.ask("GET", "/api/delivery", "", "Authorization", owner)).Data[0].ID
	one := func(token string) string { return e.ask("GET", "/api/delivery/"+id, "", "Authorization", token).body }
	for _, c := range []struct {
		role  access.Role
		whole bool
	}{{access.Owner, true}, {access.Admin, true}, {access.Member, false}, {access.Publisher, false}} {
		token := map[access.Role]string{access.Owner: owner, access.Publisher: publisher}[c.role]
		if token == "" {
			token = e.token("acme", c.role)
		}
		for _, body := range []string{list(token), one(token)} {
			if !strings.Contains(body, id) {
				t.Errorf("%s does not see the delivery: %s", c.role, body)
			}
			want := `"url":"https://127.0.0.1:8443/…"`
			if c.whole {
				want = `"url":"https://127.0.0.1:8443/hook/token-1?key=token-2"`
			}
			if !strings.Contains(body, want) || !c.whole && strings.Contains(body, "token-") {
				t.Errorf("%s sees %s", c.role, body)
			}
		}
	}
}

// TestErrorsTellNoAddresses checks the texts of a delivery as clients of the API see them.
func TestErrorsTellNoAddresses(t *testing.T) {
	d := webhook.Delivery{URL: "https://a.example.com/token", Reason: "all 2 attempts failed; the last one: dial tcp 10.1.2.3:443: refused at https://a.example.com/token",
		Attempts: []webhook.Attempt{{Error: "dns_error: lookup a.example.com on 10.0.0.53:53: no such host; https://a.example.com/token"}}}
	for _, urls := range []bool{true, false} {
		v := d.View(true).Outside(urls)
		text := fmt.Sprint(v)
		if strings.Contains(text, "10.") || !strings.Contains(text, "dns_error: lookup a.example.com") || strings.Contains(text, "token") != urls {
			t.Errorf("with URLs %t: %s", urls, text)
		}
	}
}

// TestTwoCredentials has requests that carry two cookies or two Authorization fields. Equal
// ones are one; of different ones none counts, whichever comes first.
func TestTwoCredentials(t *testing.T) {
	e := newEdge(t, nil)
	cookie, _ := e.found("1", "acme")
	cookie, _, _ = strings.Cut(cookie, ";")
	other, _, _ := strings.Cut(e.signIn("2", ""), ";")
	owner, publisher := e.token("acme", access.Owner), e.token("acme", access.Publisher)
	event := `{"resource":"a","action":"b","body":{}}`
	for _, c := range []struct {
		headers string
		fine    bool
	}{
		{"Cookie: " + cookie + "\r\n", true},
		{"Cookie: " + cookie + "; " + cookie + "\r\n", true},
		{"Cookie: " + cookie + "\r\nCookie: x=y; " + cookie + "\r\n", true},
		{"Cookie: " + cookie + "; " + other + "\r\n", false},
		{"Cookie: " + other + "\r\nCookie: " + cookie + "\r\n", false},
		{"Cookie: " + cookie + "; better-auth.session_token=\r\n", false},
		{"Cookie: " + cookie + "; " + other + "\r\nAuthorization: " + owner + "\r\n", false},
		{"Authorization: " + owner + "\r\n", true},
		{"Authorization: " + owner + "\r\nAuthorization: " + owner + "\r\n", true},
		{"Authorization: " + owner + "\r\nAuthorization: " + publisher + "\r\n", false},
		{"Authorization: Basic eDp5\r\nAuthorization: " + owner + "\r\n", false},
		{"Authorization: " + owner + "\r\nAuthorization: Basic eDp5\r\n", false},
		{"Authorization: " + owner + "\r\nAuthorization: \r\n", false},
	} {
		requests := map[string]int{
			"GET /api/event HTTP/1.1\r\nHost: x\r\n": 200,
			fmt.Sprintf("POST /api/event HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", len(event)): 202,
		}
		if strings.HasPrefix(c.headers, "Cookie") {
			requests["GET /api/auth/get-session HTTP/1.1\r\nHost: x\r\n"] = 200
			requests["GET /api/auth/organization/list HTTP/1.1\r\nHost: x\r\n"] = 200
		}
		for request, want := range requests {
			if !c.fine {
				want = 401
			}
			sent := request + "Connection: close\r\n" + c.headers + "\r\n"
			if strings.HasPrefix(request, "POST") {
				sent += event
			}
			for range 2 { // the second time the token is remembered
				if got := e.speak(sent); len(got) != 1 || got[0] != want {
					t.Errorf("%.20s with %q: %d, not %d", request, c.headers, got, want)
				}
			}
		}
	}
}

// TestOrigins has pages of many origins call with a session's cookie.
func TestOrigins(t *testing.T) {
	for _, c := range []struct {
		base, origin, host string
		others             []string
		fine               bool
	}{
		{"https://app.example.com", "https://app.example.com", "", nil, true},
		{"https://app.example.com:443/", "https://app.example.com", "", nil, true},
		{"https://App.Example.com", "https://app.example.com", "", nil, true},
		{"https://app.example.com", "http://app.example.com", "app.example.com", nil, false},
		{"https://app.example.com", "https://app.example.com:8443", "", nil, false},
		{"https://app.example.com", "https://evil.test", "evil.test", nil, false},
		{"https://app.example.com", "http://evil.test", "evil.test", nil, false},
		{"https://app.example.com", "null", "", nil, false},
		{"https://app.example.com", "https://admin.example.com", "", nil, false},
		{"https://app.example.com", "https://admin.example.com", "", []string{"https://admin.example.com"}, true},
		{"https://app.example.com", "https://app.example.com", "", []string{"https://admin.example.com"}, true},
		{"https://app.example.com", "", "evil.test", nil, true},
		{"", "https://app.example.com", "app.example.com", nil, true},
		{"", "https://evil.test", "app.example.com", nil, false},
		{"", "https://admin.example.com", "app.example.com", []string{"https://admin.example.com"}, true},
	} {
		e := newEdge(t, func(s *server.SignIn) { s.BaseURL, s.Origins = c.base, c.others })
		headers := []string{"Cookie", e.signIn("1", "")}
		for name, value := range map[string]string{"Origin": c.origin, "Host": c.host} {
			if value != "" {
				headers = append(headers, name, value)
			}
		}
		got := e.ask("POST", "/api/auth/organization/create", `{"name":"N","slug":"acme"}`, headers...)
		config := e.ask("POST", "/api/webhook/orders", `{"url":"https://127.0.0.1:8443/hook"}`, headers...)
		if c.fine && (got.status != 200 || config.status != 201) || !c.fine && (got.code != "INVALID_ORIGIN" || config.code != "no permission") {
			t.Errorf("base URL %q, Origin %q, Host %q: %d %s, %d %s", c.base, c.origin, c.host, got.status, got.body, config.status, config.body)
		}
	}
}
