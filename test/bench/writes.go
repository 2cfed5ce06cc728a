package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
)

// writes counts what the daemon asks of the file and of the disk, on a run of
// its own: a program that is traced is slow.
func writes(ctx context.Context, b *bench) ([]row, error) {
	if _, err := exec.LookPath("strace"); err != nil {
		return []row{{"writes and syncs per event", "strace is not there", "", plain}}, nil
	}
	metrics, err := freeAddress()
	if err != nil {
		return nil, err
	}
	d, err := b.newDaemon(ctx, "SEALPOST_METRICS_LISTEN="+metrics)
	if err != nil {
		return nil, err
	}
	d.stop()
	summary := d.folder + "/strace"
	if err := d.start(ctx, "strace", "-f", "-c", "-o", summary, "-e", "trace=pwrite64,fsync,fdatasync"); err != nil {
		return nil, err
	}
	f, err := b.flow(ctx, d.token, "-target", d.process.url+"/api/event", "-clients", "64")
	rows, scraping := scrape(ctx, metrics, "sealpost_rows_written_total")
	d.process.interrupt()
	if err := errors.Join(err, scraping); err != nil {
		return nil, err
	}
	calls, err := readCalls(summary)
	if err != nil {
		return nil, err
	}
	n := float64(f.received.Events)
	return []row{
		{"row writes per event (64 clients, traced)", fmt.Sprintf("%.2f", rows/n), "", plain},
		{"page writes per event (64 clients, traced)", fmt.Sprintf("%.2f", float64(calls["pwrite64"])/n), "", plain},
		{"syncs per event (64 clients, traced)", fmt.Sprintf("%.3f", float64(calls["fsync"]+calls["fdatasync"])/n), "", plain},
	}, nil
}

// scrape reads one sample without labels of what the daemon counts.
func scrape(ctx context.Context, address, sample string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if name, value, found := strings.Cut(lines.Text(), " "); found && name == sample {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("the daemon does not count %s", sample)
}
