package publishing

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sealpost/test/story"
)

// TestSignals ends a delivery that hangs: by SIGINT with 130, by SIGTERM with
// 143. What it had taken upon itself is cancelled, not left behind.
func TestSignals(t *testing.T) {
	hangs, arrived := story.Hanging(t)
	p := story.New(t, []string{"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "s.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_ALLOW_HTTP=1"})
	if _, errs, code := p.Run("", "webhook", "create", "x", "--url", hangs.URL); code != 0 {
		t.Fatal(errs)
	}
	for signal, want := range map[syscall.Signal]int{syscall.SIGINT: story.ExitInterrupted, syscall.SIGTERM: story.ExitTerminated} {
		cmd := p.Command(t.Context(), "publish", "a.b", "--data", "{}", "--direct", "--id", fmt.Sprint("e", want), "-o", "json")
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
	hangs, arrived := story.Hanging(t)
	p := story.New(t, []string{"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "s.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_ALLOW_HTTP=1"})
	for _, args := range [][]string{{"webhook", "create", "x", "--url", hangs.URL}, {"publish", "a.b", "--data", "{}", "--id", "e1"}} {
		if _, errs, code := p.Run("", args...); code != 0 {
			t.Fatal(errs)
		}
	}
	cmd := p.Command(t.Context(), "serve", "--listen", "127.0.0.1:0", "--metrics-listen", "off", "--delivery-shutdown-grace", "10m")
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
	if code := cmd.ProcessState.ExitCode(); code != story.ExitTerminated || time.Since(began) > 5*time.Minute {
		t.Errorf("exit code %d after %s", code, time.Since(began))
	}
	if out, errs, code := p.Run("", "publish", "a.b", "--data", "{}", "--id", "e1", "-o", "json"); code != 0 || !bytes.Contains([]byte(out), []byte(`"state":"pending","attempts":[]`)) {
		t.Errorf("what was cut: %d %s %s", code, out, errs)
	}
}

// TestSignalWhileReading: who waits for input that does not end has done nothing
// yet, and ends at the first signal.
func TestSignalWhileReading(t *testing.T) {
	p := story.New(t, nil)
	cmd := p.Command(t.Context(), "publish", "a.b", "--data", "-")
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
	if code := state.ExitCode(); code != story.ExitTerminated || !strings.Contains(errs.String(), "stopped by SIGTERM") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}
