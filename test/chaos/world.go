package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"sealpost/test/judge"
)

// The retry policy of all scenarios.
var policy = judge.Policy{Attempts: 8, Base: 50 * time.Millisecond, Factor: 2, MaxDelay: time.Second}

// timeout is that of one attempt in all scenarios.
const timeout = 2 * time.Second

// patience is how long a scenario waits for something that must come: far more
// than a slow and busy machine needs.
const patience = 3 * time.Minute

// world is one scenario's own: a database, a daemon, a receiver and a client.
type world struct {
	folder, binary string
	disk           string // where the database is, when it has a disk of its own
	address        string
	token          string
	random         *rand.Rand
	receiver       *receiver
	client         *client
	secrets        map[string][]judge.Secret
	closed         map[string][]judge.Span // by URL
	crashes        []time.Time
	frozen         []judge.Span
	known          map[judge.Key]time.Time // deliveries that were on file as ended by then
	planned        []judge.Plan            // retries that were on file while no daemon ran
	putAway        map[string]bool         // webhooks that are disabled or deleted for good
	others         map[string]bool         // webhooks of organizations that the judge does not look at
	env            []string

	daemon *exec.Cmd
	ended  chan struct{}
}

// build makes the program, with other files in place of some of its own.
func build(ctx context.Context, folder string, overlay map[string]string) (string, error) {
	out, err := os.CreateTemp(folder, "sealpost-")
	if err != nil {
		return "", err
	}
	args := []string{"build", "-trimpath", "-o", out.Name()}
	if overlay != nil {
		text, err := json.Marshal(map[string]any{"Replace": overlay})
		if err != nil {
			return "", err
		}
		path := out.Name() + ".overlay"
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return "", err
		}
		args = append(args, "-overlay", path)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "sealpost/cmd/sealpost")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building sealpost: %w: %s", errors.Join(err, out.Close()), text)
	}
	return out.Name(), out.Close()
}

// newWorld makes a database with a token and the webhooks named.
func newWorld(ctx context.Context, seed uint64, folder, binary string, webhooks ...string) (*world, error) {
	folder, err := os.MkdirTemp(folder, "world-")
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &world{
		folder: folder, binary: binary, address: l.Addr().String(), secrets: make(map[string][]judge.Secret), closed: make(map[string][]judge.Span), known: make(map[judge.Key]time.Time), putAway: make(map[string]bool),
		random: rand.New(rand.NewPCG(seed, 4)),
	}
	if err := l.Close(); err != nil {
		return nil, err
	}
	w.receiver = newReceiver()
	for _, name := range webhooks {
		var made struct{ Secret string }
		if err := w.json(ctx, &made, "webhook", "create", name, "--url", w.receiver.url(name)); err != nil {
			return nil, errors.Join(err, w.close())
		}
		w.secrets[name] = append(w.secrets[name], judge.Secret{Value: made.Secret})
	}
	var made struct{ Token string }
	if err := w.json(ctx, &made, "token", "create", "chaos"); err != nil {
		return nil, errors.Join(err, w.close())
	}
	w.token = made.Token
	w.client = newClient("http://"+w.address, made.Token, webhooks)
	return w, nil
}

func (w *world) database() string { return filepath.Join(cmp.Or(w.disk, w.folder), "sealpost.db") }

func (w *world) logFile() string { return filepath.Join(w.folder, "log") }

// command is the program in this world.
func (w *world) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, w.binary, args...)
	cmd.Env = append(append(os.Environ(),
		"SEALPOST_DATABASE="+w.database(), "SEALPOST_LISTEN="+w.address, "SEALPOST_METRICS_LISTEN=off",
		"SEALPOST_EGRESS_ALLOW=127.0.0.0/8", "SEALPOST_EGRESS_ALLOW_HTTP=true",
		"SEALPOST_RETRY_ATTEMPTS=7", "SEALPOST_RETRY_BASE=50ms", "SEALPOST_RETRY_MAX_DELAY=1s", "SEALPOST_DELIVERY_TIMEOUT="+timeout.String(),
		"SEALPOST_DELIVERY_SHUTDOWN_GRACE=2s"), w.env...)
	return cmd
}

// json runs a command and reads what it prints.
func (w *world) json(ctx context.Context, into any, args ...string) error {
	cmd := w.command(ctx, append(args, "-o", "json")...)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("sealpost %v: %w: %s", args, err, problem.Bytes())
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(out.Bytes(), into)
}

// start has the daemon serve, under another program when one is given, and
// returns when it is ready.
func (w *world) start(ctx context.Context, under ...string) error {
	if err := w.launch(ctx, under...); err != nil {
		return err
	}
	return w.ready(ctx)
}

