package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sealpost/internal/webhook"
)

// hanging starts a receiver that takes requests and never answers.
func hanging(t *testing.T) (server *httptest.Server, arrived chan struct{}) {
	t.Helper()
	arrived = make(chan struct{}, 16)
	server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the caller has gone
		arrived <- struct{}{}
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // or it would answer 200 to a caller that is just leaving
	}))
	t.Cleanup(server.Close)
	return server, arrived
}

// TestSignals ends a delivery that hangs: by SIGINT with 130, by SIGTERM with
// 143. What it had taken upon itself is cancelled, not left behind.
func TestSignals(t *testing.T) {
	hangs, arrived := hanging(t)
	p := program{t, []string{"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "s.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_ALLOW_HTTP=1"}}
	if _, errs, code := p.run("", "webhook", "create", "x", "--url", hangs.URL); code != 0 {
		t.Fatal(errs)
	}
	for signal, want := range map[syscall.Signal]int{syscall.SIGINT: exitInterrupted, syscall.SIGTERM: exitTerminated} {
		cmd := p.command(t.Context(), "publish", "a.b", "--data", "{}", "--direct", "--id", fmt.Sprint("e", want), "-o", "json")
		var out bytes.Buffer
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-arrived
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Errorf("%s ends it with %d, not %d", signal, code, want)
		}
		if !bytes.Contains(out.Bytes(), []byte(`"state":"cancelled"`)) {
			t.Errorf("%s leaves %s", signal, out.Bytes())
		}
	}
}

// TestSecondSignalLeavesAtOnce stops a daemon with an attempt under way twice.
func TestSecondSignalLeavesAtOnce(t *testing.T) {
	hangs, arrived := hanging(t)
	p := program{t, []string{"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "s.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_ALLOW_HTTP=1"}}
	for _, args := range [][]string{{"webhook", "create", "x", "--url", hangs.URL}, {"publish", "a.b", "--data", "{}", "--id", "e1"}} {
		if _, errs, code := p.run("", args...); code != 0 {
			t.Fatal(errs)
		}
	}
	cmd := p.command(t.Context(), "serve", "--listen", "127.0.0.1:0", "--metrics-listen", "off", "--delivery-shutdown-grace", "10m")
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-arrived
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	seen := make([]byte, 0, 4096)
	for buffer := make([]byte, 1024); !bytes.Contains(seen, []byte("msg=stopping")); {
		n, err := logs.Read(buffer)
		if seen = append(seen, buffer[:n]...); err != nil {
			t.Fatalf("%v\n%s", err, seen)
		}
	}
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitTerminated || time.Since(began) > time.Minute {
		t.Errorf("exit code %d after %s", code, time.Since(began))
	}
	if out, errs, code := p.run("", "publish", "a.b", "--data", "{}", "--id", "e1", "-o", "json"); code != 0 || !bytes.Contains([]byte(out), []byte(`"state":"pending","attempts":[]`)) {
		t.Errorf("what was cut: %d %s %s", code, out, errs)
	}
}

// TestSignalWhileReading: who waits for input that does not end has done nothing
// yet, and ends at the first signal.
func TestSignalWhileReading(t *testing.T) {
	p := program{t, nil}
	cmd := p.command(t.Context(), "publish", "a.b", "--data", "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(bytes.Repeat([]byte(" "), 1<<20)); err != nil { // more than a pipe holds: it is reading
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	state, err := cmd.Process.Wait() // cmd.Wait would end its input
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := state.ExitCode(); code != exitTerminated || !strings.Contains(errs.String(), "stopped by SIGTERM") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

func TestReport(t *testing.T) {
	for _, test := range []struct {
		err  error
		code int
		name string
	}{
		{bug{"boom", []byte("stack")}, exitBug, "bug"},
		{usagef("no"), exitUsage, "usage"},
		{&webhook.Error{Code: webhook.CodeNoPermission}, exitDenied, "no permission"},
		{&webhook.Error{Code: webhook.CodeTooManyRequests}, exitEnvironment, "too many requests"},
		{fmt.Errorf("wrapped: %w", &webhook.Error{Code: webhook.CodeNotFound}), exitNotFound, "not found"},
		{signalled{os.Interrupt}, exitInterrupted, "interrupted"},
		{signalled{syscall.SIGTERM}, exitTerminated, "interrupted"},
		{errors.New("else"), exitEnvironment, "failed"},
	} {
		var out bytes.Buffer
		a := &app{streams: streams{err: &out}, output: "json"}
		if code := a.report(test.err); code != test.code {
			t.Errorf("%v: exit code %d, not %d", test.err, code, test.code)
		}
		text := out.Bytes()
		text = text[bytes.LastIndexByte(bytes.TrimSpace(text), '\n')+1:]
		var got struct{ Error fault }
		if err := json.Unmarshal(text, &got); err != nil || got.Error.Code != test.name || got.Error.Exit != test.code {
			t.Errorf("%v is told as %s (%v)", test.err, text, err)
		}
	}
	for signal, want := range map[os.Signal]string{os.Interrupt: "stopped by SIGINT (Ctrl-C)", syscall.SIGTERM: "stopped by SIGTERM"} {
		if got := (signalled{signal}).Error(); got != want {
			t.Errorf("%s is told as %q, not %q", signal, got, want)
		}
	}
	for code := range exitCodes {
		if _, known := exitCodes[code]; !known || code == "" {
			t.Errorf("code %q", code)
		}
	}
	unheard := fmt.Errorf("told: %w", &os.PathError{Op: "write", Path: os.Stdout.Name(), Err: syscall.EPIPE})
	cut := webhook.Errorf(webhook.CodeUnavailable, "can't reach the server").Wrap(&net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)})
	for err, want := range map[error]int{
		unheard: exitDone, heard(unheard, nil): exitDone, heard(unheard, verdict{exitNegative}): exitNegative,
		heard(unheard, cut): exitEnvironment, cut: exitEnvironment, heard(cut, nil): exitEnvironment,
	} {
		if code := (&app{streams: streams{err: &bytes.Buffer{}}}).report(err); code != want {
			t.Errorf("%v: exit code %d, not %d", err, code, want)
		}
	}
}
