package receipts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/receipts"
	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// chain is a node that answers from memory, without a network.
type chain struct {
	t        *testing.T
	mu       sync.Mutex
	id, head int
	receipts map[string]string
	down     bool
	breaks   bool // the code that asks it
	drips    bool // a byte a second
	astray   bool // the node that has the receipts is on another chain than the one that was asked before
	requests int
}

func (c *chain) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	if c.breaks {
		panic("canary")
	}
	if c.down {
		return nil, io.ErrUnexpectedEOF
	}
	list, batch := calls(c.t, r)
	var out []string
	for _, call := range list {
		value := fmt.Sprintf(`"0x%x"`, c.head)
		switch call.Method {
		case "eth_chainId":
			if value = fmt.Sprintf(`"0x%x"`, c.id); c.astray && strings.Contains(fmt.Sprint(list), "eth_getTransactionReceipt") {
				value = `"0x1"`
			}
		case "eth_getTransactionReceipt":
			if value = c.receipts[call.Params[0]]; value == "" {
				value = "null"
			}
		}
		out = append(out, result(call.ID, value))
	}
	text := strings.Join(out, ",")
	if batch {
		text = "[" + text + "]"
	}
	body := io.Reader(strings.NewReader(text))
	if c.drips {
		body = drip{r.Context(), body}
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
}

// drip is a body of which a byte comes each second.
type drip struct {
	ctx context.Context
	of  io.Reader
}

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		return d.of.Read(p[:1])
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}

func (c *chain) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

type meter struct {
	mu   sync.Mutex
	said map[string]int
}

func (m *meter) note(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.said[what]++
}
func (m *meter) NodeState(uint64)                         { m.note("up") }
func (m *meter) NodeFault(kind string)                    { m.note(kind) }
func (m *meter) Panicked()                                { m.note("panic") }
func (m *meter) ReceiptAttached(o webhook.ReceiptOutcome) { m.note(o.Status()) }

// world is a watcher at work on a real database.
type world struct {
	*testing.T
	store *store.Store
	chain *chain
	meter *meter
	log   *bytes.Buffer
}

func run(t *testing.T, confirmations uint64, story func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "s.db"), Create: true, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t, s, &chain{t: t, id: 1337, head: 10, receipts: map[string]string{}}, &meter{said: map[string]int{}}, &bytes.Buffer{}}
		node, err := receipts.NewNode(secret.New("http://node.example/v1/key-0123456789"), &http.Client{Transport: w.chain})
		if err != nil {
			t.Fatal(err)
		}
		watcher := receipts.New(s, node, receipts.Options{ChainID: 1337, Confirmations: confirmations, Interval: 2 * time.Second,
			Log: slog.New(slog.NewTextHandler(w.log, nil)), Meter: w.meter, Now: time.Now})
		s.Notify(func(c webhook.Committed) {
			if c.Watched || c.Foreign {
				watcher.Wake()
			}
		})
		if err := s.CreateWebhook(t.Context(), "acme", webhook.Config{Name: "a", URL: "u"}, secret.Generate(), time.Now()); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); watcher.Run(ctx) }()
		story(w)
		stop()
		<-done
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// hold publishes an event that waits for a transaction.
func (w *world) hold(id, hash string) {
	w.Helper()
	d, err := webhook.NewDraft("transaction.created", fmt.Appendf(nil, `{"id":"tx-%s"}`, id))
	if err != nil {
		w.Fatal(err)
	}
	d.ID, d.Await, d.Watch = id, true, hash
	results, err := w.store.Publish(w.Context(), []webhook.Publication{{Organization: "acme", Draft: d, At: time.Now(), HoldUntil: time.Now().Add(24 * time.Hour)}})
	if err != nil || results[0].Err != nil {
		w.Fatal(err, results)
	}
}

func (w *world) after(d time.Duration, id string, want webhook.EventState) webhook.Event {
	w.Helper()
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
	e, err := w.store.Event(w.Context(), "acme", id)
	if err != nil || e.State != want {
		w.Fatalf("%s is %s instead of %s (%v)\n%s", id, e.State, want, err, w.log)
	}
	return e
}

