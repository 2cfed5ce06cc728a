package wire_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
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
// go out whole, since it hangs up or since time is over: that is no success.
func TestPromiseWithoutBody(t *testing.T) {
	body := strings.Repeat("x", 32<<20)
	for name, answer := range map[string]string{
		"empty": "HTTP/1.1 204 No Content\r\n\r\n", "with text": "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok",
	} {
		to := newReceiver(t, func(_ *receiver, _ int64, c net.Conn, in *bufio.Reader) {
			if _, err := http.ReadRequest(in); err == nil {
				_, _ = io.WriteString(c, answer)
			}
		})
		response, err := transport(t).RoundTrip(post(t.Context(), to.url, body))
		if err == nil {
			_, _ = io.ReadAll(response.Body)
			err = response.Body.Close()
		}
		if err == nil {
			t.Errorf("%s: success without a body", name)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	to := newReceiver(t, func(_ *receiver, _ int64, c net.Conn, in *bufio.Reader) {
		if _, err := http.ReadRequest(in); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n")
		}
		<-ctx.Done()
	})
	response, err := transport(t).RoundTrip(post(ctx, to.url, body))
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("time is over")
	cancel(cause)
	if err := response.Body.Close(); !errors.Is(err, cause) {
		t.Error(err)
	}
}
