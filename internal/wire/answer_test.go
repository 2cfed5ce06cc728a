package wire

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzAnswer lets a receiver say anything: an exchange ends, and a connection
// is kept only after an answer that was read to its end.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	f.Add([]byte("HTTP/1.1 100 \r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nok\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.0 500\nConnection: keep-alive\n\nx"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		near, far := net.Pipe()
		go func() {
			defer far.Close() //nolint:errcheck // the other side is looked at
			r, err := http.ReadRequest(bufio.NewReader(far))
			if err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = far.Write(answer)
			}
		}()
		w := &Transport{
			Dial:      func(context.Context, *url.URL) (net.Conn, error) { return near, nil },
			MaxHeader: 4 << 10, IdleTimeout: time.Hour, MaxIdlePerPlace: 1, MaxIdle: 1,
		}
		defer w.CloseIdleConnections()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://a.example.com/", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		response, err := w.RoundTrip(r)
		if err == nil {
			_, err = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
			_ = response.Body.Close()
			if response.StatusCode < 200 && response.StatusCode != http.StatusSwitchingProtocols {
				t.Errorf("an interim %d is no answer", response.StatusCode)
			}
		}
		if err != nil && w.idle.count > 0 {
			t.Errorf("a connection is kept after %v", err)
		}
	})
}
