package daemon

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver, to break a table by hand

	"sealpost/test/story"
)

// TestSentry has a delivery end dead and the store fail, and looks at every byte
// that Sentry gets: what happened is in it, and nothing that is nobody's business.
func TestSentry(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "canary-in-answer")
	}))
	defer receiver.Close()
	told := story.NewSentry(t)
	path := filepath.Join(t.TempDir(), "s.db")
	p := story.New(t, []string{
		"SEALPOST_DATABASE=" + path, "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_ALLOW_HTTP=true", "SEALPOST_RETRY_ATTEMPTS=0",
		"SEALPOST_SENTRY_DSN=" + told.DSN(), "SEALPOST_LOG_PAYLOADS=true", "CANARY=canary-signing-secret-0123456789", "HTTP_PROXY=http://127.0.0.1:1",
	})
	if _, errs, code := p.Run("", "webhook", "create", "orders", "--secret", "env:CANARY", "--url", receiver.URL+"/canary-in-path?q=canary-in-query"); code != 0 {
		t.Fatal(errs)
	}
	_, logs := p.Serve()
	if _, errs, code := p.Run("", "publish", "order.paid", "--id", "evt-1", "--data", `{"card":"canary-in-body"}`, "--wait"); code != story.ExitNegative {
		t.Fatal(code, errs)
	}
	dead := told.Next(t, "a delivery is dead")
	if c := dead.Contexts.Sealpost; dead.Level != "error" || dead.Release != "sealpost@dev" || !strings.HasPrefix(c["delivery"], "dlv_") || c["event"] != "evt-1" || c["type"] != "order.paid" ||
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
	fault := told.Next(t, "receipt did not come could not be ended")
	if !strings.Contains(fault.Contexts.Sealpost["error"], "hold") {
		t.Errorf("the fault is told as %+v", fault)
	}
	if strings.Contains(told.Arrived(), "canary") {
		t.Errorf("Sentry got something that is nobody's business:\n%s", told.Arrived())
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
	hangs, arrived := story.Hanging(t)
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	defer refuses.Close()
	address := "127.0.0.1:" + story.FreePort(t)
	p := story.New(t, []string{
		"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "s.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_ALLOW_HTTP=true", "SEALPOST_RETRY_ATTEMPTS=0",
		"SEALPOST_LISTEN=" + address, "SEALPOST_METRICS_LISTEN=off", "SEALPOST_SENTRY_DSN=" + strings.Replace(hangs.URL, "http://", "http://key@", 1) + "/7",
	})
	if _, errs, code := p.Run("", "webhook", "create", "orders", "--url", refuses.URL); code != 0 {
		t.Fatal(errs)
	}
	daemon := p.Command(t.Context(), "serve")
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	story.Ready(t, "http://"+address)
	for n := range 3 {
		if _, errs, code := p.Run("", "publish", "a.b", "--data", fmt.Sprintf(`{"n":%d}`, n), "--wait", "--timeout", "30s"); code != story.ExitNegative {
			t.Fatal(code, errs)
		}
	}
	<-arrived
	began := time.Now()
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := daemon.Wait(); err != nil || time.Since(began) > 5*time.Minute {
		t.Errorf("it stops with %v after %s", err, time.Since(began))
	}
}

// TestSentryMistyped: what is no DSN is refused, and not repeated.
func TestSentryMistyped(t *testing.T) {
	for _, dsn := range []string{"https://canary", "https://canary@sentry.example.com", "https://sentry.example.com/7?canary", "canary", "https://canary:%zz@x/7"} {
		p := story.New(t, []string{"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "s.db"), "SEALPOST_SENTRY_DSN=" + dsn})
		if _, errs, code := p.Run("", "serve", "--listen", "127.0.0.1:0"); code != story.ExitUsage || strings.Contains(errs, "canary") || !strings.Contains(errs, "sentry.dsn") {
			t.Errorf("%q: %d %s", dsn, code, errs)
		}
		if out, errs, _ := p.Run("", "config", "show", "-o", "json"); strings.Contains(out+errs, "canary") {
			t.Errorf("%q is shown: %s%s", dsn, out, errs)
		}
	}
}

// TestSentryHearsOfADisabledWebhook: a receiver that answers 410 disables its webhook,
// and Sentry is told which one, of which organization, and why.
func TestSentryHearsOfADisabledWebhook(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
	defer receiver.Close()
	told := story.NewSentry(t)
	p := story.New(t, []string{
		"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "s.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_ALLOW_HTTP=true", "SEALPOST_SENTRY_DSN=" + told.DSN(),
	})
	if _, errs, code := p.Run("", "webhook", "create", "orders", "--url", receiver.URL+"/canary"); code != 0 {
		t.Fatal(errs)
	}
	p.Serve()
	if _, errs, code := p.Run("", "publish", "order.paid", "--data", "{}"); code != 0 {
		t.Fatal(errs)
	}
	report := told.Next(t, "a webhook was disabled")
	if c := report.Contexts.Sealpost; c["organization"] == "" || c["webhook"] != "orders" || c["reason"] != "the receiver answered 410 Gone" || c["status"] != "410" {
		t.Errorf("it is told as %+v", report)
	}
}
