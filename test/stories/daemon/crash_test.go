package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sealpost/test/story"
)

// TestLastWords: a daemon that crashes outside anything that contains panics is
// told of by the next one, to Sentry too, and one that is stopped is not.
func TestLastWords(t *testing.T) {
	told := story.NewSentry(t)
	path := filepath.Join(t.TempDir(), "s.db")
	address := "127.0.0.1:" + story.FreePort(t)
	p := story.New(t, []string{"SEALPOST_DATABASE=" + path, "SEALPOST_LISTEN=" + address, "SEALPOST_METRICS_LISTEN=off", "SEALPOST_SENTRY_DSN=" + told.DSN()})
	for _, signal := range []syscall.Signal{syscall.SIGSEGV, syscall.SIGTERM} {
		daemon := p.Command(t.Context(), "serve")
		if err := daemon.Start(); err != nil {
			t.Fatal(err)
		}
		story.Ready(t, "http://"+address)
		if err := daemon.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		_ = daemon.Wait() // how it ends is looked at below
		words, err := os.ReadFile(path + ".crash")
		if crashed := err == nil && len(words) > 0; crashed != (signal == syscall.SIGSEGV) {
			t.Errorf("after %s the last words are %q (%v)", signal, words, err)
		}
	}
	if got := told.Next(t, "crashed"); !strings.Contains(got.Contexts.Sealpost["stack"], ".go:") {
		t.Errorf("the crash is told as %+v", got)
	}
	if again := told.Waiting(); again != nil {
		t.Errorf("it is told of again: %+v", again)
	}
}
