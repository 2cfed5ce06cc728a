package daemon

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"sealpost/test/story"
)

// post begins a body of 16 MiB for the card provider's route, and sends so many bytes of it.
// The status of the answer follows.
func post(t *testing.T, url string, bytes int) (conn net.Conn, status chan int) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	status = make(chan int, 1)
	go func() {
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			status <- 0
			return
		}
		_ = answer.Body.Close()
		status <- answer.StatusCode
	}()
	_, _ = fmt.Fprintf(conn, "POST /hooks/panda HTTP/1.1\r\nHost: x\r\nSignature: %064d\r\nContent-Length: %d\r\n\r\n", 0, 16<<20)
	_, _ = io.WriteString(conn, strings.Repeat("x", bytes)) // it ends early when the body is refused
	return conn, status
}

// TestRequestMemory has a client that stops in the middle of a large body. It gives way
// to another one's when there is no memory for both, and only then.
func TestRequestMemory(t *testing.T) {
	const most, part = 16 << 20, 5 << 20
	p := story.New(t, []string{
		"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "sealpost.db"),
		"SEALPOST_PUBLISH_MAX_BODY=16MiB", "SEALPOST_PROVIDER_PANDA_SECRET=key",
	})
	small, _ := p.Serve("--request-memory", "32MiB")
	_, stops := post(t, small, part)
	for given := false; !given; {
		_, other := post(t, small, most)
		if status := <-other; status != http.StatusUnauthorized && status != http.StatusServiceUnavailable {
			t.Fatalf("the other one is answered %d", status)
		}
		select {
		case status := <-stops:
			if given = true; status != http.StatusServiceUnavailable {
				t.Errorf("without memory for it, a body is answered %d", status)
			}
		default: // it had not come so far yet
		}
	}

	p = story.New(t, []string{
		"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "sealpost.db"),
		"SEALPOST_PUBLISH_MAX_BODY=16MiB", "SEALPOST_PROVIDER_PANDA_SECRET=key",
	})
	large, _ := p.Serve("--request-memory", "256MiB")
	conn, stops := post(t, large, part)
	if _, other := post(t, large, most); <-other != http.StatusUnauthorized {
		t.Error("the other body is not taken in")
	}
	_, _ = io.WriteString(conn, strings.Repeat("x", most-part))
	if status := <-stops; status != http.StatusUnauthorized { // the signature is wrong, which takes the whole body to know
		t.Errorf("with memory for it, a body is answered %d", status)
	}
}

// TestOrigins has pages of several origins call with a session's cookie. Those of auth.origins
// get as far as our own pages do.
func TestOrigins(t *testing.T) {
	p := story.New(t, []string{
		"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "sealpost.db"),
		"SEALPOST_AUTH_SIWE_ENABLED=true", "SEALPOST_AUTH_SIWE_DOMAIN=app.example.com", "SEALPOST_BASE_URL=https://app.example.com",
	})
	url, _ := p.Serve("--auth-origins", "https://one.example.com,https://two.example.com")
	for origin, want := range map[string]int{
		"https://app.example.com":   http.StatusUnauthorized, // the session is none
		"https://one.example.com":   http.StatusUnauthorized,
		"https://two.example.com":   http.StatusUnauthorized,
		"https://three.example.com": http.StatusForbidden,
		"http://one.example.com":    http.StatusForbidden,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, url+"/api/webhook/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Origin", origin)
		request.Header.Set("Cookie", "better-auth.session_token=x")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %d, not %d", origin, response.StatusCode, want)
		}
	}
}
