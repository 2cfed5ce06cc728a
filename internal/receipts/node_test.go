package receipts_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sealpost/internal/receipts"
	"sealpost/internal/secret"
)

const (
	hashA = "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	hashB = "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

type rpc struct {
	ID     int      `json:"id"`
	Method string   `json:"method"`
	Params []string `json:"params"`
}

// node starts a server that answers as told, and a client of it.
func node(t *testing.T, handler http.HandlerFunc) *receipts.Node {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	n, err := receipts.NewNode(secret.New(server.URL+"/v1/key-0123456789?token=token-9876"), server.Client())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// calls reads the calls of a request.
func calls(t *testing.T, r *http.Request) (list []rpc, batch bool) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	if batch = body[0] == '['; !batch {
		body = []byte("[" + string(body) + "]")
	}
	if err := json.Unmarshal(body, &list); err != nil {
		t.Error(err)
	}
	return list, batch
}

func result(id int, value string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":%s}`, id, value)
}

func receiptOf(hash, block, status string) string {
	return fmt.Sprintf(`{"transactionHash":%q,"blockNumber":%q,"status":%q}`, hash, block, status)
}

// TestAwkwardNodes has each node answer for two transactions: what it says of
// the second one is good, of the first one not.
func TestAwkwardNodes(t *testing.T) {
	good := receiptOf(hashB, "0x7", "0x0")
	for name, first := range map[string]string{
		"another transaction": receiptOf(hashB, "0x7", "0x1"),
		"no hash":             `{"blockNumber":"0x7","status":"0x1"}`,
		"no status":           `{"transactionHash":"` + hashA + `","blockNumber":"0x7"}`,
		"status 2":            receiptOf(hashA, "0x7", "0x2"),
		"decimal block":       receiptOf(hashA, "7", "0x1"),
		"negative block":      receiptOf(hashA, "0x-7", "0x1"),
		"block of a liar":     receiptOf(hashA, "0xffffffffffffffff", "0x1"),
		"block as number":     `{"transactionHash":"` + hashA + `","blockNumber":7,"status":"0x1"}`,
		"list":                `[]`,
		"true":                `true`,
		"empty":               `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			n := node(t, func(w http.ResponseWriter, r *http.Request) {
				calls(t, r)
				fmt.Fprintf(w, "[%s,%s]", result(2, good), result(1, first)) // in any order
			})
			found, err := n.Receipts(t.Context(), []string{hashA, hashB})
			if err != nil {
				t.Fatal(err)
			}
			if found[0].Outcome != nil || found[0].Err == nil {
				t.Errorf("believed: %+v", found[0])
			}
			if o := found[1].Outcome; o == nil || !o.Reverted || o.BlockNumber != 7 || o.TransactionHash != hashB {
				t.Errorf("the good one: %+v", found[1])
			}
		})
	}
}

// TestNothingYet: null, and a receipt without a block, are no receipts and no
// faults.
func TestNothingYet(t *testing.T) {
	n := node(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "[%s,%s]", result(1, "null"), result(2, `{"transactionHash":"`+hashB+`","blockNumber":null}`))
	})
	found, err := n.Receipts(t.Context(), []string{hashA, hashB})
	if err != nil || found[0] != (receipts.Finding{}) || found[1] != (receipts.Finding{}) {
		t.Errorf("%+v (%v)", found, err)
	}
}

// TestUselessNodes have no answer at all, and the error never shows a key that
// stands in the URL.
func TestUselessNodes(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"repeats the key": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"error":{"code":-32000,"message":"no key-0123456789, no token-9876"}}`) //nolint:errcheck // a test's own server
		},
		"unauthorized": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) },
		"limits":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) },
		"garbage":      func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>key-0123456789") }, //nolint:errcheck // a test's own server
		"redirects": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		},
		"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"huge": func(w http.ResponseWriter, _ *http.Request) {
			chunk := []byte(strings.Repeat(" ", 1<<16))
			for range 9 << 4 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := node(t, handler)
			chain, head, err := n.State(t.Context())
			if err == nil {
				t.Fatalf("chain %d, head %d", chain, head)
			}
			for _, key := range []string{"key-0123456789", "token-9876"} {
				if strings.Contains(err.Error(), key) {
					t.Errorf("the error shows a key: %v", err)
				}
			}
		})
	}
}

// TestRefusesBatches falls back to single calls, and does not try batches again.
func TestRefusesBatches(t *testing.T) {
	for name, refusal := range map[string]struct {
		status int
		body   string
	}{
		"with an error":  {200, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch requests are not supported"}}`},
		"with a status":  {400, `bad request`},
		"with both":      {500, `{"error":{"code":-32600,"message":"no"}}`},
		"as not allowed": {405, ``},
		"as too much":    {413, `<html>`},
	} {
		t.Run(name, func(t *testing.T) {
			batches := 0
			n := node(t, func(w http.ResponseWriter, r *http.Request) {
				list, batch := calls(t, r)
				if batch {
					batches++
					w.WriteHeader(refusal.status)
					fmt.Fprint(w, refusal.body)
					return
				}
				fmt.Fprint(w, result(list[0].ID, map[string]string{"eth_chainId": `"0x539"`, "eth_blockNumber": `"0x2a"`}[list[0].Method]))
			})
			for range 2 {
				if chain, head, err := n.State(t.Context()); err != nil || chain != 1337 || head != 42 {
					t.Errorf("chain %d, head %d (%v)", chain, head, err)
				}
			}
			if batches != 1 {
				t.Errorf("%d batches were tried", batches)
			}
		})
	}
}

// TestAnswersTwice: who answers one call twice is not believed, who leaves one
// out has not answered it.
func TestAnswersTwice(t *testing.T) {
	n := node(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "[%s,%s,%s]", result(1, "null"), result(1, receiptOf(hashA, "0x1", "0x1")), result(9, "null"))
	})
	found, err := n.Receipts(t.Context(), []string{hashA, hashB})
	if err != nil || found[0].Err == nil || found[1].Err == nil {
		t.Errorf("%+v (%v)", found, err)
	}
}
