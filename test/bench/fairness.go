package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	hangers   = 5000    // webhooks whose receiver never answers
	poured    = 100_000 // events of the loud organization
	hangsFor  = 5 * time.Second
	fairDelay = 250 * time.Millisecond
	loudDelay = 500 * time.Millisecond
)

// hanging measures one healthy webhook among thousands whose receivers take a
// request and never answer. Attempts end after five seconds instead of sixty, so
// that all of them run out, and begin again, within the measurement.
func hanging(ctx context.Context, b *bench) ([]row, error) {
	hangs, err := role(ctx, "receiver")
	if err != nil {
		return nil, err
	}
	defer hangs.stop(syscall.SIGKILL)
	d, err := b.newDaemon(ctx, "SEALPOST_DELIVERY_TIMEOUT="+hangsFor.String(), "SEALPOST_DELIVERY_MAX_PER_HOST=65536") // all of them hang at one host
	if err != nil {
		return nil, err
	}
	defer d.stop()
	if err := d.hangers(ctx, hangs.url+"/hang"); err != nil {
		return nil, err
	}
	api := d.process.url + "/api/event"
	if _, err := b.flow(ctx, d.token, "-target", api, "-rate", "100"); err != nil { // the healthy one is known to be
		return nil, err
	}
	for n := range 3 { // each of the others gets so many
		if _, err := d.run(ctx, "publish", "hang.now", "--data", fmt.Sprintf(`{"n":%d,"sent":0}`, n)); err != nil {
			return nil, err
		}
	}
	err = until(ctx, time.Minute, 10*time.Millisecond, func() (bool, error) {
		s, err := hangs.received(false)
		return s.Hanging >= hangers*6/10, err // those that are known to fail share half of the room, and a few descriptors make that less
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for receivers to hang: %w", err)
	}
	f, err := b.busy(ctx, d.process, d.token, "-target", api, "-rate", "100", "-time", (2 * hangsFor).String())
	if err != nil {
		return nil, err
	}
	memory, err := d.process.memory()
	if err != nil {
		return nil, err
	}
	files, err := os.ReadDir(d.process.file("fd"))
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("%d webhooks hang: ", hangers)
	return []row{
		{title + "the healthy one at 100/s, p50 / p99", millisecondsOf(f.received.P50) + " / " + millisecondsOf(f.received.P99), "p99 ≤ " + millisecondsOf(fairDelay), judge(f.received.P99 <= fairDelay)},
		{title + "memory, open files", fmt.Sprintf("%s, %d", megabytes(memory), len(files)), "", plain},
	}, nil
}

// hangers makes the webhooks that hang, with one document.
func (d *daemon) hangers(ctx context.Context, url string) error {
	type hook struct {
		URL    string   `json:"url"`
		Events []string `json:"events"`
	}
	document := struct {
		Webhooks map[string]hook `json:"webhooks"`
	}{make(map[string]hook, hangers)}
	for n := range hangers {
		document.Webhooks[fmt.Sprintf("hangs-%d", n)] = hook{url, []string{"hang.*"}}
	}
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	path := filepath.Join(d.folder, "hangers.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	_, err = d.run(ctx, "webhook", "apply", "-f", path, "-q")
	return err
}

// neighbour measures one organization's events while another pours in as many
// as it can, through the same daemon and file.
func neighbour(ctx context.Context, b *bench) ([]row, error) {
	other, err := role(ctx, "receiver")
	if err != nil {
		return nil, err
	}
	defer other.stop(syscall.SIGKILL)
	d, err := b.newDaemon(ctx)
	if err != nil {
		return nil, err
	}
	defer d.stop()
	if _, err := d.run(ctx, "webhook", "create", "loud", "--org", "loud", "--url", other.url); err != nil {
		return nil, err
	}
	loud, err := d.newToken(ctx, "--org", "loud")
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, shape := range [][]string{{"-batch", "100", "-clients", "4"}, {"-clients", "64"}} {
		if err := other.reset(); err != nil {
			return nil, err
		}
		api := []string{"-target", d.process.url + "/api/event"}
		type pouring struct {
			loaded loaded
			err    error
		}
		done := make(chan pouring, 1)
		go func() {
			l, err := b.load(ctx, loud, append(append(shape, api...), "-events", fmt.Sprint(poured), "-time", "2m")...)
			done <- pouring{l, err}
		}()
		f, err := b.flow(ctx, d.token, append(api, "-rate", "100")...)
		if err != nil {
			return nil, err
		}
		p := <-done
		if p.err != nil || p.loaded.Fault != "" {
			return nil, fmt.Errorf("the loud one: %w %s", p.err, p.loaded.Fault)
		}
		err = until(ctx, time.Minute, 10*time.Millisecond, func() (bool, error) {
			s, err := other.received(false)
			return s.Events >= int(p.loaded.Acked), err
		})
		if err != nil {
			return nil, err
		}
		title := fmt.Sprintf("another organization pours in %d events %s", poured, map[bool]string{true: "in batches of 100", false: "one by one"}[len(shape) > 2])
		rows = append(rows, row{title + ": publish → received at 100/s, p50 / p99",
			fmt.Sprintf("%s / %s (beside %s)", millisecondsOf(f.received.P50), millisecondsOf(f.received.P99), perSecond(float64(p.loaded.Acked)/p.loaded.Ended.Sub(p.loaded.Began).Seconds())),
			"p99 ≤ " + millisecondsOf(loudDelay), judge(f.received.P99 <= loudDelay)})
	}
	return rows, nil
}
