package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sealpost/internal/store"
	"sealpost/test/bigfile"
)

const (
	listedLeast   = 20                     // how often each list is asked for, at least
	listedMost    = 100                    // and at most
	listDelay     = 50 * time.Millisecond  // aim of the p99 of a list
	emptyDelay    = 5 * time.Millisecond   // aim for an organization that has nothing
	besideLists   = 20 * time.Millisecond  // aim of another tenant's publish p99 meanwhile
	listedOrgs    = 200                    // organizations in the file
	wantsAgain    = 30 * time.Second       // after which a list is given up
	firstOfFile   = 1_700_000_000_000      // when the file's first event was accepted, in milliseconds
	betweenEvents = 100 * time.Millisecond // from one event of the file to the next
)

// lists measures each list call, with each filter that a person would use, on a file with
// millions of deliveries, while another organization publishes.
func lists(ctx context.Context, b *bench) ([]row, error) {
	file, err := b.largeFile(ctx)
	if err != nil {
		return nil, err
	}
	d, err := b.daemonOn(ctx, file)
	if err != nil {
		return nil, err
	}
	defer d.stop()
	var rows []row
	for _, org := range []string{bigfile.Large, bigfile.Small, bigfile.Empty} {
		token, err := d.newToken(ctx, "--org", org)
		if err != nil {
			return nil, err
		}
		some, err := b.listsOf(ctx, d, org, token)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", org, err)
		}
		rows = append(rows, some...)
	}
	return rows, nil
}

// largeFile makes the file, unless it is there already from a run before.
func (b *bench) largeFile(ctx context.Context) (string, error) {
	file := b.kept
	if file == "" {
		file = filepath.Join(b.folder, "large.db")
	}
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	making := file + ".making" // what an interrupted run left is no file to measure
	_ = os.Remove(making)
	spec := bigfile.Spec{Deliveries: b.deliveries, Organizations: listedOrgs, Progress: func(done, total int) { b.say("%d of %d deliveries made", done, total) }}
	if err := bigfile.Make(ctx, making, spec); err != nil {
		return "", err
	}
	s, err := store.Open(ctx, store.Options{Path: making, Migrate: true, NoCopy: true, Migrating: func(n store.MigrationNews) {
		if n.Ended {
			b.say("migrated %s in %s", n.Name, n.Took)
		}
	}})
	if err != nil {
		return "", err
	}
	if err := s.Close(); err != nil {
		return "", err
	}
	_ = os.Remove(making + ".lock")
	return file, os.Rename(making, file)
}

// measured is how long one list took.
type measured struct {
	path     string
	size     int // of the answer, in bytes
	p50, p99 time.Duration
}

// listsOf asks for all lists of one organization while another one publishes.
func (b *bench) listsOf(ctx context.Context, d *daemon, org, token string) ([]row, error) {
	paths, err := listPaths(ctx, d, token, b.deliveries)
	if err != nil {
		return nil, err
	}
	beside := b.loading(ctx, d.token, "-target", d.process.url+"/api/event", "-rate", "100")
	byRoute := map[string][]measured{}
	for _, path := range paths {
		m, err := b.list(ctx, d.process.url, path, token)
		if err != nil {
			_, _ = beside()
			return nil, err
		}
		route, _, _ := strings.Cut(path, "?")
		b.say("%s: GET %s, %s: p50 %s, p99 %s, %d bytes", org, route, filters(path), millisecondsOf(m.p50), millisecondsOf(m.p99), m.size)
		byRoute[route] = append(byRoute[route], m)
	}
	l, err := beside()
	if err != nil {
		return nil, err
	}
	aim := listDelay
	if org == bigfile.Empty {
		aim = emptyDelay
	}
	var rows []row
	for _, route := range []string{"/api/event", "/api/delivery", "/api/webhook"} {
		rows = append(rows, judgeLists(org, route, byRoute[route], aim))
	}
	return append(rows, row{fmt.Sprintf("lists of the %s organization: another's publish, p50 / p99", org), millisecondsOf(l.P50) + " / " + millisecondsOf(l.P99),
		"p99 ≤ " + millisecondsOf(besideLists), judge(l.P99 <= besideLists)}), nil
}

// judgeLists judges a route by its slowest list, and names it.
func judgeLists(org, route string, all []measured, aim time.Duration) row {
	slowest := slices.MaxFunc(all, func(x, y measured) int { return cmp.Compare(x.p99, y.p99) })
	late := 0
	for _, m := range all {
		if m.p99 > aim {
			late++
		}
	}
	return row{fmt.Sprintf("lists of the %s organization: GET %s, the slowest of %d, p50 / p99", org, route, len(all)),
		fmt.Sprintf("%s / %s (%s; %d past the aim)", millisecondsOf(slowest.p50), millisecondsOf(slowest.p99), filters(slowest.path), late),
		"p99 ≤ " + millisecondsOf(aim), judge(late == 0)}
}

// filters are the filters of a list, as a person reads them.
func filters(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.RawQuery == "" {
		return "without filters"
	}
	var parts []string
	for name, values := range u.Query() {
		if name == "cursor" {
			parts = append(parts, "second page")
		} else {
			parts = append(parts, name+"="+values[0])
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// list asks for one list again and again.
func (b *bench) list(ctx context.Context, base, path, token string) (m measured, err error) {
	m.path = path
	var took []time.Duration
	end := time.Now().Add(b.length / 10)
	for n := 0; n < listedMost && (n < listedLeast || time.Now().Before(end)); n++ {
		began := time.Now()
		text, err := get(ctx, base+path, token)
		if err != nil {
			return m, err
		}
		took = append(took, time.Since(began))
		m.size = len(text)
	}
	m.p50, m.p99 = percentiles(took)
	return m, nil
}

// get asks for something that must be answered with 200.
func get(ctx context.Context, target, token string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, wantsAgain)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: status %d: %.200s", target, response.StatusCode, text)
	}
	return text, err
}

// percentiles are the median and the 99th percentile.
func percentiles(took []time.Duration) (p50, p99 time.Duration) {
	if len(took) == 0 {
		return 0, 0
	}
	slices.Sort(took)
	return took[len(took)/2], took[len(took)*99/100]
}
