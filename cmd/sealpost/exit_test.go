package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"sealpost/internal/webhook"
)

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