// launch starts the daemon and does not wait for it.
func (w *world) launch(ctx context.Context, under ...string) error {
	cmd := w.command(ctx, "serve")
	if len(under) > 0 {
		above := exec.CommandContext(ctx, under[0], append(under[1:], cmd.Args...)...)
		above.Env = cmd.Env
		cmd = above
	}
	log, err := os.OpenFile(w.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the daemon has its own handle
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	w.daemon, w.ended = cmd, ended
	go func() {
		_ = cmd.Wait() // how it ends is the scenario's affair
		close(ended)
	}()
	return nil
}

// ready waits until the daemon serves.
func (w *world) ready(ctx context.Context) error {
	return until(ctx, patience, func() (bool, error) {
		select {
		case <-w.ended:
			text, _ := os.ReadFile(w.logFile())
			return false, fmt.Errorf("the daemon has ended: %s", tail(text))
		default:
		}
		response, err := http.Get("http://" + w.address + "/readyz")
		if err != nil {
			return false, nil
		}
		return response.StatusCode == http.StatusOK, response.Body.Close()
	})
}

// crash kills the daemon and waits until it is gone.
func (w *world) crash(ctx context.Context) error {
	_ = w.daemon.Process.Kill()
	<-w.ended
	return w.crashed(ctx)
}

// crashed is gone, with an autopsy.
func (w *world) crashed(ctx context.Context) error {
	if err := w.gone(ctx); err != nil {
		return err
	}
	return w.autopsy(ctx)
}

// gone notes that the daemon has ended without order. What it had sent by then
// has arrived when it is started again.
func (w *world) gone(ctx context.Context) error {
	if err := w.receiver.settle(ctx); err != nil {
		return fmt.Errorf("reading what the dead had sent: %w", err)
	}
	w.crashes = append(w.crashes, time.Now())
	return nil
}

// autopsy reads what the dead has left and remembers what had ended, which may
// not be tried again, and what waits, which may not be tried before its time. It
// reads a copy, so that the next start finds the files as they were.
func (w *world) autopsy(ctx context.Context) error {
	file, err := w.look(ctx)
	if err != nil {
		return err
	}
	if file.Integrity != "ok" {
		return broken{{Rule: judge.Integrity, Detail: "after a crash: " + file.Integrity}}
	}
	now := time.Now()
	for _, e := range file.Events {
		for _, d := range e.Deliveries {
			k := judge.Key{Webhook: d.Webhook, ID: e.ID}
			if _, known := w.known[k]; !known && (d.State == judge.Delivered || d.State == judge.Dead) {
				w.known[k] = now
			}
			if !d.Due.IsZero() {
				w.planned = append(w.planned, judge.Plan{Key: k, At: now, Due: d.Due})
			}
		}
	}
	return nil
}

// look reads a copy of the database as it is on disk.
func (w *world) look(ctx context.Context) (*judge.File, error) {
	folder, err := os.MkdirTemp(w.folder, "copy-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	path := filepath.Join(folder, "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(w.database() + suffix)
		if err == nil {
			err = os.WriteFile(path+suffix, content, 0o600)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	return judge.Read(ctx, path)
}

// stop ends the daemon in order.
func (w *world) stop(ctx context.Context) error {
	_ = w.daemon.Process.Signal(syscall.SIGTERM)
	select {
	case <-w.ended:
		if code := w.daemon.ProcessState.ExitCode(); code != 0 {
			return fmt.Errorf("stopped in order, the daemon ended with exit code %d", code)
		}
		return w.autopsy(ctx)
	case <-time.After(patience):
		return errors.Join(errors.New("the daemon did not stop"), w.crash(ctx))
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *world) close() error {
	if w.daemon != nil {
		_ = w.daemon.Process.Kill()
		<-w.ended
	}
	w.receiver.close()
	return os.RemoveAll(w.folder)
}

// rest waits until nothing is pending any more.
func (w *world) rest(ctx context.Context) error {
	err := until(ctx, 2*patience, func() (bool, error) {
		return w.client.idle("/api/delivery?state=pending&limit=1")
	})
	if err == nil {
		return nil
	}
	file, reading := w.look(ctx)
	if reading != nil {
		return errors.Join(err, reading)
	}
	pending, example := 0, ""
	for _, e := range file.Events {
		for _, d := range e.Deliveries {
			if d.State == judge.Pending {
				pending++
				example = fmt.Sprintf("%s to %s, tried %d times", e.ID, d.Webhook, d.Attempts)
			}
		}
	}
	return fmt.Errorf("%w: %d deliveries are pending, such as %s", err, pending, example)
}

// verdict judges what happened, with the daemon stopped.
func (w *world) verdict(ctx context.Context) error {
	file, err := judge.Read(ctx, w.database())
	if err != nil {
		return err
	}
	log, err := os.ReadFile(w.logFile())
	if err != nil {
		return err
	}
	found := judge.Judge(judge.Case{
		Sent: w.client.log(), Received: w.receiver.log(), File: file, Policy: policy,
		Secrets: w.secrets, Closed: w.closed, Crashes: w.crashes, Frozen: w.frozen, Ended: w.known, Planned: w.planned, PutAway: w.putAway, Others: w.others,
		Tokens: []string{w.token, w.client.token}, Logs: [][]byte{log},
	})
	if len(found) == 0 {
		return nil
	}
	return broken(found)
}

// broken is the judge's verdict that promises were.
type broken []judge.Violation

func (b broken) Error() string {
	return fmt.Sprintf("%d promises were broken, the first: %s", len(b), b[0])
}

// breach is a promise that a scenario saw broken itself, where there is nothing
// for the judge to see.
func breach(rule judge.Rule, format string, args ...any) error {
	return broken{{Rule: rule, Detail: fmt.Sprintf(format, args...)}}
}

func tail(text []byte) []byte { return text[max(0, len(text)-600):] }

// until asks again and again until the answer is yes, or the time is over.
func until(ctx context.Context, most time.Duration, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, most, errors.New("waited in vain"))
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// pass lets time pass while something runs.
func pass(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
