package deliveries

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sealpost/test/story"
)

// TestBulkRetry has five dead deliveries retried at a rate: paced, with progress
// on a terminal that leaves nothing behind, without a byte of it in a pipe, and
// doing no more when it is done again.
func TestBulkRetry(t *testing.T) {
	p := story.New(t, []string{
		"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "sealpost.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_ALLOW_HTTP=true", "TERM=xterm",
	})
	if _, errs, code := p.Run("", "webhook", "create", "orders", "--url", "http://127.0.0.1:"+story.FreePort(t)+"/"); code != 0 {
		t.Fatal(errs)
	}
	die := func() {
		for range 5 {
			if _, errs, code := p.Run("", "publish", "order.paid", "--data", "{}", "--direct", "--attempts", "1"); code != story.ExitNegative {
				t.Fatal(code, errs)
			}
		}
	}
	retry := []string{"delivery", "retry", "--state", "dead", "--rate", "5", "-y"}

	die()
	out, errs, code := p.Run("", append(retry, "--dry-run")...)
	if code != 0 || strings.Count(out, "dlv_") != 5 || !strings.Contains(errs, "5 would be retried") {
		t.Errorf("%d %s %s", code, out, errs)
	}
	began := time.Now()
	out, errs, code = p.Run("", append(retry, "-o", "json")...)
	took := time.Since(began)
	var said struct{ Deliveries []string }
	if err := json.Unmarshal([]byte(out), &said); err != nil || code != 0 || len(said.Deliveries) != 5 || strings.ContainsAny(errs, "\r\x1b|") {
		t.Errorf("%d %v %q %q", code, err, out, errs)
	}
	if took < 800*time.Millisecond { // four waits of a fifth of a second: no sooner, however fast the machine
		t.Errorf("five at five a second took %s", took)
	}
	if out, errs, code = p.Run("", retry...); code != 0 || out != "" || !strings.Contains(errs, "0 retried") {
		t.Errorf("again: %d %q %q", code, out, errs)
	}

	die()
	seen := story.OnTerminal(t, p.Command(t.Context(), retry...), 100, "")
	before, after, drawn := strings.Cut(seen, "retrying: ")
	if !drawn || !strings.Contains(seen, " of 5 (") || !strings.Contains(after, "\r\x1b[K"+"dlv_") || strings.Contains(before, "dlv_") {
		t.Errorf("on a terminal: %q", seen)
	}
}
