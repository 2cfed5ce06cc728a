package story

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// raceExit keeps the race detector from holding each process for a second at its
// end, in case that something is still to be found.
const raceExit = "GORACE=atexit_sleep_ms=10"

// Patience is how long a story waits for something that must come. It is far
// beyond what a slow and busy machine needs, so that no test depends on speed.
const Patience = 2 * time.Minute

// Program runs the real program in processes of its own, with Env besides HOME
// (an empty folder) and PATH.
type Program struct {
	T   testing.TB
	Env []string
}

// New is the program with the variables env, each as NAME=value.
func New(t testing.TB, env []string) Program { return Program{T: t, Env: env} }

// Command is the program about to start with args.
func (p Program) Command(ctx context.Context, args ...string) *exec.Cmd {
	p.T.Helper()
	cmd := exec.CommandContext(ctx, Binary(p.T), args...)
	cmd.Args[0] = "sealpost"
	cmd.Env = append([]string{"HOME=" + p.T.TempDir(), "PATH=" + os.Getenv("PATH"), raceExit, "SEALPOST_SHUTDOWN_DELAY=0s"}, p.Env...)
	return cmd
}

// Run returns standard output, standard error and the exit code.
func (p Program) Run(stdin string, args ...string) (out, errs string, code int) {
	p.T.Helper()
	cmd := p.Command(p.T.Context(), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		p.T.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// KilledAt runs a command and ends it with SIGKILL at the n-th system call of a kind, such
// as fsync or "rename,renameat". It reports whether the command came that far. A command
// that fails by itself fails the test.
func (p Program) KilledAt(call string, n int, args ...string) bool {
	p.T.Helper()
	at := p.Command(p.T.Context(), args...)
	above := exec.CommandContext(p.T.Context(), "strace", append([]string{
		"-f", "-qq", "-o", os.DevNull, "-e", "trace=" + call,
		"-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", call, n), at.Path,
	}, at.Args[1:]...)...)
	above.Env = at.Env
	said, err := above.CombinedOutput()
	var exit *exec.ExitError
	died := errors.As(err, &exit) && !exit.Exited() // strace ends by the signal that ended the program
	if err != nil && !died {
		p.T.Fatalf("%s %d: %v: %s", call, n, err, said)
	}
	return died
}

// Serve starts a daemon and returns its URL; it ends with the test.
func (p Program) Serve(args ...string) (url string, logs *Record) {
	p.T.Helper()
	address := "127.0.0.1:" + FreePort(p.T)
	cmd := p.Command(context.Background(), append([]string{"serve", "--listen", address, "--metrics-listen", "off"}, args...)...)
	logs = &Record{}
	cmd.Stderr = logs
	if err := cmd.Start(); err != nil {
		p.T.Fatal(err)
	}
	p.T.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			p.T.Errorf("the daemon ended with %v\n%s", err, logs)
		}
	})
	url = "http://" + address
	Ready(p.T, url)
	return url, logs
}

// Ready waits until a daemon takes work.
func Ready(t testing.TB, url string) {
	t.Helper()
	deadline := time.After(Patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if response, err := http.Get(url + "/readyz"); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the daemon at %s is not ready", url)
		}
	}
}

// Record keeps what a process writes while it is running.
type Record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *Record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *Record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// FreePort finds a port that nobody listens on, below those that systems hand
// out to whoever asks for any: between here and its use, nobody gets it.
func FreePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(10_000 + rand.IntN(20_000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			_ = l.Close() // only its number was wanted
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}