// TestSeveralOnOneHash: each is released with the hash as its publisher wrote it.
func TestSeveralOnOneHash(t *testing.T) {
	run(t, 1, func(w *world) {
		upper := "0x" + strings.ToUpper(hashA[2:])
		w.hold("one", hashA)
		w.hold("two", upper)
		w.hold("other", hashB)
		w.chain.set(func() { w.chain.receipts[hashA], w.chain.head = receiptOf(hashA, "0xb", "0x1"), 11 })
		w.after(3*time.Second, "one", webhook.Accepted)
		e := w.after(0, "two", webhook.Accepted)
		var sent struct{ Receipt webhook.Receipt }
		if err := json.Unmarshal(e.Bytes, &sent); err != nil || sent.Receipt != (webhook.Receipt{BlockNumber: 11, TransactionHash: upper}) {
			t.Errorf("sent %s (%v)", e.Bytes, err)
		}
		w.after(0, "other", webhook.Held)
		w.chain.set(func() { w.chain.receipts[hashB], w.chain.head = receiptOf(hashB, "0xc", "0x0"), 12 })
		w.after(3*time.Second, "other", webhook.Reverted)
	})
}

// TestReorg: a receipt that is gone before it is deep enough releases nothing, and
// the one that takes its place counts from its own block.
func TestReorg(t *testing.T) {
	run(t, 3, func(w *world) {
		w.hold("e", hashA)
		w.chain.set(func() { w.chain.receipts[hashA], w.chain.head = receiptOf(hashA, "0xb", "0x1"), 12 })
		w.after(5*time.Second, "e", webhook.Held)
		w.chain.set(func() { delete(w.chain.receipts, hashA); w.chain.head = 13 })
		w.after(5*time.Second, "e", webhook.Held)
		w.chain.set(func() { w.chain.receipts[hashA], w.chain.head = receiptOf(hashA, "0xd", "0x0"), 14 })
		w.after(5*time.Second, "e", webhook.Held)
		w.chain.set(func() { w.chain.head = 15 })
		w.after(5*time.Second, "e", webhook.Reverted)
	})
}

// TestWrongChain: nothing is believed until the node is on the right one.
func TestWrongChain(t *testing.T) {
	run(t, 1, func(w *world) {
		w.chain.set(func() { w.chain.id, w.chain.receipts[hashA] = 1, receiptOf(hashA, "0x1", "0x1") })
		w.hold("e", hashA)
		w.after(time.Minute, "e", webhook.Held)
		if !strings.Contains(w.log.String(), "level=ERROR") || !strings.Contains(w.log.String(), "chain id is 1 instead of 1337") || w.meter.said[receipts.WrongChain] == 0 {
			t.Errorf("not loud enough: %v\n%s", w.meter.said, w.log)
		}
		w.chain.set(func() { w.chain.id = 1337 })
		w.after(2*time.Minute, "e", webhook.Accepted)
	})
}

// TestAstray: a node that is on the wrong chain answers for the receipts, and
// another one was asked for its chain before. Nothing is believed.
func TestAstray(t *testing.T) {
	run(t, 1, func(w *world) {
		w.chain.set(func() { w.chain.astray, w.chain.receipts[hashA] = true, receiptOf(hashA, "0x1", "0x1") })
		w.hold("e", hashA)
		w.after(time.Minute, "e", webhook.Held)
		if !strings.Contains(w.log.String(), "level=ERROR") || !strings.Contains(w.log.String(), "chain id is 1 instead of 1337") || w.meter.said[receipts.WrongChain] == 0 {
			t.Errorf("not loud enough: %v\n%s", w.meter.said, w.log)
		}
		w.chain.set(func() { w.chain.astray = false })
		w.after(2*time.Minute, "e", webhook.Accepted)
	})
}

// TestDrip: a node whose answer would take a minute is left after 15 s.
func TestDrip(t *testing.T) {
	run(t, 1, func(w *world) {
		w.chain.set(func() { w.chain.drips, w.chain.receipts[hashA] = true, receiptOf(hashA, "0x1", "0x1") })
		w.hold("e", hashA)
		w.after(20*time.Second, "e", webhook.Held)
		if w.chain.requests != 2 || w.meter.said[receipts.Unreachable] != 1 || !strings.Contains(w.log.String(), "no whole answer came in time") {
			t.Errorf("%d requests, %v\n%s", w.chain.requests, w.meter.said, w.log)
		}
	})
}

