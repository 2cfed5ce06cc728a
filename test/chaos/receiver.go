package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"sync"
	"time"

	"sealpost/test/judge"
)

// behaviour answers the n-th request (from 1) of one delivery. It returns the
// status that counts, 0 when the request was not answered.
type behaviour func(n int, w http.ResponseWriter, r *http.Request) int

// receiver is called at /NAME and behaves as that webhook's behaviour says.
type receiver struct {
	server *httptest.Server

	mu         sync.Mutex
	behaviours map[string]behaviour
	requests   []judge.Request
	counts     map[string]int
	conns      map[net.Conn]struct{} // those that are open
	accepted   func()                // called once, with the next connection
}

func newReceiver() *receiver {
	r := &receiver{behaviours: make(map[string]behaviour), counts: make(map[string]int), conns: make(map[net.Conn]struct{})}
	r.server = httptest.NewUnstartedServer(r)
	r.server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		r.mu.Lock()
		defer r.mu.Unlock()
		switch state {
		case http.StateNew:
			r.conns[c] = struct{}{}
			if r.accepted != nil {
				r.accepted()
				r.accepted = nil
			}
		case http.StateClosed, http.StateHijacked:
			delete(r.conns, c)
		}
	}
	r.server.Start()
	return r
}

func (r *receiver) url(name string) string { return r.server.URL + "/" + name }

// behave sets how a webhook's receiver behaves; 200 unless it is set.
func (r *receiver) behave(name string, b behaviour) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behaviours[name] = b
}

// onAccept has fn called once, when the next connection comes.
func (r *receiver) onAccept(fn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accepted = fn
}

// ServeHTTP notes the request and behaves.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if q.URL.Path == settling {
		return
	}
	arrived := time.Now()
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return // cut in the middle: nobody could act on it
	}
	name, id := path.Base(q.URL.Path), q.Header.Get("webhook-id")
	r.mu.Lock()
	r.counts[name+" "+id]++
	n, behave := r.counts[name+" "+id], r.behaviours[name]
	place := len(r.requests)
	r.requests = append(r.requests, judge.Request{
		Webhook: name, URL: r.server.URL + q.URL.Path, At: arrived, ID: id, Body: body,
		Signature: q.Header.Get("Signature"), Timestamp: q.Header.Get("webhook-timestamp"), Standard: q.Header.Get("webhook-signature"),
	})
	r.mu.Unlock()
	status := http.StatusOK
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.requests[place].Status = status
	}()
	if behave != nil {
		status = 0 // should it panic, which cuts the connection
		status = behave(n, w, q)
	}
}

// settle waits, after the sender has died, until everything that it had sent
// has been read: requests of the dead still lie in the kernel when a busy
// receiver is slow to take them. Connections are accepted in order, so once one
// of our own has been answered all of the dead have been accepted; and each of
// those closes only after it has been read to its end.
func (r *receiver) settle(ctx context.Context) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.server.URL+settling, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	return until(ctx, time.Minute, func() (bool, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.conns) == 0, nil
	})
}

// settling is where settle calls; no webhook has this name.
const settling = "/-settling"

func (r *receiver) log() []judge.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

func (r *receiver) count(name string) (n int) {
	for _, q := range r.log() {
		if q.Webhook == name {
			n++
		}
	}
	return n
}

// counted is how often an event has come.
func (r *receiver) counted(id string) (n int) {
	for _, q := range r.log() {
		if q.ID == id {
			n++
		}
	}
	return n
}

func (r *receiver) close() {
	r.server.CloseClientConnections()
	r.server.Close()
}

// status answers with a status, and the headers given in pairs.
func status(code int, headers ...string) behaviour {
	return func(_ int, w http.ResponseWriter, _ *http.Request) int {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		return code
	}
}

// reset cuts the connection without an answer.
func reset(int, http.ResponseWriter, *http.Request) int { panic(http.ErrAbortHandler) }

// hang answers only when the caller has given up.
func hang(_ int, _ http.ResponseWriter, r *http.Request) int {
	<-r.Context().Done()
	return 0
}

// slow answers 200 after a while, or nothing when the caller has given up.
func slow(d time.Duration) behaviour {
	return func(_ int, _ http.ResponseWriter, r *http.Request) int {
		select {
		case <-time.After(d):
			return http.StatusOK
		case <-r.Context().Done():
			return 0
		}
	}
}

// raw answers with bytes that are no HTTP.
func raw(text string) behaviour {
	return func(_ int, w http.ResponseWriter, _ *http.Request) int {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return 0
		}
		_, _ = fmt.Fprint(conn, text)
		_ = conn.Close()
		return 0
	}
}

// drip sends a success whose body never ends.
func drip(_ int, w http.ResponseWriter, r *http.Request) int {
	w.WriteHeader(http.StatusOK)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		_, _ = io.WriteString(w, ".")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return http.StatusOK
		}
	}
}

// first behaves so for so many requests of a delivery, and then answers 200.
func first(n int, b behaviour) behaviour {
	return func(i int, w http.ResponseWriter, r *http.Request) int {
		if i <= n {
			return b(i, w, r)
		}
		return http.StatusOK
	}
}
