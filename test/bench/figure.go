package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func perSecond(rate float64) string { return fmt.Sprintf("%.0f/s", rate) }

func millisecondsOf(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 1:
		return fmt.Sprintf("%.3f ms", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.0f MB", float64(bytes)/(1<<20)) }

// wait lets time pass while something runs.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// interrupt ends a program that runs under another one: the signal goes to its
// children, and the one above follows them.
func (p *process) interrupt() {
	text, _ := os.ReadFile(p.file(fmt.Sprintf("task/%d/children", p.cmd.Process.Pid)))
	for _, child := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(child); err == nil {
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
	}
	<-p.done
}

// readCalls reads the summary of strace -c: how often each call was made.
func readCalls(path string) (map[string]int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	calls := make(map[string]int)
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line) // % time, seconds, usecs/call, calls, errors?, syscall
		if len(fields) < 5 {
			continue
		}
		if n, err := strconv.Atoi(fields[3]); err == nil {
			calls[fields[len(fields)-1]] = n
		}
	}
	return calls, nil
}
