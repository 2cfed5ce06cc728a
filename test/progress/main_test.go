package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestProgress(t *testing.T) {
	const input = `{"Action":"start","Package":"p/good"}
{"Action":"run","Package":"p/good","Test":"TestA"}
{"Action":"output","Package":"p/good","Test":"TestA","Output":"chatter\n"}
{"Action":"pass","Package":"p/good","Test":"TestA","Elapsed":0.1}
{"Action":"output","Package":"p/good","Output":"ok  \tp/good\t0.1s\n"}
{"Action":"pass","Package":"p/good","Elapsed":0.1}
{"Action":"run","Package":"p/bad","Test":"TestB"}
{"Action":"output","Package":"p/bad","Test":"TestB","Output":"what went wrong\n"}
{"Action":"fail","Package":"p/bad","Test":"TestB","Elapsed":0.1}
{"Action":"run","Package":"p/bad","Test":"TestRoot"}
{"Action":"output","Package":"p/bad","Test":"TestRoot","Output":"=== RUN   TestRoot\n"}
{"Action":"output","Package":"p/bad","Test":"TestRoot","Output":"    a_test.go:9: only root can\n"}
{"Action":"output","Package":"p/bad","Test":"TestRoot","Output":"--- SKIP: TestRoot (0.00s)\n"}
{"Action":"skip","Package":"p/bad","Test":"TestRoot","Elapsed":0}
{"Action":"fail","Package":"p/bad","Elapsed":0.1}
{"Action":"run","Package":"p/hangs","Test":"TestC"}
{"Action":"output","Package":"p/hangs","Test":"TestC","Output":"panic: test timed out\n"}
{"Action":"fail","Package":"p/hangs","Elapsed":0.1}
{"Action":"build-output","ImportPath":"p/broken","Output":"does not compile\n"}
{"Action":"fail","Package":"p/broken"}
a line of a tool`
	var out bytes.Buffer
	r := &run{out: &out, began: time.Now(), started: make(map[key]time.Time), output: make(map[key][]string)}
	for text := range strings.Lines(input) {
		r.take(strings.TrimSuffix(text, "\n"))
	}
	r.started[key{"p/slow", "TestD"}] = r.began
	r.beat(r.began.Add(time.Minute))
	if code := r.end(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		"ok  \tp/good\t0.1s\n", "what went wrong\n", "panic: test timed out\n", "does not compile\n", "a line of a tool\n",
		"... 1m0s, 1 tests passed, 4 failed; under way: p/slow TestD (1m0s)\n",
		"FAIL p/bad TestB\nFAIL p/bad\nFAIL p/hangs\nFAIL p/broken\nSKIP p/bad TestRoot: a_test.go:9: only root can\n1 passed, 4 failed, 1 skipped\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("not shown: %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "chatter") {
		t.Errorf("what a test that passed has to say is shown:\n%s", out.String())
	}
}

func TestNoTestAtAll(t *testing.T) {
	var out bytes.Buffer
	if code := (&run{out: &out}).end(); code != 1 {
		t.Errorf("a run without a test ends with %d", code)
	}
}
