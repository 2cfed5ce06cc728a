package deliver_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sealpost/internal/deliver"
	"sealpost/internal/guard"
	"sealpost/internal/webhook"
)

// at is a receiver at a URL that never changes.
func at(url string) func(context.Context) (*webhook.Receiver, error) {
	return func(context.Context) (*webhook.Receiver, error) {
		return &webhook.Receiver{Config: webhook.Config{URL: url}}, nil
	}
}

// TestAnswersOverTheNetwork makes single attempts over real connections, to
// receivers that read as much as they like and answer by hand.
func TestAnswersOverTheNetwork(t *testing.T) {
	for _, c := range []struct {
		name   string
		size   int
		reads  bool
		answer string
		state  webhook.DeliveryState
		status int
		cut    bool
	}{
		{"whole", 2, true, "Content-Length: 2\r\n\r\nok", webhook.Delivered, 202, false},
		{"without an end", 2, true, "\r\nok", webhook.Delivered, 202, false},
		{"ends early", 2, true, "Content-Length: 9\r\n\r\nok", webhook.Delivered, 202, true},
		{"ends early, in chunks", 2, true, "Transfer-Encoding: chunked\r\n\r\n9\r\nok", webhook.Delivered, 202, true},
		{"is too long", 2, true, "\r\n" + strings.Repeat("x", deliver.MaxResponse+1), webhook.Delivered, 202, true},
		{"before the request was read", 32 << 20, false, "Content-Length: 2\r\n\r\nok", webhook.Delivered, 202, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close() //nolint:errcheck // nobody calls any more
			done := make(chan struct{})
			go func() {
				defer close(done)
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close() //nolint:errcheck // the test looks at the other side
				r, err := http.ReadRequest(bufio.NewReader(conn))
				if err == nil && c.reads {
					_, err = io.Copy(io.Discard, r.Body)
				}
				if err == nil {
					_, _ = io.WriteString(conn, "HTTP/1.1 202 Accepted\r\n"+c.answer)
				}
			}()
			g, err := guard.New(guard.Settings{Allow: []string{"127.0.0.1"}, AllowHTTP: true})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			var first *webhook.Outcome
			stop := io.EOF
			_, err = deliver.Foreground{Client: g, Policy: exact(), Receiver: at("http://" + l.Addr().String() + "/"), Record: func(o *webhook.Outcome) error { first = o; return stop }}.Deliver(t.Context(),
				&webhook.Work{EventID: "e", Type: "a.b", Bytes: []byte(strings.Repeat("x", c.size))})
			<-done
			if first == nil {
				t.Fatal(err)
			}
			if a := first.Attempt; first.State != c.state || a.Status != c.status || a.Cut != c.cut || a.Error != "" {
				t.Errorf("%s: status %d, cut %t, %q", first.State, a.Status, a.Cut, a.Error)
			}
		})
	}
}

// TestRedirectsAreNotFollowed has receivers point elsewhere, some of them in words that
// nobody can read: each is a failed attempt with its status, what it said, and a code.
func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, location := range []string{"https://elsewhere.example.com/", "http://[::1", "%zz://", "http://127.0.0.1:1/ \xff\"<>", ""} {
		for _, status := range []int{300, 301, 302, 303, 304, 307, 308, 399} {
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if location != "" {
					w.Header()["Location"] = []string{location}
				}
				w.WriteHeader(status)
				if status != http.StatusNotModified {
					_, _ = io.WriteString(w, "its words")
				}
			}))
			g, err := guard.New(guard.Settings{Allow: []string{"127.0.0.1"}, AllowHTTP: true})
			if err != nil {
				t.Fatal(err)
			}
			var last *webhook.Outcome
			_, _ = deliver.Foreground{Client: g, Policy: exact(), Receiver: at(web.URL), Record: func(o *webhook.Outcome) error { last = o; return io.EOF }}.Deliver(t.Context(),
				&webhook.Work{EventID: "e", Type: "a.b", Bytes: []byte("{}")})
			a := last.Attempt
			if a.Status != status || !strings.HasPrefix(a.Error, "redirect: ") || strings.Contains(a.Error, "words") || status != http.StatusNotModified && string(a.Response) != "its words" {
				t.Errorf("%d to %q: status %d, %q, %q", status, location, a.Status, a.Error, a.Response)
			}
			if last.State == webhook.Delivered {
				t.Errorf("%d to %q is delivered", status, location)
			}
			g.Close()
			web.Close()
		}
	}
}
