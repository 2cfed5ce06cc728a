package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// upkeep measures a daemon's latency while another process prunes the file that
// it works on, and while one backs it up.
func upkeep(ctx context.Context, b *bench) ([]row, error) {
	d, err := b.newDaemon(ctx)
	if err != nil {
		return nil, err
	}
	defer d.stop()
	api := d.process.url + "/api/event"
	for range 2 { // something to prune
		if _, err := b.flow(ctx, d.token, "-target", api, "-clients", "4", "-batch", "100"); err != nil {
			return nil, err
		}
	}
	wait(ctx, 2*time.Second) // until it is old
	var rows []row
	measure := func(title string, args ...string) ([]byte, error) {
		other := d.beside(ctx, args...)
		f, err := b.flow(ctx, d.token, "-target", api, "-rate", "100")
		if err != nil {
			return nil, err
		}
		out, took, err := other()
		if err != nil {
			return nil, err
		}
		text := millisecondsOf(f.received.P50) + " / " + millisecondsOf(f.received.P99)
		if args != nil {
			text += fmt.Sprintf(", for %.1f s of %.1f", min(took, b.length).Seconds(), b.length.Seconds())
		}
		rows = append(rows, row{title + ": publish → received at 100/s, p50 / p99", text, "≤ 2.5 / 15 ms", judge(f.received.P50 <= 2500*time.Microsecond && f.received.P99 <= 15*time.Millisecond)})
		return out, nil
	}
	if _, err := measure("a large file at rest"); err != nil {
		return nil, err
	}
	if _, err := measure("db backup beside it", "db", "backup", "-y", d.folder+"/copy.db"); err != nil {
		return nil, err
	}
	out, err := measure("db prune beside it", "db", "prune", "--older-than", "1s", "-o", "json")
	if err != nil {
		return nil, err
	}
	var pruned struct{ Events int }
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&pruned); err != nil {
		return nil, err
	}
	return append(rows, row{"events pruned meanwhile", fmt.Sprint(pruned.Events), "", plain}), nil
}

// beside runs the program beside the daemon, or nothing; the function that it
// returns waits for it and tells what it printed and how long it took.
func (d *daemon) beside(ctx context.Context, args ...string) func() ([]byte, time.Duration, error) {
	type result struct {
		out  []byte
		took time.Duration
		err  error
	}
	done := make(chan result, 1)
	go func() {
		if args == nil {
			done <- result{}
			return
		}
		began := time.Now()
		out, err := d.run(ctx, args...)
		done <- result{out, time.Since(began), err}
	}()
	return func() ([]byte, time.Duration, error) {
		r := <-done
		return r.out, r.took, r.err
	}
}
