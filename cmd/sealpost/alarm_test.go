package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// sentry is a server that takes envelopes as Sentry does, and keeps what
// arrived: headers and all, byte for byte.
type sentry struct {
	*httptest.Server
	mu       sync.Mutex
	arrived  bytes.Buffer
	messages chan report
}

// report is an envelope's event, as far as a person looks at it first.
type report struct {
	Level    string
	Message  string
	Release  string
	Contexts struct{ Sealpost map[string]string }
}

func newSentry(t *testing.T) *sentry {
	t.Helper()
	s := &sentry{messages: make(chan report, 1024)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		fmt.Fprintf(&s.arrived, "%s %s %v\n%s\n", r.Method, r.URL, r.Header, body)
		// An envelope is a line of headers, and for each item a line of headers and one of payload.
		lines := bytes.SplitN(body, []byte("\n"), 3)
		if r.Method != http.MethodPost || r.URL.Path != "/api/7/envelope/" || !strings.Contains(r.Header.Get("X-Sentry-Auth"), "sentry_key=key-of-sentry") || len(lines) != 3 {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		var got report
		if err := json.Unmarshal(lines[2], &got); err == nil {
			s.messages <- got
		}
		_, _ = io.WriteString(w, `{"id":"fd6d8c0c43fc4630ad850ee518f1b9d0"}`)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sentry) dsn() string {
	return strings.Replace(s.URL, "http://", "http://key-of-sentry@", 1) + "/7"
}

func (s *sentry) next(t *testing.T, message string) report {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case got := <-s.messages:
			if strings.Contains(got.Message, message) {
				return got
			}
		case <-deadline:
			t.Fatalf("nobody told Sentry of %q; what arrived:\n%s", message, s.arrived.String())
		}
	}
}

// TestSentry has a delivery end dead and the store fail, and looks at every byte
// that Sentry gets: what happened is in it, and nothing that is nobody's business.
func TestSentry(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "canary-in-answer")
	}))
	defer receiver.Close()
	told := newSentry(t)
	path := filepath.Join(t.TempDir(), "s.db")
	p := program{t, []string{
		"SEALPOST_DATABASE=" + path, "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_ALLOW_HTTP=true", "SEALPOST_RETRY_ATTEMPTS=0",
		"SEALPOST_SENTRY_DSN=" + told.dsn(), "SEALPOST_LOG_PAYLOADS=true", "CANARY=canary-signing-secret-0123456789", "HTTP_PROXY=http://127.0.0.1:1",
	}}
	if _, errs, code := p.run("", "webhook", "create", "orders", "--secret", "env:CANARY", "--url", receiver.URL+"/canary-in-path?q=canary-in-query"); code != 0 {
		t.Fatal(errs)
	}
	_, logs := p.serve()
	if _, errs, code := p.run("", "publish", "order.paid", "--id", "evt-1", "--data", `{"card":"canary-in-body"}`, "--wait"); code != exitNegative {
		t.Fatal(code, errs)
	}
	dead := told.next(t, "a delivery is dead")
	if c := dead.Contexts.Sealpost; dead.Level != "error" || dead.Release != "sealpost@"+version || c["delivery"] != "dlv_1_1" || c["event"] != "evt-1" || c["type"] != "order.paid" ||
		c["organization"] == "" || c["webhook"] != "orders" || c["status"] != "418" || c["attempts"] != "1" || !strings.Contains(c["reason"], "418") {
		t.Errorf("the dead delivery is told as %+v", dead)
	}
	// Somebody takes a table away.
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	if _, err := db.Exec(`ALTER TABLE hold RENAME TO away`); err != nil {
		t.Fatal(err)
	}
	fault := told.next(t, "receipt did not come could not be ended")
	if !strings.Contains(fault.Contexts.Sealpost["error"], "hold") {
		t.Errorf("the fault is told as %+v", fault)
	}
	told.mu.Lock()
	defer told.mu.Unlock()
	if strings.Contains(told.arrived.String(), "canary") {
		t.Errorf("Sentry got something that is nobody's business:\n%s", told.arrived.String())
	}
	for _, private := range []string{"key-of-sentry", "canary-signing-secret"} {
		if strings.Contains(logs.String(), private) {
			t.Errorf("the log has %s:\n%s", private, logs)
		}
	}
	if !strings.Contains(logs.String(), "canary-in-body") {
		t.Errorf("log.payloads is on, and the log has no body:\n%s", logs)
	}
}

// TestSentryHangs has Sentry take requests and never answer: deliveries go on as
// if nothing was, and the daemon stops within bounds.
func TestSentryHangs(t *testing.T) {
	hangs, arrived := hanging(t)
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	defer refuses.Close()
	address := "127.0.0.1:" + freePort(t)
	p := program{t, []string{
		"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "s.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_ALLOW_HTTP=true", "SEALPOST_RETRY_ATTEMPTS=0",
		"SEALPOST_LISTEN=" + address, "SEALPOST_METRICS_LISTEN=off", "SEALPOST_SENTRY_DSN=" + strings.Replace(hangs.URL, "http://", "http://key@", 1) + "/7",
	}}
	if _, errs, code := p.run("", "webhook", "create", "orders", "--url", refuses.URL); code != 0 {
		t.Fatal(errs)
	}
	daemon := p.command(t.Context(), "serve")
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	ready(t, "http://"+address)
	for n := range 3 {
		if _, errs, code := p.run("", "publish", "a.b", "--data", fmt.Sprintf(`{"n":%d}`, n), "--wait", "--timeout", "30s"); code != exitNegative {
			t.Fatal(code, errs)
		}
	}
	<-arrived
	began := time.Now()
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := daemon.Wait(); err != nil || time.Since(began) > time.Minute {
		t.Errorf("it stops with %v after %s", err, time.Since(began))
	}
}

// TestSentryMistyped: what is no DSN is refused, and not repeated.
func TestSentryMistyped(t *testing.T) {
	for _, dsn := range []string{"https://canary", "https://canary@sentry.example.com", "https://sentry.example.com/7?canary", "canary", "https://canary:%zz@x/7"} {
		p := program{t, []string{"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "s.db"), "SEALPOST_SENTRY_DSN=" + dsn}}
		if _, errs, code := p.run("", "serve", "--listen", "127.0.0.1:0"); code != exitUsage || strings.Contains(errs, "canary") || !strings.Contains(errs, "sentry.dsn") {
			t.Errorf("%q: %d %s", dsn, code, errs)
		}
		if out, errs, _ := p.run("", "config", "show", "-o", "json"); strings.Contains(out+errs, "canary") {
			t.Errorf("%q is shown: %s%s", dsn, out, errs)
		}
	}
}
