package provider

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"sealpost/test/story"
)

// The nodes of this test name this address and host of their own network.
const inside = "backend 10.9.8.7:8545 of geth-3.inside.example.internal"

var insideNames = regexp.MustCompile(`10\.9\.8\.7|inside\.example`)

// TestNodeFaultsStayInside has nodes fail with words that name addresses of the operator's
// network and the keys in the node's URL. The log has the words, for the operator. No answer
// of the API, no event and no report to Sentry has any of them.
func TestNodeFaultsStayInside(t *testing.T) {
	quoted := func(text string) string {
		out, _ := json.Marshal(text)
		return string(out)
	}
	for _, node := range []struct {
		name    string
		handler http.HandlerFunc
		sentry  bool // somebody has to look
	}{
		{"an error", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `[{"id":1,"error":{"code":-32001,"message":%s}}]`, quoted(inside+" is away: "+echo(r)))
		}, false},
		{"a chain id", lying(func(c rpcCall, truth string) string {
			if c.Method == "eth_chainId" {
				return quoted(inside)
			}
			return truth
		}), true},
		{"a status", lying(func(c rpcCall, truth string) string {
			if c.asksReceipt() {
				return receiptOf(c.Params[0], inside)
			}
			return truth
		}), true},
		{"another transaction", lying(func(c rpcCall, truth string) string {
			if c.asksReceipt() {
				return receiptOf(inside, "0x1")
			}
			return truth
		}), true},
		{"a field", lying(func(c rpcCall, truth string) string {
			if c.asksReceipt() {
				return strings.Replace(truth, `"blockNumber":"0x7"`, `"blockNumber":`+quoted(inside), 1)
			}
			return truth
		}), true},
	} {
		t.Run(node.name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(node.handler)
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.Start()
			t.Cleanup(server.Close)
			told := story.NewSentry(t)
			w := watching(t, strings.Replace(server.URL, "://", "://"+nodeUser, 1)+nodePath, map[string]string{"good": goodHash, "bad": badHash}, "SEALPOST_SENTRY_DSN="+told.DSN())
			eventually(t, "the log to have the node's words", func() bool { return strings.Contains(w.logs.String(), inside) })
			if node.sentry {
				if report := told.Next(t, "receipts can't be watched for"); report.Contexts.Sealpost["reason"] != "bad_answer" {
					t.Errorf("Sentry is told %+v", report)
				}
			}
			saw := told.Arrived()
			out, errs, code := w.Run("", "token", "create", "ci", "--role", "owner", "-o", "json")
			if code != story.ExitDone {
				t.Fatal(errs)
			}
			var made struct{ Token string }
			if err := json.Unmarshal([]byte(out), &made); err != nil {
				t.Fatal(err)
			}
			for _, call := range [][3]string{
				{"GET", "/api/event/good", ""}, {"GET", "/api/event?state=held", ""}, {"GET", "/api/delivery", ""}, {"GET", "/readyz", ""}, {"GET", "/healthz", ""},
				{"POST", "/api/event/good/receipt", `{"transactionHash":"` + badHash + `"}`}, {"POST", "/api/event/good/receipt", `{"transactionHash":"` + inside + `x"}`},
				{"POST", "/api/event", `{"resource":"transaction","action":"settled","receipt":{"transactionHash":"` + goodHash + `"},"body":{"id":"t9"}}`},
			} {
				answer := ask(t, w.url+call[1], call[0], call[2], made.Token)
				if strings.Contains(call[2], inside) {
					answer = strings.ReplaceAll(answer, inside, "") // the caller's own words
				}
				saw += answer
			}
			for _, args := range [][]string{{"event", "get", "good"}, {"event", "get", "good", "-o", "json"}, {"event", "list"}, {"delivery", "list"}} {
				out, errs, _ := w.Run("", args...)
				saw += out + errs
			}
			saw += told.Arrived()
			for _, secret := range []*regexp.Regexp{insideNames, nodeKeys} {
				if at := secret.FindStringIndex(saw); at != nil {
					t.Errorf("%q is shown: %s", saw[at[0]:at[1]], saw[max(at[0]-300, 0):min(at[1]+300, len(saw))])
				}
			}
		})
	}
}

// ask makes a call to the daemon and returns the answer's text.
func ask(t *testing.T, url, method, body, token string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %s: %d %v %s\n", method, url, response.StatusCode, response.Header, text)
}
