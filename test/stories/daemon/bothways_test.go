package daemon

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sealpost/test/story"
)

// differences are the answers that a server rightly gives otherwise than the file,
// each with the reason. Everything else is the same to the byte.
var differences = map[string]string{
	"whoami":           "the file says where the organization was made, a server says as whom one is signed in",
	"webhook get slow": "the API has no member for limits",
}

// bothWays is a database with something of everything, and a daemon that serves it.
type bothWays struct {
	file, server story.Program
}

// TestReadingBothWays runs each command that reads on the file and with --server, over
// the same data, and compares what it prints and how it ends.
func TestReadingBothWays(t *testing.T) {
	w := newBothWays(t)
	for _, words := range w.reading(t) {
		for _, form := range forms(words) {
			args := append(slices.Clone(words), strings.Fields(form)...)
			out, errs, code := w.file.Run("", args...)
			served, servedErrs, servedCode := w.server.Run("", args...)
			same := out == served && errs == servedErrs && code == servedCode
			if !same && differences[strings.Join(words, " ")] == "" {
				t.Errorf("%q differs.\nfile, %d:\n%s%s\nserver, %d:\n%s%s", args, code, out, errs, servedCode, served, servedErrs)
			}
		}
	}
}

// forms are the ways to print that a line is tried in. A list without a filter stands
// for all lists where lines and quiet output are concerned.
func forms(words []string) []string {
	if len(words) == 2 {
		return []string{"", "-o json", "-o jsonl", "-q"}
	}
	return []string{"", "-o json"}
}

func newBothWays(t *testing.T) bothWays {
	t.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/asks":
			w.Header().Set("Retry-After", "7200")
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/dies":
			w.WriteHeader(http.StatusTeapot)
		}
		answer := "so it is: é"
		if r.URL.Path == "/dies" {
			answer += "\xff\x00" // no text
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(receiver.Close)
	env := []string{
		"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "s.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.0/8", "SEALPOST_EGRESS_ALLOW_HTTP=true", "SEALPOST_METRICS_LISTEN=off",
		"SEALPOST_RETRY_ATTEMPTS=5", "SEALPOST_RETRY_BASE=1ms", "SEALPOST_RETRY_MAX_DELAY=1ms", "SEALPOST_PROVIDER_PANDA_SECRET=0123456789abcdef0123456789abcdef",
	}
	w := bothWays{file: story.New(t, env)}
	url, _ := w.file.Serve()
	var token struct{ Token string }
	if err := json.Unmarshal([]byte(w.must(t, "token create ours --role owner -o json")), &token); err != nil {
		t.Fatal(err)
	}
	w.server = story.New(t, []string{"SEALPOST_SERVER=" + url, "SEALPOST_TOKEN=" + token.Token})
	for _, line := range []string{
		"webhook create takes --event transaction.created=HOOK/created --event card.updated=HOOK/card --url HOOK/takes",
		"webhook create asks --only asks.* --url HOOK/asks",
		"webhook create dies --only order.dies --only order.other --url HOOK/dies",
		"webhook create off --url HOOK/off",
		"webhook update off --disable",
		"webhook create slow --only no.such --max-in-flight 2 --rate 1.5 --url HOOK/slow",
		"webhook rotate takes --overlap 3d",
		`publish order.dies --id dies-1 --data {"n":1.50} --to dies`,
		`publish order.paid --id paid-1 --data {"text":"é"} --to takes --to off`,
		`publish asks.once --id asks-1 --data {} --to asks`,
		`publish nobody.wants --id unwanted-1 --data {} --to slow`,
		`publish transaction.created --id held-1 --sample --set id=tx-1 --receipt await`,
		`publish transaction.created --id reverted-1 --sample --set id=tx-2 --receipt await`,
		`publish transaction.created --id behind-1 --sample --set id=tx-1`,
		"event receipt reverted-1 --transaction-hash 0x" + strings.Repeat("ab", 32) + " --block-number 97 --status reverted",
	} {
		w.must(t, strings.ReplaceAll(line, "HOOK", receiver.URL))
	}
	w.settle(t)
	return w
}

// must runs a line on the file.
func (w bothWays) must(t *testing.T, line string) string {
	t.Helper()
	out, errs, code := w.file.Run("", strings.Fields(line)...)
	if code != 0 && code != 7 {
		t.Fatalf("%s ends with %d: %s", line, code, errs)
	}
	return out
}

// settle waits until the daemon has nothing to do but to wait for the receiver that
// asked for hours.
func (w bothWays) settle(t *testing.T) {
	t.Helper()
	deadline := time.After(story.Patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		pending := w.deliveries(t, "--state", "pending")
		if len(pending) == 1 && pending[0].Floor != "" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("these are still pending: %v", pending)
		}
	}
}

type shownDelivery struct {
	ID    string
	Floor string `json:"retryAfter"`
}

func (w bothWays) deliveries(t *testing.T, filter ...string) []shownDelivery {
	t.Helper()
	var found struct{ Data []shownDelivery }
	out := w.must(t, strings.Join(append([]string{"delivery list -o json"}, filter...), " "))
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatal(err)
	}
	return found.Data
}

// reading are the command lines that read.
func (w bothWays) reading(t *testing.T) (all [][]string) {
	t.Helper()
	lines := []string{
		"whoami",
		"webhook list", "webhook export", "webhook get none", "webhook get a_b",
		"event list", "event list --limit 2", "event list --state held", "event list --state reverted", "event list --type order.paid", "event list --type order.payd",
		"event list --transaction tx-1", "event list --since 1h", "event list --since 2999-01-01T00:00:00.5Z", "event get none", "event list --cursor none",
		"delivery list", "delivery list --limit 2", "delivery list --webhook dies", "delivery list --webhook die", "delivery list --event paid-1", "delivery list --event none",
		"delivery list --type order.paid", "delivery list --since 1h", "delivery list --cursor none", "delivery get none", "delivery get dlv_1_1",
		"delivery retry --state dead --dry-run", "delivery retry --state cancelled --dry-run", "event resend --missing --dry-run", "event resend --missing --to none --dry-run",
	}
	for _, state := range []string{"pending", "delivered", "dead", "parked", "cancelled"} {
		lines = append(lines, "delivery list --state "+state)
	}
	for _, name := range []string{"takes", "asks", "dies", "off", "slow"} {
		lines = append(lines, "webhook get "+name)
	}
	for _, id := range []string{"dies-1", "paid-1", "asks-1", "unwanted-1", "held-1", "reverted-1", "behind-1"} {
		lines = append(lines, "event get "+id, "delivery list --event "+id)
	}
	for _, d := range w.deliveries(t) {
		lines = append(lines, "delivery get "+d.ID, "delivery get "+d.ID+" --body response")
	}
	for _, line := range lines {
		all = append(all, strings.Fields(line))
	}
	return all
}
