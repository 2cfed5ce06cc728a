package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// daemon is a sealpost of its own folder with one webhook and a token.
type daemon struct {
	bench   *bench
	folder  string
	file    string // the database, when it is not in the folder
	address string
	token   string
	env     []string // besides what all daemons have
	process *process
	ready   time.Duration // from start to the first 200 of /readyz
}

// newDaemon makes the database, the webhook and the token, with the program
// itself; start has it serve.
func (b *bench) newDaemon(ctx context.Context, env ...string) (*daemon, error) {
	return b.daemonOn(ctx, "", env...)
}

// daemonOn does the same on a database file that is there, or on a fresh one when
// file is empty.
func (b *bench) daemonOn(ctx context.Context, file string, env ...string) (*daemon, error) {
	folder, err := os.MkdirTemp(b.folder, "daemon-")
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	d := &daemon{bench: b, folder: folder, file: file, address: address, env: env}
	if _, err := d.run(ctx, "webhook", "create", "bench", "--url", b.receiver.url); err != nil {
		return nil, err
	}
	if d.token, err = d.newToken(ctx); err != nil {
		return nil, err
	}
	return d, d.start(ctx)
}

// freeAddress is one of this machine's that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (d *daemon) newToken(ctx context.Context, args ...string) (string, error) {
	out, err := d.run(ctx, append([]string{"token", "create", "bench", "-o", "json"}, args...)...)
	if err != nil {
		return "", err
	}
	var made struct{ Token string }
	return made.Token, json.Unmarshal(out, &made)
}

// command is the program on the daemon's database.
func (d *daemon) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.bench.binary, args...)
	cmd.Env = append(os.Environ(),
		"SEALPOST_DATABASE="+d.database(), "SEALPOST_LISTEN="+d.address, "SEALPOST_METRICS_LISTEN=off",
		"SEALPOST_EGRESS_ALLOW=127.0.0.0/8", "SEALPOST_EGRESS_ALLOW_HTTP=true", "SEALPOST_LOG_LEVEL=warn")
	cmd.Env = append(cmd.Env, d.env...)
	return cmd
}

func (d *daemon) database() string {
	return cmp.Or(d.file, filepath.Join(d.folder, "sealpost.db"))
}

func (d *daemon) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := d.command(ctx, args...)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("sealpost %v: %w: %s", args, err, problem.Bytes())
	}
	return out.Bytes(), nil
}

// start serves and returns when the daemon is ready.
func (d *daemon) start(ctx context.Context, before ...string) error {
	cmd := d.command(ctx, "serve")
	if len(before) > 0 { // under another program, such as strace
		traced := exec.CommandContext(ctx, before[0], append(before[1:], cmd.Args...)...)
		traced.Env = cmd.Env
		cmd = traced
	}
	log, err := os.OpenFile(filepath.Join(d.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the daemon has its own handle
	cmd.Stdout, cmd.Stderr = log, log
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	d.process = watch(cmd, "http://"+d.address)
	client := &http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	err = until(ctx, 30*time.Second, time.Millisecond, func() (bool, error) {
		select {
		case <-d.process.done:
			text, _ := os.ReadFile(log.Name())
			return false, fmt.Errorf("the daemon has ended: %s", text)
		default:
		}
		response, err := client.Get(d.process.url + "/readyz")
		if err != nil {
			return false, nil
		}
		return response.StatusCode == http.StatusOK, response.Body.Close()
	})
	d.ready = time.Since(began)
	return err
}

func (d *daemon) stop() { d.process.stop(syscall.SIGTERM) }

// until asks again and again until the answer is yes, or the time is over.
func until(ctx context.Context, most, every time.Duration, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, most, errors.New("waited in vain"))
	defer cancel()
	tick := time.NewTicker(every)
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
