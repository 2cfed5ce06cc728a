// Receiver is the receiver of the stories: receiver FOLDER WORD... answers with
// the words in turn (the last one stays). A word is a status, STATUS,SECONDS (with
// Retry-After), hang (never answers), or held: it writes FOLDER/held-N, answers
// 503 once FOLDER/go is there, and so lets a story do something in between.
// Its answers have the text of FOLDER/answer, byte for byte, once that file is there.
// What arrives is written to FOLDER/requests.jsonl and FOLDER/body-N. Once it
// listens it writes, in this order, ca.pem, url (https) and plain (http) to FOLDER.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	folder := os.Args[1]
	var mu sync.Mutex
	n := 0
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		n++
		n := n
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
		if word == "held" {
			mu.Unlock()
			_ = os.WriteFile(filepath.Join(folder, fmt.Sprintf("held-%d", n)), nil, 0o600)
			waitFor(r.Context(), filepath.Join(folder, "go"))
			mu.Lock()
			word = "503"
		}
		status, _ := strconv.Atoi(word)
		if status >= 300 && status < 400 {
			w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		}
		line, _ := json.Marshal(map[string]any{"n": n, "status": status, "path": r.URL.Path, "target": r.RequestURI, "headers": r.Header, "body": string(body), "at": time.Now()})
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
		text, err := os.ReadFile(filepath.Join(folder, "answer"))
		if err != nil {
			text = fmt.Appendf(nil, "answer %d\n", n)
		}
		_, _ = w.Write(text)
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

// waitFor returns once a file is there, or once the caller has gone.
func waitFor(ctx context.Context, path string) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
