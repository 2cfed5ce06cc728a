package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const lines = "application/x-ndjson"

// loaded is what the load generator did.
type loaded struct {
	Sent  int64     `json:"sent"`  // events
	Acked int64     `json:"acked"` // of those, answered with 2xx
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
	Fault string    `json:"fault"` // the first one

	P50 time.Duration `json:"p50"` // from a request to its answer
	P99 time.Duration `json:"p99"`
}

// load posts events for a time with a number of clients that each wait for
// their answer before they go on, or at a fixed rate.
func load(args []string) error {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	target := flags.String("target", "", "where to post")
	clients := flags.Int("clients", 16, "how many at a time")
	batch := flags.Int("batch", 1, "events of one request")
	rate := flags.Float64("rate", 0, "events a second; 0 is as many as possible")
	length := flags.Duration("time", 5*time.Second, "for how long")
	events := flags.Int64("events", math.MaxInt64, "end when so many have been sent")
	stubborn := flags.Bool("stubborn", false, "go on when a request fails")
	if err := flags.Parse(args); err != nil {
		return err
	}
	g := &generator{target: *target, token: os.Getenv("BENCH_TOKEN"), batch: *batch, most: *events, stubborn: *stubborn, client: newClient(*clients)}
	g.result.Began = time.Now()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, *length)
	defer cancel()
	if *rate > 0 {
		g.pace(ctx, *rate)
	} else {
		g.flood(ctx, *clients)
	}
	g.result.Ended = time.Now()
	g.result.P50, g.result.P99 = percentiles(g.took)
	g.result.Sent = g.next.Load()
	return json.NewEncoder(os.Stdout).Encode(g.result)
}

type generator struct {
	target, token string
	batch         int
	most          int64 // events
	stubborn      bool
	client        *http.Client
	next          atomic.Int64

	mu     sync.Mutex
	result loaded
	took   []time.Duration // from request to answer
}

// flood has each client post one request after the other.
func (g *generator) flood(ctx context.Context, clients int) {
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for ctx.Err() == nil && g.next.Load() < g.most && g.one() {
			}
		})
	}
	wg.Wait()
}

// pace posts at a fixed rate, whether or not the answers keep up.
func (g *generator) pace(ctx context.Context, rate float64) {
	tick := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer tick.Stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		select {
		case <-tick.C:
			wg.Go(func() { g.one() })
		case <-ctx.Done():
			return
		}
	}
}

// one posts one request and reports whether to go on.
func (g *generator) one() bool {
	first := g.next.Add(int64(g.batch)) - int64(g.batch)
	kind, size := "application/json", eventSize
	if g.batch > 1 {
		kind, size = lines, (eventSize+1)*g.batch
	}
	body := make([]byte, 0, size)
	for i := range g.batch {
		body = appendEvent(body, first+int64(i), time.Now())
		if g.batch > 1 {
			body = append(body, '\n')
		}
	}
	began := time.Now()
	err := post(g.client, g.target, g.token, kind, body)
	took := time.Since(began)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.took = append(g.took, took)
	switch {
	case err == nil:
		g.result.Acked += int64(g.batch)
	case g.result.Fault == "":
		g.result.Fault = err.Error()
	}
	return err == nil || g.stubborn
}

// post sends one request; any answer but 2xx is an error.
func post(client *http.Client, target, token, kind string, body []byte) error {
	request, err := http.NewRequest(http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", kind)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	} else {
		request.Header["Signature"] = []string{"9a5d1d7e4e9f0e5c5a1c3c3f5b1b5a6f0d8e7c6b5a49382716050403020100ff"}
		request.Header["Webhook-Id"] = []string{"01J00000000000000000000000"}
		request.Header["Webhook-Timestamp"] = []string{"1767608430"}
		request.Header["Webhook-Signature"] = []string{"v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="}
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(response.Body)
	if closing := response.Body.Close(); err == nil {
		err = closing
	}
	switch {
	case err != nil:
		return err
	case response.StatusCode/100 != 2:
		return fmt.Errorf("status %d: %.200s", response.StatusCode, answer)
	case bytes.Contains(answer, []byte(`"error"`)):
		return fmt.Errorf("a line was refused: %.200s", answer)
	}
	return nil
}
