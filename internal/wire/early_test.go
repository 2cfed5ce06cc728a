package wire_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestPromiseBeforeBody has a receiver promise success before it has read the
// body, as those do that answer first and work then: the body still arrives.
func TestPromiseBeforeBody(t *testing.T) {
	const size = 32 << 20
	for name, answer := range map[string]string{
		"empty":     "HTTP/1.1 204 No Content\r\n\r\n",
		"with text": "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok",
		"unread":    "HTTP/1.1 202 Accepted\r\nContent-Length: 100000000\r\n\r\nok",
	} {
		t.Run(name, func(t *testing.T) {
			arrived := make(chan int64, 1)
			to := newReceiver(t, func(_ *receiver, _ int64, c net.Conn, in *bufio.Reader) {
				q, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				_, _ = io.WriteString(c, answer)
				n, _ := io.Copy(io.Discard, q.Body)
				arrived <- n
			})
			response, err := transport(t).RoundTrip(post(t.Context(), to.url, strings.Repeat("x", size)))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.ReadFull(response.Body, make([]byte, 2))
			if err := response.Body.Close(); err != nil {
				t.Error(err)
			}
			if n := <-arrived; n != size {
				t.Errorf("%d of %d bytes arrived with a receiver that said %s", n, size, response.Status)
			}
		})
	}
}

// TestPromiseWithoutBody has a receiver promise success to a request that can't
// go out whole, since it hangs up or since time is over: what it said stands.
func TestPromiseWithoutBody(t *testing.T) {
	body := strings.Repeat("x", 32<<20)
	answers := map[string]string{"empty": "HTTP/1.1 204 No Content\r\n\r\n", "with text": "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok"}
	for name, answer := range answers {
		for _, stays := range []bool{false, true} {
			ctx, cancel := context.WithCancel(t.Context())
			to := newReceiver(t, func(_ *receiver, _ int64, c net.Conn, in *bufio.Reader) {
				if _, err := http.ReadRequest(in); err == nil {
					_, _ = io.WriteString(c, answer)
				}
				if stays {
					time.AfterFunc(50*time.Millisecond, cancel)
					<-ctx.Done()
				}
			})
			response, err := transport(t).RoundTrip(post(ctx, to.url, body))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			text, err := io.ReadAll(response.Body)
			if want := strings.HasSuffix(answer, "ok"); err != nil || want != (string(text) == "ok") {
				t.Errorf("%s: %q, %v", name, text, err)
			}
			if err := response.Body.Close(); err != nil {
				t.Error(err)
			}
			cancel()
		}
	}
}
