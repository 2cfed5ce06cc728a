package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// process is one that the benchmark has started.
type process struct {
	cmd  *exec.Cmd
	url  string // where it listens
	done chan struct{}
}

// role starts this program in a role that listens, and reads where.
func role(ctx context.Context, name string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{name}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the %s said nothing: %w", name, err), cmd.Wait())
	}
	return watch(cmd, strings.TrimSpace(url)), nil
}

func watch(cmd *exec.Cmd, url string) *process {
	p := &process{cmd: cmd, url: url, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ends is no part of the measurement
		close(p.done)
	}()
	return p
}

// stop ends a process with a signal and waits for it.
func (p *process) stop(signal os.Signal) {
	_ = p.cmd.Process.Signal(signal)
	<-p.done
}

func (p *process) file(name string) string {
	return fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, name)
}

// cpu is the time that a process has spent on all cores.
func (p *process) cpu() (time.Duration, error) {
	text, err := os.ReadFile(p.file("stat"))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name before may hold anything
	fields := strings.Fields(rest)
	const utime, stime, ticks = 11, 12, 100 // proc(5), counted from the state; USER_HZ
	user, err1 := strconv.Atoi(fields[utime])
	system, err2 := strconv.Atoi(fields[stime])
	return time.Duration(user+system) * time.Second / ticks, errors.Join(err1, err2)
}

// memory is a process's proportional set size in bytes.
func (p *process) memory() (int64, error) {
	f, err := os.Open(p.file("smaps_rollup"))
	if err != nil {
		return 0, err
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(f)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Pss:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("smaps_rollup has no Pss")
}
