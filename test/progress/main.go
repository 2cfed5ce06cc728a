// Progress shows how far a test run has come. It reads what `go test -json`
// prints, and prints one line for each package that ends, the whole output of
// each test that fails, and at least every 20 seconds which tests are under way. At
// the end it lists the tests that skipped themselves; those prove nothing:
//
//	go test -json ./... | go run ./test/progress
//
// It exits with 1 when a package failed or when no test ran.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// heartbeat is how long the output is still at the most.
const heartbeat = 20 * time.Second

// line is one event of test2json (go doc test2json).
type line struct {
	Action     string
	Package    string
	ImportPath string // of the events of a build
	Test       string
	Elapsed    float64 // seconds
	Output     string
}

// key names one test, or with an empty test its package.
type key struct{ pack, test string }

// run is what is known of a test run so far.
type run struct {
	out     io.Writer
	began   time.Time
	started map[key]time.Time
	output  map[key][]string
	passed  int
	failed  []string
	skipped []string // with the reason
}

func main() {
	r := &run{out: os.Stdout, began: time.Now(), started: make(map[key]time.Time), output: make(map[key][]string)}
	lines := make(chan string)
	go func() { // ends with the input
		defer close(lines)
		scanner := bufio.NewScanner(os.Stdin)
		scanner.Buffer(nil, 64<<20)
		for scanner.Scan() {
			lines <- scanner.Text()
		}
	}()
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case text, more := <-lines:
			if !more {
				os.Exit(r.end())
			}
			r.take(text)
		case <-tick.C:
			r.beat(time.Now())
		}
	}
}

// take looks at one line of the input. A line that is not JSON is shown as it is.
func (r *run) take(text string) {
	var l line
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		fmt.Fprintln(r.out, text)
		return
	}
	at := key{l.Package, l.Test}
	switch l.Action {
	case "build-output":
		fmt.Fprint(r.out, l.Output)
	case "start", "run":
		r.started[at] = time.Now()
	case "output":
		r.output[at] = append(r.output[at], l.Output)
	case "pass", "skip", "fail":
		r.ended(at, l)
	}
}

// ended is told of a test or a package that has ended.
func (r *run) ended(at key, l line) {
	output := r.output[at]
	delete(r.output, at)
	delete(r.started, at)
	switch {
	case at.test != "" && l.Action == "fail":
		fmt.Fprint(r.out, strings.Join(output, ""))
		r.failed = append(r.failed, at.pack+" "+at.test)
	case at.test != "" && l.Action == "skip":
		r.skipped = append(r.skipped, at.pack+" "+at.test+": "+reason(output))
	case at.test != "":
		r.passed++
	case l.Action == "fail":
		for unfinished, text := range r.output { // a panic or the time limit ended these
			if unfinished.pack == at.pack {
				fmt.Fprint(r.out, strings.Join(text, ""))
			}
		}
		fmt.Fprint(r.out, strings.Join(output, ""))
		r.failed = append(r.failed, at.pack)
	default:
		for _, text := range output { // "ok  package  1.2s", or that there is no test
			if strings.HasPrefix(text, "ok") || strings.HasPrefix(text, "?") {
				fmt.Fprint(r.out, text)
			}
		}
	}
	if at.test == "" {
		r.forget(at.pack)
	}
}

// reason is what a test said when it skipped itself.
func reason(output []string) string {
	for _, text := range slices.Backward(output) {
		text = strings.TrimSpace(text)
		if !strings.HasPrefix(text, "---") && !strings.HasPrefix(text, "===") && text != "" {
			return text
		}
	}
	return "no reason given"
}

// forget drops what is kept of a package that has ended.
func (r *run) forget(pack string) {
	for k := range r.output {
		if k.pack == pack {
			delete(r.output, k)
		}
	}
	for k := range r.started {
		if k.pack == pack {
			delete(r.started, k)
		}
	}
}

// beat says what has been under way for longest.
func (r *run) beat(now time.Time) {
	type entry struct {
		name string
		took time.Duration
	}
	var all []entry
	for k, since := range r.started {
		if k.test != "" {
			all = append(all, entry{strings.TrimPrefix(k.pack, "sealpost/") + " " + k.test, now.Sub(since)})
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return int(b.took - a.took) })
	text := "building"
	if len(all) > 0 {
		var words []string
		for _, e := range all[:min(3, len(all))] {
			words = append(words, fmt.Sprintf("%s (%s)", e.name, e.took.Round(time.Second)))
		}
		text = "under way: " + strings.Join(words, ", ")
	}
	fmt.Fprintf(r.out, "... %s, %d tests passed, %d failed; %s\n", now.Sub(r.began).Round(time.Second), r.passed, len(r.failed), text)
}

// end sums up and returns the exit code.
func (r *run) end() int {
	for _, name := range r.failed {
		fmt.Fprintf(r.out, "FAIL %s\n", name)
	}
	for _, name := range r.skipped {
		fmt.Fprintf(r.out, "SKIP %s\n", name)
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.passed, len(r.failed), len(r.skipped))
	if len(r.failed) > 0 || r.passed == 0 {
		return 1
	}
	return 0
}
