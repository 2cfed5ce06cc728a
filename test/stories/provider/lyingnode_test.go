package provider

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sealpost/test/story"
)

// The transactions that two events wait for: the first one succeeded, the
// second one was reverted, on chain 1337, where block 9 is the newest.
var (
	goodHash = "0x" + strings.Repeat("a", 64)
	badHash  = "0x" + strings.Repeat("b", 64)
)

// What the node's URL holds, in the forms in which it may come back.
const nodeUser, nodePath = "user-of-node:p%40ss-of-node@", "/v3/key%2Dof-node/?token=token%2Bof-node"

var nodeKeys = regexp.MustCompile(`(?i)user-of-node|p(@|%40)ss-of-node|key(-|%2d)of-node|token(\+|%2b)of-node|dXNlci1vZi1ub2Rl`)

// rpcCall is a call as a node hears it.
type rpcCall struct {
	ID     int
	Method string
	Params []string
}

// truth is the result of a call.
func (c rpcCall) truth() string {
	switch c.Method {
	case "eth_chainId":
		return `"0x539"`
	case "eth_blockNumber":
		return `"0x9"`
	}
	return receiptOf(c.Params[0], map[string]string{goodHash: "0x1", badHash: "0x0"}[c.Params[0]])
}

func (c rpcCall) asksReceipt() bool { return c.Method == "eth_getTransactionReceipt" }

func receiptOf(hash, status string) string {
	return fmt.Sprintf(`{"transactionHash":%q,"blockNumber":"0x7","status":%q}`, hash, status)
}

func rpcResult(id int, result string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":%s}`, id, result)
}

// saying is a node that takes batches and says to each call what it likes.
func saying(answer func(calls []rpcCall) []string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var calls []rpcCall
		if err := json.NewDecoder(r.Body).Decode(&calls); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, "["+strings.Join(answer(calls), ",")+"]")
	}
}

// lying is one that says the truth but for the results that it changes.
func lying(change func(c rpcCall, truth string) string) http.HandlerFunc {
	return saying(func(calls []rpcCall) (out []string) {
		for _, c := range calls {
			out = append(out, rpcResult(c.ID, change(c, c.truth())))
		}
		return out
	})
}

// echo repeats all that it was told, as routers and proxies do.
func echo(r *http.Request) string {
	user, password, _ := r.BasicAuth()
	return fmt.Sprintf("no access to %s (%s, %v) as %s:%s, %s", r.URL.Path, r.URL.RequestURI(), r.URL.Query(), user, password, r.Header.Get("Authorization"))
}

