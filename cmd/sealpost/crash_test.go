package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestLastWords: a daemon that crashes outside anything that contains panics is
// told of by the next one, to Sentry too, and one that is stopped is not.
func TestLastWords(t *testing.T) {
	told := newSentry(t)
	path := filepath.Join(t.TempDir(), "s.db")
	address := "127.0.0.1:" + freePort(t)
	p := program{t, []string{"SEALPOST_DATABASE=" + path, "SEALPOST_LISTEN=" + address, "SEALPOST_METRICS_LISTEN=off", "SEALPOST_SENTRY_DSN=" + told.dsn()}}
	for _, signal := range []syscall.Signal{syscall.SIGSEGV, syscall.SIGTERM} {
		daemon := p.command(t.Context(), "serve")
		if err := daemon.Start(); err != nil {
			t.Fatal(err)
		}
		ready(t, "http://"+address)
		if err := daemon.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		_ = daemon.Wait() // how it ends is looked at below
		words, err := os.ReadFile(path + ".crash")
		if crashed := err == nil && len(words) > 0; crashed != (signal == syscall.SIGSEGV) {
			t.Errorf("after %s the last words are %q (%v)", signal, words, err)
		}
	}
	if got := told.next(t, "crashed"); !strings.Contains(got.Contexts.Sealpost["stack"], ".go:") {
		t.Errorf("the crash is told as %+v", got)
	}
	if len(told.messages) > 0 {
		t.Errorf("it is told of again: %+v", <-told.messages)
	}
}

func TestStackOf(t *testing.T) {
	const crash = "panic: card 4000-1234\n\tnext 4111\n\ngoroutine 7 [running]:\nsealpost/internal/store.(*writer).commit(0xc0001, {0x3039, 0x1})\n" +
		"\t/src/internal/store/writer.go:12 +0x1d\ncreated by sealpost/internal/store.startWriter in goroutine 1\n\t/src/x.go:3 +0x2\n\ngoroutine 1 [select]:\nmain.main()\n"
	const want = "goroutine 7 [running]:\nsealpost/internal/store.(*writer).commit\n\t/src/internal/store/writer.go:12 +0x1d\ncreated by sealpost/internal/store.startWriter in goroutine 1\n\t/src/x.go:3 +0x2\n"
	if got := stackOf(crash); got != want {
		t.Errorf("%q", got)
	}
	if got := stackOf("nothing of the kind"); got != "" {
		t.Errorf("%q", got)
	}
}
