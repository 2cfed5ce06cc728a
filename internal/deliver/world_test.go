package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// The engine runs here over the real store, in a bubble of its own time. Only
// the receivers are stood in for: a function answers instead of a network.

// receivers answers requests by host.
type receivers struct {
	mu     sync.Mutex
	answer func(r *http.Request, n int) (status int, header http.Header, err error)
	seen   []seen
	counts map[string]int
}

// seen is one request that arrived.
type seen struct {
	at   time.Time
	host string
	id   string
	body string
}

func (r *receivers) Do(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	if r.counts == nil {
		r.counts = make(map[string]int)
	}
	r.counts[request.URL.Host]++
	n := r.counts[request.URL.Host]
	r.seen = append(r.seen, seen{time.Now(), request.URL.Host, request.Header.Get("webhook-id"), string(body)})
	r.mu.Unlock()
	status, header, err := r.answer(request, n)
	if err != nil {
		return nil, err
	}
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader("ok"))}, nil
}

func (r *receivers) requests() []seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]seen(nil), r.seen...)
}

// world is a store with an engine over it.
type world struct {
	t      *testing.T
	store  *store.Store
	engine *deliver.Engine
	to     *receivers
	opts   deliver.Options
	path   string
	client deliver.Doer                     // what stands between the engine and the receivers; nil for nothing
	wrap   func(*store.Store) deliver.Store // what stands between the engine and the store; nil for nothing
}

func newWorld(t *testing.T, opts deliver.Options, answer func(*http.Request, int) (int, http.Header, error)) *world {
	t.Helper()
	w := &world{t: t, to: &receivers{answer: answer}, opts: opts, path: filepath.Join(t.TempDir(), "sealpost.db")}
	w.store = w.openStore()
	w.start()
	return w
}

func (w *world) openStore() *store.Store {
	w.t.Helper()
	s, err := store.Open(w.t.Context(), store.Options{Path: w.path, Create: true, Migrate: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) start() {
	w.t.Helper()
	synctest.Wait() // the store has told nobody of what was published, before there is an engine to tell
	between := deliver.Store(w.store)
	if w.wrap != nil {
		between = w.wrap(w.store)
	}
	client := deliver.Doer(w.to)
	if w.client != nil {
		client = w.client
	}
	w.engine = deliver.New(between, client, w.opts)
	w.store.Notify(w.engine.Offer)
	if err := w.engine.Start(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	w.engine.Stop(ctx)
}

func (w *world) close() {
	w.stop()
	if err := w.store.Close(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) create(name string) {
	w.t.Helper()
	config := webhook.Config{Name: name, URL: "https://" + name + ".example.com/hook"}
	if err := w.store.CreateWebhook(w.t.Context(), "acme", config, secret.Generate(), time.Now()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) publish(s *store.Store, id, subject string, to ...string) webhook.Publishing {
	w.t.Helper()
	draft, err := webhook.NewDraft("transaction.created", []byte(fmt.Sprintf(`{"id":%q}`, subject)))
	if err != nil {
		w.t.Fatal(err)
	}
	draft.ID = id
	results, err := s.Publish(w.t.Context(), []webhook.Publication{{Organization: "acme", Draft: draft, To: to, At: time.Now()}})
	if err := errors.Join(err, results[0].Err); err != nil {
		w.t.Fatal(err)
	}
	return results[0]
}

func (w *world) delivery(result webhook.Publishing) webhook.Delivery {
	w.t.Helper()
	d, err := w.store.Delivery(w.t.Context(), "acme", result.Deliveries[0])
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// pass lets the bubble's time go by.
func pass(d time.Duration) { <-time.After(d) }

// exact is the default timetable without jitter.
func exact() webhook.RetryPolicy {
	p := webhook.DefaultRetry()
	p.Jitter = 0
	return p
}

func always(status int) func(*http.Request, int) (int, http.Header, error) {
	return func(*http.Request, int) (int, http.Header, error) { return status, nil, nil }
}

func (w *world) enable(name string) {
	w.t.Helper()
	w.change(name, func(c *webhook.Config) { c.Disabled = false })
}

func (w *world) change(name string, how func(*webhook.Config)) {
	w.t.Helper()
	_, _, err := w.store.ChangeWebhook(w.t.Context(), "acme", name, secret.Text{}, time.Now(), func(found *webhook.Webhook) (*webhook.Config, error) {
		next := found.Config.Clone()
		how(&next)
		return &next, nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}
