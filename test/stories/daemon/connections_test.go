package daemon

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sealpost/test/story"
)

// TestConnections has a daemon that takes two connections at a time. A third client is served, and
// the connection that has been idle for the longest is closed.
func TestConnections(t *testing.T) {
	p := story.New(t, []string{"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "sealpost.db")})
	url, _ := p.Serve("--max-connections", "2")
	http.DefaultClient.CloseIdleConnections() // serve has asked whether it is ready
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	answer := func(conn net.Conn, within time.Duration) error {
		_ = conn.SetReadDeadline(time.Now().Add(within))
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil {
			err = response.Body.Close()
		}
		return err
	}
	first := dial()
	if err := answer(first, story.Patience); err != nil {
		t.Fatal(err)
	}
	if err := answer(dial(), story.Patience); err != nil { // idle for less long
		t.Fatal(err)
	}
	third := dial()
	if err := answer(third, story.Patience); err != nil {
		t.Errorf("a third connection is not served: %v", err)
	}
	if err := answer(first, story.Patience); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the longest idle connection is not closed: %v", err)
	}
}