// TestLyingNodes runs the daemon against nodes that are wrong, each in its own
// way. Nothing is released wrongly, other events are delivered as ever, memory
// is bounded, and log, metrics and doctor name the fault without the key.
func TestLyingNodes(t *testing.T) {
	elsewhere := httptest.NewServer(lying(func(_ rpcCall, truth string) string {
		t.Error("a redirect was followed")
		return truth
	}))
	defer elsewhere.Close()
	chunk := []byte(strings.Repeat(" ", 1<<20))
	for _, node := range []struct {
		name    string
		handler http.HandlerFunc
		fault   string // as the metrics have it; "" for none
		words   string // of the log and doctor
	}{
		{"1 GB", func(w http.ResponseWriter, _ *http.Request) {
			for range 1 << 10 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, "bad_answer", "larger than 8 MiB"},
		{"redirects", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.RequestURI(), http.StatusTemporaryRedirect)
		}, "refused", "redirects are never followed"},
		{"unknown root", nil, "unreachable", "certificate"},
		{"401", func(w http.ResponseWriter, r *http.Request) { http.Error(w, echo(r), http.StatusUnauthorized) }, "refused", "the node answers 401"},
		{"echoes", func(w http.ResponseWriter, r *http.Request) {
			text, _ := json.Marshal(echo(r))
			fmt.Fprintf(w, `[{"id":1,"error":{"code":-32001,"message":%s}}]`, text)
		}, "refused", "no access to"},
		{"another transaction", lying(func(c rpcCall, truth string) string {
			if c.asksReceipt() {
				return receiptOf("0x"+strings.Repeat("c", 64), "0x1")
			}
			return truth
		}), "bad_answer", "answers for another transaction"},
		{"the other's answers", saying(func(calls []rpcCall) (out []string) {
			for i, c := range calls {
				if c.asksReceipt() { // swapped, each with the other's number
					c.Params = calls[len(calls)-i].Params
				}
				out = append(out, rpcResult(c.ID, c.truth()))
			}
			return out
		}), "bad_answer", "answers for another transaction"},
		{"twice", saying(func(calls []rpcCall) (out []string) {
			for _, c := range calls {
				out = append(out, rpcResult(c.ID, c.truth()))
				if c.asksReceipt() {
					out = append(out, rpcResult(c.ID, receiptOf(c.Params[0], "0x1")))
				}
			}
			return out
		}), "bad_answer", "answers a call twice"},
		{"status 0x01", lying(func(_ rpcCall, truth string) string {
			return strings.NewReplacer(`"0x1"`, `"0x01"`, `"0x0"`, `"0x00"`).Replace(truth)
		}), "bad_answer", "is neither 0x1 nor 0x0"},
		{"another chain behind the balancer", saying(func(calls []rpcCall) (out []string) {
			for _, c := range calls {
				truth := c.truth()
				if c.Method == "eth_chainId" && len(calls) > 2 {
					truth = `"0x1"`
				}
				out = append(out, rpcResult(c.ID, truth))
			}
			return out
		}), "wrong_chain", "chain id is 1 instead of 1337"},
		{"another order", saying(func(calls []rpcCall) (out []string) { // which is no lie
			for _, c := range calls {
				out = append([]string{rpcResult(c.ID, c.truth())}, out...)
			}
			return out
		}), "", ""},
		{"drips", func(w http.ResponseWriter, r *http.Request) {
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for {
				_, _ = io.WriteString(w, "[")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-tick.C:
				case <-r.Context().Done():
					return
				}
			}
		}, "unreachable", ""}, // after 15 s; internal/receipts has the time for it
	} {
		t.Run(node.name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(node.handler)
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			if node.handler == nil {
				server.StartTLS()
			} else {
				server.Start()
			}
			t.Cleanup(server.Close) // after the daemon, which may be in the middle of a request
			w := watching(t, strings.Replace(server.URL, "://", "://"+nodeUser, 1)+nodePath, map[string]string{"good": goodHash, "bad": badHash})
			var saw string // all that somebody may look at
			if node.words != "" {
				eventually(t, "the log to say "+node.words, func() bool { return strings.Contains(w.logs.String(), node.words) })
				eventually(t, "the metrics to say "+node.fault, func() bool {
					all, count := scrape(t, w.metrics, `sealpost_receipt_node_faults_total{fault="`+node.fault+`"} `)
					saw = all
					return count != "" && count != "0" && strings.Contains(all, "\nsealpost_receipt_node_up 0\n")
				})
				out, errs, code := w.Run("", "doctor")
				if code != story.ExitNegative || !strings.Contains(out, "fail  receipts.node") || !strings.Contains(out, node.words) {
					t.Errorf("doctor ends with %d\n%s%s", code, out, errs)
				}
				saw += out + errs
			}
			if out, errs, code := w.Run("", "publish", "order.paid", "--data", "{}", "--wait"); code != story.ExitDone {
				t.Errorf("publishing ends with %d\n%s%s", code, out, errs)
			}
			want := "held held"
			if node.fault == "" {
				want = "accepted reverted"
				eventually(t, "both receipts", func() bool { return w.states() == want })
				eventually(t, "the delivery", func() bool {
					return slices.ContainsFunc(w.received(), func(s string) bool { return strings.Contains(s, goodHash) })
				})
			}
			if got := w.states(); got != want {
				t.Errorf("the events are %s", got)
			}
			for _, body := range w.received() {
				if strings.Contains(body, `"transaction"`) && (node.fault != "" || !strings.Contains(body, `"receipt":{"blockNumber":7,"transactionHash":"`+goodHash+`"}`)) {
					t.Errorf("sent %s", body)
				}
			}
			if saw += w.logs.String(); nodeKeys.MatchString(saw) {
				t.Errorf("%q is shown:\n%s", nodeKeys.FindString(saw), saw)
			}
			if peak := w.peak(); peak > 256<<20 {
				t.Errorf("it took %d MiB", peak>>20)
			}
		})
	}
}
