package main

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata/script")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"sealpost": main,
		"receiver": receiver,
	})
}

// raceExit keeps the race detector from holding each process for a second at its
// end, in case that something is still to be found: these tests start thousands.
const raceExit = "GORACE=atexit_sleep_ms=10"

// TestScript runs the real program, as a person would, against real files and
// real receivers: one story a file.
func TestScript(t *testing.T) {
	docs, err := filepath.Abs("../../docs")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			name, value, _ := strings.Cut(raceExit, "=")
			env.Setenv(name, value)
			env.Setenv("XDG_STATE_HOME", "")
			env.Setenv("SEALPOST_DATABASE", filepath.Join(env.WorkDir, "sealpost.db"))
			env.Setenv("SEALPOST_LISTEN", "127.0.0.1:0")
			env.Setenv("PORT", freePort(t))
			env.Setenv("METRICS_PORT", freePort(t))
			env.Setenv("SEALPOST_METRICS_LISTEN", "off")
			env.Setenv("DOCS", docs)
			env.Setenv("OTHER", "another-signing-secret-0123456789")
			env.Setenv("SECRET", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await": await,
			"field": field,
			"code":  code,
			"lines": lines,
		},
	})
}

// receiver is a program that receives: receiver FOLDER STATUS... answers with
// the statuses in turn (the last one stays), writes what arrives to
// FOLDER/requests.jsonl and FOLDER/body-N, and then, in this order, ca.pem, and
// url (https) and plain (http) to FOLDER.
func receiver() {
	folder := os.Args[1]
	var mu sync.Mutex
	n := 0
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		n++
		words := os.Args[2:]
		word := words[min(n, len(words))-1]
		word, after, _ := strings.Cut(word, ",")
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		if word == "hang" {
			mu.Unlock()
			<-r.Context().Done()
			mu.Lock()
			panic(http.ErrAbortHandler) // or it would answer 200 to a caller that is just leaving
		}
		status, _ := strconv.Atoi(word)
		if status >= 300 && status < 400 {
			w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		}
		line, _ := json.Marshal(map[string]any{"n": n, "status": status, "path": r.URL.Path, "headers": r.Header, "body": string(body), "at": time.Now()})
		file, err := os.OpenFile(filepath.Join(folder, "requests.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(file, "%s\n", line)
		_ = file.Close()
		name := filepath.Join(folder, fmt.Sprintf("body-%d", n))
		_ = os.WriteFile(name+".part", body, 0o600) // whole before somebody waits for it
		_ = os.Rename(name+".part", name)
		w.WriteHeader(status)
		fmt.Fprintf(w, "answer %d\n", n)
	})
	if err := os.MkdirAll(folder, 0o700); err != nil {
		panic(err)
	}
	secure := httptest.NewUnstartedServer(handler)
	secure.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	secure.StartTLS()
	plain := httptest.NewServer(handler)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	for _, file := range []struct{ name, text string }{{"ca.pem", string(ca)}, {"plain", plain.URL}, {"url", secure.URL}} {
		temporary := filepath.Join(folder, "."+file.name)
		if err := errors.Join(os.WriteFile(temporary, []byte(file.text), 0o600), os.Rename(temporary, filepath.Join(folder, file.name))); err != nil {
			panic(err)
		}
	}
	select {}
}

// await FILE waits until a file is there and, in variables named after it,
// offers its text; await URL waits until it answers 200; await TEXT FILE waits
// until a file holds a text.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: await FILE | await URL | await TEXT FILE")
	}
	deadline := time.After(20 * time.Second)
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

// freePort finds a port that nobody listens on, below those that systems hand
// out to whoever asks for any: between here and its use, nobody gets it.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(10_000 + rand.IntN(20_000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			_ = l.Close() // only its number was wanted
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}
