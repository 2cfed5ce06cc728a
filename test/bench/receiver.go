package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// received is what the receiver says of the time since it was last asked to
// begin anew.
type received struct {
	Count   int           `json:"count"`   // requests
	Events  int           `json:"events"`  // different ones
	P50     time.Duration `json:"p50"`     // from publishing to the request's arrival
	P99     time.Duration `json:"p99"`     //
	Max     time.Duration `json:"max"`     //
	Last    time.Time     `json:"last"`    // arrival of the newest
	Missing []int64       `json:"missing"` // numbers below the highest that never came, the first few
	Hanging int64         `json:"hanging"` // requests to /hang that are open now
}

// receiver answers 200 to every post and notes what it got.
type receiver struct {
	mu      sync.Mutex
	count   int
	seen    map[int64]struct{}
	highest int64
	waits   []time.Duration
	last    time.Time
	hanging atomic.Int64
}

func (r *receiver) note(event []byte, now time.Time) {
	n, sent := readEvent(event)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	r.seen[n] = struct{}{}
	r.highest = max(r.highest, n)
	r.waits = append(r.waits, now.Sub(sent))
	r.last = now
}

func (r *receiver) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count, r.highest, r.waits = 0, -1, r.waits[:0]
	r.seen = make(map[int64]struct{}, 1<<16)
}

func (r *receiver) summary(full bool) received {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := received{Count: r.count, Events: len(r.seen), Last: r.last, Hanging: r.hanging.Load()}
	if !full {
		return s
	}
	for n := int64(0); n <= r.highest && len(s.Missing) < 10; n++ {
		if _, came := r.seen[n]; !came {
			s.Missing = append(s.Missing, n)
		}
	}
	if len(r.waits) > 0 {
		sorted := slices.Sorted(slices.Values(r.waits))
		s.P50, s.P99, s.Max = sorted[len(sorted)/2], sorted[len(sorted)*99/100], sorted[len(sorted)-1]
	}
	return s
}

// received asks a receiver's process what came; full adds latencies and gaps.
func (p *process) received(full bool) (s received, err error) {
	url := p.url + "/summary"
	if full {
		url += "?full"
	}
	response, err := http.Get(url)
	if err != nil {
		return s, err
	}
	defer response.Body.Close() //nolint:errcheck // only read
	return s, json.NewDecoder(response.Body).Decode(&s)
}

// reset has a receiver's process begin anew.
func (p *process) reset() error {
	response, err := http.Post(p.url+"/reset", "text/plain", nil)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// receive is the receiver's process: POST / takes an event, GET /summary says
// what came, POST /reset begins anew. POST /hang answers nothing, ever.
func receive(args []string) error {
	flags := flag.NewFlagSet("receiver", flag.ExitOnError)
	if err := flags.Parse(args); err != nil {
		return err
	}
	r := &receiver{}
	r.reset()
	buffers := sync.Pool{New: func() any { return new([4096]byte) }}
	return listen(func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/summary":
			_ = json.NewEncoder(w).Encode(r.summary(q.URL.RawQuery == "full"))
		case "/reset":
			r.reset()
		case "/hang":
			_, _ = io.Copy(io.Discard, q.Body) // only who has read all hears of the caller's leaving
			r.hanging.Add(1)
			defer r.hanging.Add(-1)
			<-q.Context().Done()
		default:
			buffer := buffers.Get().(*[4096]byte)
			n, err := io.ReadFull(q.Body, buffer[:])
			if err == nil || n == 0 {
				http.Error(w, "an event of the benchmark is smaller, and not empty", http.StatusBadRequest)
				return
			}
			r.note(buffer[:n], time.Now())
			buffers.Put(buffer)
			w.WriteHeader(http.StatusOK)
		}
	})
}

// listen serves on a port of its own choice and prints its URL first.
func listen(handler http.HandlerFunc) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", l.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(l)
}
