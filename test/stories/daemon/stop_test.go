package daemon

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sealpost/test/story"
)

// TestStopBesideSlowClient stops a daemon while a client is in the middle of a
// request and a receiver in the middle of an answer, which says to try again. No
// attempt begins any more: at the end of the grace it would be cut, and be made
// once more after the next start.
func TestStopBesideSlowClient(t *testing.T) {
	var attempts atomic.Int64
	reached, answer := make(chan struct{}, 1), make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if attempts.Add(1) == 1 {
			reached <- struct{}{}
			<-answer
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer receiver.Close()
	release := sync.OnceFunc(func() { close(answer) })
	defer release()
	p := story.New(t, []string{
		"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "sealpost.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.0/8", "SEALPOST_EGRESS_ALLOW_HTTP=true",
		"SEALPOST_RETRY_BASE=1ms", "SEALPOST_RETRY_MAX_DELAY=1ms", "SEALPOST_DELIVERY_SHUTDOWN_GRACE=1s",
	})
	do := func(args ...string) string {
		t.Helper()
		out, errs, code := p.Run("", args...)
		if code != 0 {
			t.Fatal(errs)
		}
		return strings.TrimSpace(out)
	}
	do("webhook", "create", "orders", "--url", receiver.URL)
	fields := strings.Fields(do("token", "create", "test"))
	token := fields[len(fields)-1]
	address := "127.0.0.1:" + story.FreePort(t)
	daemon := p.Command(context.Background(), "serve", "--listen", address, "--metrics-listen", "off")
	var logs story.Record
	daemon.Stderr = &logs
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = daemon.Process.Kill() })
	story.Ready(t, "http://"+address)

	do("publish", "order.paid", "--data", "{}")
	<-reached
	slow, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close() //nolint:errcheck // it was only used
	if _, err := io.WriteString(slow, "POST /api/event HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+token+
		"\r\nContent-Type: application/json\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	_ = slow.SetReadDeadline(time.Now().Add(time.Minute))
	if line, err := bufio.NewReader(slow).ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") { // the body is being read
		t.Fatalf("%q %v", line, err)
	}
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(logs.String(), "msg=stopping") {
		<-tick.C
	}
	release()
	if err := daemon.Wait(); err != nil {
		t.Errorf("the daemon ended with %v\n%s", err, &logs)
	}
	if n := attempts.Load(); n != 1 {
		t.Errorf("%d attempts, all but the first after the daemon was told to stop\n%.2000s", n, &logs)
	}
	if out := do("delivery", "list", "-o", "json"); !strings.Contains(out, `"state":"pending"`) || !strings.Contains(out, `"status":503`) {
		t.Errorf("what the receiver answered is not known: %s", out)
	}
}

// TestStopTellsTheLoadBalancer: after SIGTERM the daemon still listens for a while and
// says at /readyz that it is not ready. Requests are answered until it stops to listen.
func TestStopTellsTheLoadBalancer(t *testing.T) {
	p := story.New(t, []string{"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "sealpost.db"), "SEALPOST_SHUTDOWN_DELAY=3s"})
	address := "127.0.0.1:" + story.FreePort(t)
	daemon := p.Command(context.Background(), "serve", "--listen", address, "--metrics-listen", "off")
	var logs story.Record
	daemon.Stderr = &logs
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = daemon.Process.Kill() })
	story.Ready(t, "http://"+address)
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(logs.String(), "msg=stopping") {
		<-tick.C
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // each on a connection of its own
	for path, want := range map[string]int{"/readyz": http.StatusServiceUnavailable, "/healthz": http.StatusOK} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatalf("%s after SIGTERM: %v\n%s", path, err, &logs)
		}
		if _ = response.Body.Close(); response.StatusCode != want {
			t.Errorf("%s after SIGTERM is %d, not %d", path, response.StatusCode, want)
		}
	}
	if err := daemon.Wait(); err != nil {
		t.Errorf("the daemon ended with %v\n%s", err, &logs)
	}
}
