package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// bench is what all scenarios share.
type bench struct {
	folder     string
	binary     string
	length     time.Duration
	kept       string // the large file of "lists", when it is kept
	deliveries int    // in the large file
	receiver   *process
	forwarder  *process
	table      []row
}

func newBench(ctx context.Context, o options) (*bench, error) {
	folder, err := os.MkdirTemp("", "sealpost-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{folder: folder, binary: o.binary, length: o.length, kept: o.file, deliveries: o.deliveries}
	if b.binary == "" {
		b.binary = filepath.Join(folder, "sealpost")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.binary, "./cmd/sealpost")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building sealpost (run this from the root of the tree): %w: %s", err, out)
		}
	}
	if b.receiver, err = role(ctx, "receiver"); err != nil {
		return nil, err
	}
	b.forwarder, err = role(ctx, "forwarder", "-target", b.receiver.url)
	return b, err
}

func (b *bench) close() {
	for _, p := range []*process{b.forwarder, b.receiver} {
		if p != nil {
			p.stop(syscall.SIGKILL)
		}
	}
	_ = os.RemoveAll(b.folder)
}

// received asks the receiver what came; full adds latencies and gaps.
func (b *bench) received(full bool) (received, error) { return b.receiver.received(full) }

func (b *bench) reset() error { return b.receiver.reset() }

// say tells on stderr how far the measurement is.
func (b *bench) say(format string, args ...any) { fmt.Fprintf(os.Stderr, "  "+format+"\n", args...) }

// loading runs the load generator until the function that it returns is called, which
// tells what the generator did.
func (b *bench) loading(ctx context.Context, token string, args ...string) func() (loaded, error) {
	ctx, cancel := context.WithCancel(ctx)
	type result struct {
		loaded
		err error
	}
	done := make(chan result, 1)
	go func() {
		l, err := b.load(ctx, token, append(args, "-time", "1h")...)
		if err == nil && l.Fault != "" {
			err = fmt.Errorf("the load generator: %s", l.Fault)
		}
		done <- result{l, err}
	}()
	return func() (loaded, error) {
		cancel()
		r := <-done
		return r.loaded, r.err
	}
}

// load runs the load generator in a process of its own. When ctx ends, the generator
// stops and tells what it did.
func (b *bench) load(ctx context.Context, token string, args ...string) (result loaded, err error) {
	self, err := os.Executable()
	if err != nil {
		return result, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"load"}, args...)...)
	cmd.Cancel = func() error { return errors.Join(cmd.Process.Signal(syscall.SIGTERM), os.ErrProcessDone) }
	cmd.Env = append(os.Environ(), "BENCH_TOKEN="+token)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return result, err
	}
	return result, json.NewDecoder(bytes.NewReader(out)).Decode(&result)
}

// flow is one measurement from publishing to receiving.
type flow struct {
	rate     float64       // events a second, from the first request to the last arrival
	cpu      time.Duration // per event, of the process in between
	loaded   loaded
	received received
}

// busy measures a flow through a process, and what it costs that one.
func (b *bench) busy(ctx context.Context, p *process, token string, args ...string) (f flow, err error) {
	before, err := p.cpu()
	if err != nil {
		return f, err
	}
	if f, err = b.flow(ctx, token, args...); err != nil {
		return f, err
	}
	after, err := p.cpu()
	f.cpu = (after - before) / time.Duration(max(f.received.Events, 1))
	return f, err
}

// flow loads a target for a time and waits until all that was acknowledged has
// been received.
func (b *bench) flow(ctx context.Context, token string, args ...string) (f flow, err error) {
	if err := b.reset(); err != nil {
		return f, err
	}
	if f.loaded, err = b.load(ctx, token, append([]string{"-time", b.length.String()}, args...)...); err != nil {
		return f, err
	}
	if f.loaded.Fault != "" {
		return f, fmt.Errorf("the load generator: %s", f.loaded.Fault)
	}
	err = until(ctx, time.Minute, 2*time.Millisecond, func() (bool, error) {
		s, err := b.received(false)
		return s.Events >= int(f.loaded.Acked), err
	})
	if err != nil {
		return f, err
	}
	if f.received, err = b.received(true); err != nil {
		return f, err
	}
	f.rate = float64(f.received.Events) / f.received.Last.Sub(f.loaded.Began).Seconds()
	return f, nil
}
