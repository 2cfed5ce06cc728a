package alarm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sealpost/internal/alarm"
	"sealpost/internal/secret"
)

// event is what a test wants to know of an event that arrived.
type event struct {
	Message     string
	Fingerprint []string
	Contexts    struct{ Sealpost map[string]any }
}

// far is a server of Sentry's; hold, when it is not nil, keeps each request.
type far struct {
	*httptest.Server
	hold chan struct{}

	mu   sync.Mutex
	raw  bytes.Buffer
	seen []event
}

func newFar(t *testing.T, hold chan struct{}) *far {
	t.Helper()
	f := &far{hold: hold}
	f.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if f.hold != nil {
			select {
			case <-f.hold:
			case <-r.Context().Done():
				return
			}
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.raw.Write(body)
		var got event
		if lines := bytes.SplitN(body, []byte("\n"), 3); len(lines) == 3 && json.Unmarshal(lines[2], &got) == nil {
			f.seen = append(f.seen, got)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *far) alarm(t *testing.T) *alarm.Alarm {
	t.Helper()
	a, err := alarm.New(alarm.Options{DSN: secret.New(strings.Replace(f.URL, "http://", "http://key@", 1) + "/7"), Client: &http.Client{Timeout: time.Minute}, Release: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestStorm tells of far more than may wait while nobody answers: no call
// waits, and in the end every report was told or is counted as left out.
func TestStorm(t *testing.T) {
	const storm = 1000
	f := newFar(t, make(chan struct{}))
	a := f.alarm(t)
	for n := range storm {
		a.Tell("storm", slog.Int("attempt", n))
	}
	close(f.hold)
	a.Close(t.Context())
	told, left := 0, 0
	for _, e := range f.seen {
		if e.Message == "storm" {
			told++
		} else if n, ok := e.Contexts.Sealpost["reports"].(float64); ok {
			left += int(n)
		}
	}
	if told == 0 || left == 0 || told+left != storm {
		t.Errorf("%d were told and %d left out, of %d", told, left, storm)
	}
}

// TestCloseGivesUp closes while nobody answers and the time is over.
func TestCloseGivesUp(t *testing.T) {
	f := newFar(t, make(chan struct{}))
	a := f.alarm(t)
	for range 10 {
		a.Tell("in vain")
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	a.Close(over) // or the test ends with its deadline
	if len(f.seen) != 0 {
		t.Errorf("%d were told", len(f.seen))
	}
}

// TestOnlyWhatIsListed logs errors with everything on them that must not leave
// the machine.
func TestOnlyWhatIsListed(t *testing.T) {
	f := newFar(t, nil)
	a := f.alarm(t)
	var log bytes.Buffer
	logger := slog.New(a.Handler(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError + 1}))).With("webhook", "orders", "body", "canary")
	logger.Info("quiet", "delivery", "dlv_1_1")
	logger.Error("loud", "delivery", "dlv_1_1", "url", "https://x.example.com/canary", "response", "canary", "token", "canary",
		"error", errors.New(`Post "https://me:canary@x.example.com:8443/canary?q=canary#canary": refused`))
	logger.WithGroup("inner").Error("grouped", "state", secret.New("canary"), "reason", fmt.Sprintf("see http://y.example.com?canary and %s", "https://z.example.com"))
	a.Close(t.Context())
	if len(f.seen) != 2 || f.seen[0].Message != "loud" || f.seen[1].Message != "grouped" || log.Len() != 0 {
		t.Fatalf("%+v were told, and %q logged", f.seen, log.String())
	}
	first, second := f.seen[0].Contexts.Sealpost, f.seen[1].Contexts.Sealpost
	if first["webhook"] != "orders" || first["delivery"] != "dlv_1_1" || first["error"] != `Post "https://x.example.com:8443": refused` ||
		second["reason"] != "see http://y.example.com and https://z.example.com" {
		t.Errorf("%v %v", first, second)
	}
	if strings.Contains(f.raw.String(), "canary") {
		t.Errorf("it tells too much:\n%s", f.raw.String())
	}
}

// TestNobody: without a DSN there is no alarm, and everything goes on.
func TestNobody(t *testing.T) {
	var none *alarm.Alarm
	inner := slog.NewTextHandler(io.Discard, nil)
	if none.Handler(inner) != slog.Handler(inner) {
		t.Error("there is a handler of nobody's")
	}
	none.Tell("nothing")
	none.Close(t.Context())
	if _, err := alarm.New(alarm.Options{DSN: secret.New("https://canary@x")}); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("a DSN without a project: %v", err)
	}
}

// TestFingerprint: reports are grouped by cause, organization and webhook, and
// what a report does not have is no part of its group.
func TestFingerprint(t *testing.T) {
	f := newFar(t, nil)
	a := f.alarm(t)
	a.Tell("a delivery is dead", slog.String("organization", "acme"), slog.String("webhook", "w"), slog.String("delivery", "dlv_1_1"))
	a.Tell("a delivery is dead", slog.String("organization", "globex"), slog.String("webhook", "w"), slog.String("delivery", "dlv_1_2"))
	a.Tell("the daemon panicked", slog.String("panic", "boom"))
	a.Tell("alone")
	a.Close(t.Context())
	want := [][]string{
		{"a delivery is dead", "organization=acme", "webhook=w"}, {"a delivery is dead", "organization=globex", "webhook=w"},
		{"the daemon panicked", "panic=boom"}, {"alone"},
	}
	if len(f.seen) != len(want) {
		t.Fatalf("%d reports, not %d", len(f.seen), len(want))
	}
	for i, e := range f.seen {
		if !slices.Equal(e.Fingerprint, want[i]) {
			t.Errorf("%q, not %q", e.Fingerprint, want[i])
		}
	}
	if strings.Contains(f.raw.String(), "<nil>") || strings.Contains(f.raw.String(), `\u003cnil`) {
		t.Errorf("a value that is not there is told:\n%s", f.raw.String())
	}
}