// TestStoppedInTheMiddle: the daemon is stopped while the node takes its time
// over the very first answer.
func TestStoppedInTheMiddle(t *testing.T) {
	run(t, 1, func(w *world) {
		w.chain.set(func() { w.chain.drips = true })
		w.hold("e", hashA)
		w.after(5*time.Second, "e", webhook.Held)
		if w.chain.requests != 1 {
			t.Errorf("%d requests", w.chain.requests)
		}
	})
}

// TestNodeDown: it is asked ever less often, and no key is in the log.
func TestNodeDown(t *testing.T) {
	run(t, 1, func(w *world) {
		w.chain.set(func() { w.chain.down, w.chain.receipts[hashA] = true, receiptOf(hashA, "0x1", "0x1") })
		w.hold("e", hashA)
		w.after(time.Hour, "e", webhook.Held)
		if n := w.chain.requests; n < 40 || n > 80 {
			t.Errorf("asked %d times in an hour", n)
		}
		w.chain.set(func() { w.chain.down = false })
		w.after(2*time.Minute, "e", webhook.Accepted)
		if strings.Contains(w.log.String(), "key-0123456789") || !strings.Contains(w.log.String(), "can be used again") || strings.Count(w.log.String(), "level=WARN") != 1 {
			t.Errorf("the log:\n%s", w.log)
		}
	})
}

// TestPanic: a bug in watching ends neither the daemon nor the watch.
func TestPanic(t *testing.T) {
	run(t, 1, func(w *world) {
		w.chain.set(func() { w.chain.breaks, w.chain.receipts[hashA] = true, receiptOf(hashA, "0x1", "0x1") })
		w.hold("e", hashA)
		w.after(time.Minute, "e", webhook.Held)
		if w.meter.said["panic"] == 0 || !strings.Contains(w.log.String(), "watcher.go") || strings.Contains(w.log.String(), "canary") {
			t.Errorf("%v\n%s", w.meter.said, w.log)
		}
		w.chain.set(func() { w.chain.breaks = false })
		w.after(2*time.Minute, "e", webhook.Accepted)
	})
}

// TestLies: what does not fit keeps its event waiting and no other.
func TestLies(t *testing.T) {
	run(t, 1, func(w *world) {
		w.chain.set(func() {
			w.chain.receipts[hashA], w.chain.receipts[hashB] = receiptOf(hashB, "0x1", "0x1"), receiptOf(hashB, "0x1", "0x1")
		})
		w.hold("lie", hashA)
		w.hold("good", hashB)
		w.after(3*time.Second, "good", webhook.Accepted)
		w.after(0, "lie", webhook.Held)
		if w.meter.said[receipts.BadAnswer] == 0 || !strings.Contains(w.log.String(), "level=ERROR") || !strings.Contains(w.log.String(), "answers for another transaction") {
			t.Errorf("not loud enough: %v\n%s", w.meter.said, w.log)
		}
		w.chain.set(func() { w.chain.receipts[hashA] = receiptOf(hashA, "0x1", "0x01") }) // the head has not moved
		w.after(2*time.Minute, "lie", webhook.Held)
		w.chain.set(func() { w.chain.receipts[hashA] = receiptOf(hashA, "0x1", "0x1") })
		w.after(2*time.Minute, "lie", webhook.Accepted)
	})
}

// TestQuiet: while nothing waits, nothing is asked; a new event is noticed at
// once.
func TestQuiet(t *testing.T) {
	run(t, 1, func(w *world) {
		w.chain.set(func() { w.chain.receipts[hashA] = receiptOf(hashA, "0x1", "0x1") })
		timer := time.NewTimer(time.Hour)
		<-timer.C
		if w.chain.requests != 0 {
			t.Errorf("%d requests for nothing", w.chain.requests)
		}
		w.hold("e", hashA)
		w.after(200*time.Millisecond, "e", webhook.Accepted)
		before := w.chain.requests
		w.after(time.Hour, "e", webhook.Accepted)
		if w.chain.requests != before {
			t.Errorf("%d requests for nothing", w.chain.requests-before)
		}
	})
}
