package main

import (
	"bytes"
	"flag"
	"io"
	"net/http"
	"time"
)

// forward is the second yardstick: it takes an event, or one a line, posts it
// on, and answers. It stores nothing, asks nobody who they are, and judges no
// address.
func forward(args []string) error {
	flags := flag.NewFlagSet("forwarder", flag.ExitOnError)
	target := flags.String("target", "", "where to post")
	if err := flags.Parse(args); err != nil {
		return err
	}
	client := newClient(64)
	return listen(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		events := [][]byte{body}
		if r.Header.Get("Content-Type") == lines {
			events = bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
		}
		failed := make(chan error, len(events))
		slots := make(chan struct{}, 16)
		for _, event := range events {
			slots <- struct{}{}
			go func() {
				failed <- post(client, *target, "", "application/json", event)
				<-slots
			}()
		}
		for range events {
			if err := <-failed; err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
		}
		w.WriteHeader(http.StatusAccepted)
	})
}

// newClient makes a client that keeps so many connections open.
func newClient(connections int) *http.Client {
	return &http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true},
	}
}
