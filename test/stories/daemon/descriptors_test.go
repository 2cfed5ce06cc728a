//go:build unix

package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sealpost/test/story"
)

// TestFewDescriptors has a daemon with 256 of them serve 400 webhooks that hang:
// none of its attempts fails for want of one, each webhook has its turn, and one
// that answers is served while the others hang.
func TestFewDescriptors(t *testing.T) {
	const hanging, files = 400, 256
	var hung, served atomic.Int64
	receivers := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the caller has gone
		if r.URL.Path == "/good" {
			served.Add(1)
			return
		}
		hung.Add(1)
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(receivers.Close)
	p := story.New(t, []string{
		"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "s.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_ALLOW_HTTP=1",
		"SEALPOST_DELIVERY_TIMEOUT=1s", "SEALPOST_RETRY_ATTEMPTS=0",
	})
	type entry struct {
		URL string `json:"url"`
	}
	hooks := map[string]entry{"good": {receivers.URL + "/good"}}
	for i := range hanging {
		hooks[fmt.Sprintf("hangs-%d", i)] = entry{fmt.Sprintf("%s/%d", receivers.URL, i)}
	}
	document, err := json.Marshal(map[string]any{"webhooks": hooks})
	if err != nil {
		t.Fatal(err)
	}
	if _, errs, code := p.Run(string(document), "webhook", "apply", "-f", "-"); code != 0 {
		t.Fatal(errs)
	}

	named := story.Binary(t)
	limited := func(args ...string) *exec.Cmd {
		cmd := p.Command(context.Background())
		cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, files), named}, args...)
		return cmd
	}
	told, _ := limited("doctor", "-o", "json").Output() // it fails for another reason: nobody delivers
	if !strings.Contains(string(told), `"check":"descriptors","subject":"this machine","status":"warn"`) {
		t.Errorf("doctor does not warn: %s", told)
	}

	daemon := limited("serve", "--listen", "127.0.0.1:"+story.FreePort(t), "--metrics-listen", "off")
	var logs story.Record
	daemon.Stderr = &logs
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Signal(syscall.SIGTERM)
		if err := daemon.Wait(); err != nil {
			t.Errorf("the daemon ended with %v\n%s", err, &logs)
		}
	})
	await := func(what string, ask func() bool) {
		t.Helper()
		deadline := time.After(time.Minute)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for !ask() {
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("waited in vain for %s; %d hung\n%.2000s", what, hung.Load(), &logs)
			}
		}
	}
	publish := func(id string, more ...string) {
		t.Helper()
		if _, errs, code := p.Run("", append([]string{"publish", "a.b", "--data", "{}", "--id", id}, more...)...); code != 0 {
			t.Fatal(errs)
		}
	}
	publish("first", "--to", "good")
	await("the first delivery", func() bool { return served.Load() == 1 })
	publish("all")
	await("the good one among those that hang", func() bool { return served.Load() == 2 })
	if n := hung.Load(); n > files {
		t.Errorf("the good one had to wait for %d others", n)
	}
	await("the last attempt", func() bool { return strings.Count(logs.String(), "msg=attempt ") == hanging })
	if said := logs.String(); strings.Contains(said, "no_file_descriptors") || strings.Count(said, "error=\"timeout: ") != hanging || !strings.Contains(said, "too few file descriptors") {
		t.Errorf("%d of %d attempts timed out, and %d hung: %.3000s", strings.Count(said, "error=\"timeout: "), hanging, hung.Load(), said)
	}
}
