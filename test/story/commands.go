package story

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// await FILE waits until a file is there and, in variables named after it,
// offers its text; await URL waits until it answers 200; await TEXT FILE waits
// until a file holds a text.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: await FILE | await URL | await TEXT FILE")
	}
	deadline := time.After(Patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if awaited(ts, args) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("waited in vain for %q", args)
		}
	}
}

func awaited(ts *testscript.TestScript, args []string) bool {
	if strings.HasPrefix(args[0], "http") {
		response, err := http.Get(args[0])
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK
	}
	name := args[len(args)-1]
	text, err := os.ReadFile(ts.MkAbs(name))
	if err != nil || len(args) == 2 && !strings.Contains(string(text), args[0]) {
		return false
	}
	if len(args) == 1 {
		ts.Setenv(strings.ToUpper(strings.NewReplacer("/", "_", ".", "_", "-", "_").Replace(name)), strings.TrimSpace(string(text)))
	}
	return true
}

// field VARIABLE FILE PATH puts one value of a JSON file into a variable; the
// path is dotted, with numbers for lists.
func field(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: field VARIABLE FILE PATH")
	}
	var value any
	text := ts.ReadFile(args[1])
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		ts.Fatalf("%s is not JSON: %v\n%s", args[1], err, text)
	}
	for part := range strings.SplitSeq(args[2], ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(v) {
				ts.Fatalf("no %s in %s", args[2], text)
			}
			value = v[i]
		default:
			ts.Fatalf("no %s in %s", args[2], text)
		}
	}
	ts.Setenv(args[0], fmt.Sprint(value))
}

// code N COMMAND... runs a command that must end with exit code N.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, not %s", got, args[0])
	}
}

// lines N FILE checks how many lines a file has.
func lines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines N FILE")
	}
	if got := strings.Count(ts.ReadFile(args[1]), "\n"); strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s has %d lines, not %s", args[1], got, args[0])
	}
}

// eventually PATTERN COMMAND... runs a command again and again until its output
// fits a regular expression: for what a busy machine may leave out, such as
// completions, which offer nothing when the time is over.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually PATTERN COMMAND...")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	if err != nil {
		ts.Fatalf("%v", err)
	}
	for began := time.Now(); time.Since(began) < Patience; {
		if err := ts.Exec(args[1], args[2:]...); err != nil {
			ts.Fatalf("%v", err)
		}
		if pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("waited in vain for %q", args[0])
}
