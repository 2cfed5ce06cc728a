package guard_test

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"sealpost/internal/guard"
	"sealpost/internal/webhook"
	"sealpost/internal/wire"
)

// targets are what follows the host in a URL, and what has to stand in the
// request line. own marks those in which Node.js differs by the URL standard: it takes
// dot segments out, turns backslashes, and drops tabs and newlines. never marks those
// that can't be stored.
var targets = []struct {
	written, sent string
	own, never    bool
}{
	{written: "", sent: "/"},
	{written: "/", sent: "/"},
	{written: "?", sent: "/"},
	{written: "/hook?", sent: "/hook"},
	{written: "?a=1", sent: "/?a=1"},
	{written: "#part", sent: "/"},
	{written: "/hook?x=1#part?y", sent: "/hook?x=1"},
	{written: "/a%2Fb/é", sent: "/a%2Fb/%C3%A9"},
	{written: "/a%2fb", sent: "/a%2fb"},
	{written: "/x%3By/^", sent: "/x%3By/^"},
	{written: "/p?é=ü", sent: "/p?%C3%A9=%C3%BC"},
	{written: "/%C3%A9/%e9", sent: "/%C3%A9/%e9"},
	{written: "/100%", sent: "/100%"},
	{written: "/%zz?%zz%", sent: "/%zz?%zz%"},
	{written: "/a b", sent: "/a%20b"},
	{written: "/?a b+c", sent: "/?a%20b+c"},
	{written: "/a|b^c", sent: "/a|b^c"},
	{written: "/[x]/é", sent: "/[x]/%C3%A9"},
	{written: "/{x}", sent: "/%7Bx%7D"},
	{written: "/a\"b<c>`d", sent: "/a%22b%3Cc%3E%60d"},
	{written: "/a'b", sent: "/a'b"},
	{written: "/?a'b\"<>", sent: "/?a%27b%22%3C%3E"},
	{written: "/?{}|^`[]", sent: "/?{}|^`[]"},
	{written: "//x//y/", sent: "//x//y/"},
	{written: "/a;b=c,d/~!$&()*+=:@", sent: "/a;b=c,d/~!$&()*+=:@"},
	{written: "/?a?b/c:d@e", sent: "/?a?b/c:d@e"},
	{written: "/?token=%2F%3D&b=/%20", sent: "/?token=%2F%3D&b=/%20"},
	{written: "/😀?😀", sent: "/%F0%9F%98%80?%F0%9F%98%80"},
	{written: "/\u00a0\u2028x", sent: "/%C2%A0%E2%80%A8x"},
	{written: "/..%2fx", sent: "/..%2fx"},
	{written: "/a.b..c/...", sent: "/a.b..c/..."},
	{written: "/a\x01\x1f\x7fb", sent: "/a%01%1F%7Fb", never: true},
	{written: "/?a\x00\x7fb", sent: "/?a%00%7Fb", never: true},
	{written: "/a/../b/./c", sent: "/a/../b/./c", own: true},
	{written: "/..", sent: "/..", own: true},
	{written: "/%2e/%2E%2e/x", sent: "/%2e/%2E%2e/x", own: true},
	{written: `/a\b`, sent: `/a\b`, own: true},
	{written: `/?a\b`, sent: `/?a\b`},
	{written: "/a\tb", sent: "/a%09b", own: true, never: true},
	{written: "/?a\nb\rc", sent: "/?a%0Ab%0Dc", own: true, never: true},
	{written: "/a/b.php/;jsessionid=1?x=y=z&&", sent: "/a/b.php/;jsessionid=1?x=y=z&&"},
}

// requestLines starts a server that answers by hand, and gives the first line of each
// request that it gets as it came.
func requestLines(t *testing.T) (port string, next func() string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lines, done := make(chan string, 100), make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			in := bufio.NewReader(c)
			line, _ := in.ReadString('\n')
			for field := "x"; strings.TrimSpace(field) != ""; {
				field, _ = in.ReadString('\n')
			}
			_, _ = c.Write([]byte("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"))
			_ = c.Close()
			lines <- strings.TrimRight(line, "\r\n")
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, func() string { return <-lines }
}

// call sends one request to a URL.
func call(t *testing.T, client interface {
	Do(*http.Request) (*http.Response, error)
}, raw string) error {
	t.Helper()
	u, err := webhook.ParseURL(raw)
	if err != nil {
		return err
	}
	response, err := client.Do((&http.Request{Method: http.MethodPost, URL: u, Host: u.Host, Header: http.Header{}, Body: http.NoBody}).WithContext(t.Context()))
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// TestTargetIsTheStoredOne has each URL arrive as it is written, with those bytes escaped
// that may not stand in a request line.
func TestTargetIsTheStoredOne(t *testing.T) {
	port, next := requestLines(t)
	g, err := guard.New(guard.Settings{Allow: []string{"127.0.0.1"}, AllowHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if len(targets) < 40 {
		t.Fatalf("only %d URLs", len(targets))
	}
	for _, c := range targets {
		raw := "http://127.0.0.1:" + port + c.written
		if v := g.Judge(raw); v.Allowed == c.never {
			t.Errorf("%q: allowed %t, %s", c.written, v.Allowed, v.Reason)
		}
		u, err := webhook.ParseURL(strings.ReplaceAll(raw, "127.0.0.1:"+port, "a.example.com"))
		if err != nil || wire.Target(u) != c.sent {
			t.Errorf("%q: %q, %v", c.written, wire.Target(u), err)
		}
		if c.never {
			continue
		}
		if err := call(t, g, raw); err != nil {
			t.Errorf("%q: %v", c.written, err)
			continue
		}
		if line := next(); line != "POST "+c.sent+" HTTP/1.1" {
			t.Errorf("%q goes out as %q", c.written, line)
		}
		relay, err := guard.NewRelay(raw, guard.PinnedOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := call(t, relay, "http://elsewhere.example.com/"); err != nil {
			t.Errorf("relay to %q: %v", c.written, err)
		} else if line := next(); line != "POST "+c.sent+" HTTP/1.1" {
			t.Errorf("%q is relayed to as %q", c.written, line)
		}
		relay.Close()
	}
}

// TestNodeSendsTheSame has Node.js's fetch call the same URLs: receivers were built
// for what it sends. It fails where Node.js is missing.
func TestNodeSendsTheSame(t *testing.T) {
	port, next := requestLines(t)
	var urls []string
	for _, c := range targets {
		if !c.own {
			urls = append(urls, "http://127.0.0.1:"+port+c.written)
		}
	}
	in, err := json.Marshal(urls)
	if err != nil {
		t.Fatal(err)
	}
	node := exec.Command("node", "--input-type=module", "-e", `for (const url of JSON.parse(process.argv[1])) await fetch(url, { method: "POST", body: "{}" })`, string(in))
	if out, err := node.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, c := range targets {
		if c.own {
			continue
		}
		if line := next(); line != "POST "+c.sent+" HTTP/1.1" {
			t.Errorf("%q: Node.js sends %q, we %q", c.written, line, c.sent)
		}
	}
}
