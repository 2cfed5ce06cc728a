package provider

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sealpost/internal/store"
	"sealpost/internal/webhook"

	"sealpost/test/story"
)

// TestByHandBesideTheNode completes events by hand in the moment in which the
// node's receipts come. Each event has one of the two, whole, and is sent once
// with it or never; whose came too late is told, or is never told otherwise.
func TestByHandBesideTheNode(t *testing.T) {
	const events = 12
	asked, open := make(chan struct{}), make(chan struct{})
	var once sync.Once
	node := httptest.NewServer(saying(func(calls []rpcCall) (out []string) {
		if len(calls) > 2 {
			once.Do(func() { close(asked) })
			<-open
		}
		for _, c := range calls {
			truth := c.truth()
			if c.asksReceipt() { // in block 7
				truth = receiptOf(c.Params[0], "0x1")
			}
			out = append(out, rpcResult(c.ID, truth))
		}
		return out
	}))
	t.Cleanup(node.Close)
	waiting := map[string]string{}
	for n := range events {
		waiting[fmt.Sprint("e-", n)] = "0x" + strings.Repeat(fmt.Sprintf("%02x", n), 32)
	}
	w := watching(t, node.URL, waiting)
	<-asked // what the watcher will attach is on its way
	var together sync.WaitGroup
	var mu sync.Mutex
	codes := map[string]int{}
	for id, hash := range waiting {
		together.Go(func() {
			// In block 8, and every other one reverted.
			status := map[bool]string{true: "success", false: "reverted"}[hash[len(hash)-1]%2 == 0]
			_, errs, code := w.Run("", "event", "receipt", id, "--transaction-hash", hash, "--block-number", "8", "--status", status)
			if code != story.ExitDone && (code != story.ExitConflict || !strings.Contains(errs, "has another receipt: success in block 7")) {
				t.Errorf("%s: exit code %d\n%s", id, code, errs)
			}
			mu.Lock()
			defer mu.Unlock()
			if codes[id] = code; len(codes) == 2 {
				close(open)
			}
		})
	}
	together.Wait()
	eventually(t, "every event to have its receipt", func() bool {
		for id := range waiting {
			if w.state(id) == "held" {
				return false
			}
		}
		return true
	})
	for id, hash := range waiting {
		state, block := "accepted", 7
		if codes[id] == story.ExitDone {
			if block = 8; hash[len(hash)-1]%2 != 0 {
				state = "reverted"
			}
		}
		receipt := fmt.Sprintf(`"receipt":{"blockNumber":%d,"transactionHash":%q}`, block, hash)
		if state == "accepted" {
			eventually(t, id+" at the receiver", func() bool { return strings.Contains(w.bodies.String(), receipt) })
		}
		if got := w.state(id); got != state {
			t.Errorf("%s is %s, not %s", id, got, state)
		}
		if n := strings.Count(w.bodies.String(), `"id":"`+id+`","timestamp"`); n != map[string]int{"accepted": 1}[state] {
			t.Errorf("%s is %s, and was sent %d times", id, state, n)
		}
	}
}

// vigil is a daemon that watches a node, events that wait, and a receiver.
type vigil struct {
	url string // of the daemon
	story.Program
	path, metrics string
	logs          *story.Record
	bodies        *story.Record
}

// watching starts it, with events by id and what they wait for.
func watching(t *testing.T, url string, waiting map[string]string, env ...string) *vigil {
	t.Helper()
	w := &vigil{path: filepath.Join(t.TempDir(), "s.db"), bodies: &story.Record{}}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w.bodies, "%s\n", body)
	}))
	t.Cleanup(receiver.Close)
	w.Program = story.New(t, append(env,
		"SEALPOST_DATABASE="+w.path, "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_ALLOW_HTTP=true", "SEALPOST_LOG_LEVEL=debug",
		"SEALPOST_RECEIPTS_RPC_URL="+url, "SEALPOST_RECEIPTS_CHAIN_ID=1337", "SEALPOST_RECEIPTS_INTERVAL=100ms",
	))
	if _, errs, code := w.Run("", "webhook", "create", "all", "--url", receiver.URL); code != story.ExitDone {
		t.Fatal(errs)
	}
	s, err := store.Open(t.Context(), store.Options{Path: w.path})
	if err != nil {
		t.Fatal(err)
	}
	for id, hash := range waiting {
		d, err := webhook.NewDraft("transaction.settled", fmt.Appendf(nil, `{"id":%q}`, id))
		if err != nil {
			t.Fatal(err)
		}
		d.ID, d.Await, d.Watch = id, true, hash
		held, err := s.Publish(t.Context(), []webhook.Publication{{Organization: "default", Draft: d, At: time.Now(), HoldUntil: time.Now().Add(time.Hour)}})
		if err != nil || held[0].State != webhook.Held {
			t.Fatalf("%+v (%v)", held, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	w.metrics = story.FreePort(t)
	w.url, w.logs = w.Serve("--metrics-listen", "127.0.0.1:"+w.metrics)
	return w
}

// states are those of the first and the second event.
func (w *vigil) states() string {
	w.T.Helper()
	return w.state("good") + " " + w.state("bad")
}

func (w *vigil) state(id string) string {
	w.T.Helper()
	out, errs, _ := w.Run("", "event", "get", id, "-o", "json")
	var e struct{ State string }
	if err := json.Unmarshal([]byte(out), &e); err != nil {
		w.T.Fatal(err, errs)
	}
	return e.State
}

func (w *vigil) received() []string {
	return strings.Split(strings.TrimSpace(w.bodies.String()), "\n")
}

// peak is the most memory that the daemon has had.
func (w *vigil) peak() (bytes int) {
	w.T.Helper()
	owner, running := store.Daemon(w.path)
	if !running {
		w.T.Fatal("the daemon is gone")
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", owner.PID))
	if err != nil {
		w.T.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		w.T.Fatal(err)
	}
	return kilobytes << 10
}
