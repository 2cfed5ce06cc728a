package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// told is what the program says of a delivery when somebody looks at it.
type told struct {
	ID       string
	Event    string
	State    string
	Reason   string
	Next     time.Time
	Attempts []struct {
		N        int
		Status   int
		Error    string
		Response string
	}
}

// told asks the running daemon about a webhook's deliveries.
func (w *world) told(webhook string) ([]told, error) {
	var page struct{ Data []told }
	if status, err := w.client.do(http.MethodGet, "/api/delivery?limit=100&webhook="+url.QueryEscape(webhook), "", &page); err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("listing deliveries: status %d: %w", status, err)
	}
	for i := range page.Data {
		if status, err := w.client.do(http.MethodGet, "/api/delivery/"+page.Data[i].ID, "", &page.Data[i]); err != nil || status != http.StatusOK {
			return nil, fmt.Errorf("reading a delivery: status %d: %w", status, err)
		}
	}
	return page.Data, nil
}

// failed is how an attempt failed, in a form that scripts rely on: the stable
// code of an error, else the status.
func (t told) failed(n int) string {
	if len(t.Attempts) <= n {
		return "no such attempt"
	}
	if code, _, found := strings.Cut(t.Attempts[n].Error, ": "); found {
		return code
	}
	return strconv.Itoa(t.Attempts[n].Status)
}

// expect wants each delivery of a webhook to be in a state, after a first
// attempt that ended so.
func (w *world) expect(webhook, first, state string) error {
	found, err := w.told(webhook)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%s has no deliveries", webhook)
	}
	for _, d := range found {
		if got := d.failed(0); got != first || d.State != state {
			return breach("told", "%s: a delivery is %s after a first attempt with %s, not %s after %s: %.400s", webhook, d.State, got, state, first, fmt.Sprintf("%+v", d.Attempts))
		}
	}
	return err
}

// memory is the most that the daemon has had in memory, in bytes.
func (w *world) memory() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.daemon.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmHWM:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no VmHWM in %s", text)
}

// bounded wants the daemon to have kept its memory within bounds.
func (w *world) bounded(most int64) error {
	memory, err := w.memory()
	if err == nil && memory > most {
		err = fmt.Errorf("the daemon had %d MB in memory, and may have %d", memory>>20, most>>20)
	}
	return err
}
