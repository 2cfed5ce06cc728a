package receipts_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sealpost/internal/guard"
	"sealpost/internal/receipts"
	"sealpost/internal/secret"
)

const (
	hashA = "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	hashB = "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	hashC = "0xcccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
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

// onChain is the answer for the chain that tests are on.
var onChain = result(1, `"0x539"`)

func kindOf(err error) string {
	if f, is := errors.AsType[*receipts.Fault](err); is {
		return f.Kind
	}
	return fmt.Sprintf("no fault: %v", err)
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
		// A quantity is written in one way only.
		"status 0x01":           receiptOf(hashA, "0x7", "0x01"),
		"status 0x00":           receiptOf(hashA, "0x7", "0x00"),
		"status 0X1":            receiptOf(hashA, "0x7", "0X1"),
		"status 1":              receiptOf(hashA, "0x7", "1"),
		"status 0x":             receiptOf(hashA, "0x7", "0x"),
		"status with blanks":    receiptOf(hashA, "0x7", " 0x1"),
		"status as number":      `{"transactionHash":"` + hashA + `","blockNumber":"0x7","status":1}`,
		"status true":           `{"transactionHash":"` + hashA + `","blockNumber":"0x7","status":true}`,
		"status null":           `{"transactionHash":"` + hashA + `","blockNumber":"0x7","status":null}`,
		"another name's status": `{"transactionHash":"` + hashA + `","blockNumber":"0x7","Status":"0x1"}`,
		"block with a zero":     receiptOf(hashA, "0x07", "0x1"),
		"block in capitals":     receiptOf(hashA, "0xA", "0x1"),
		"empty block":           receiptOf(hashA, "", "0x1"),
		"bare block":            receiptOf(hashA, "0x", "0x1"),
		"signed block":          receiptOf(hashA, "0x+7", "0x1"),
	} {
		t.Run(name, func(t *testing.T) {
			n := node(t, func(w http.ResponseWriter, r *http.Request) {
				calls(t, r)
				fmt.Fprintf(w, "[%s,%s,%s]", result(3, good), onChain, result(2, first)) // in any order
			})
			found, err := n.Receipts(t.Context(), 1337, []string{hashA, hashB})
			if err != nil {
				t.Fatal(err)
			}
			if found[0].Outcome != nil || kindOf(found[0].Err) != receipts.BadAnswer {
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
		fmt.Fprintf(w, "[%s,%s,%s]", onChain, result(2, "null"), result(3, `{"transactionHash":"`+hashB+`","blockNumber":null}`))
	})
	found, err := n.Receipts(t.Context(), 1337, []string{hashA, hashB})
	if err != nil || found[0] != (receipts.Finding{}) || found[1] != (receipts.Finding{}) {
		t.Errorf("%+v (%v)", found, err)
	}
}

// TestUselessNodes have no answer at all, and the error never shows a key that
// stands in the URL.
func TestUselessNodes(t *testing.T) {
	says := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) } //nolint:errcheck // a test's own server
	}
	for name, one := range map[string]struct {
		kind    string
		handler http.HandlerFunc
	}{
		"repeats the key": {receipts.Refused, says(`{"error":{"code":-32000,"message":"no key-0123456789, no token-9876"}}`)},
		"unauthorized":    {receipts.Refused, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }},
		"limits":          {receipts.Refused, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }},
		"garbage":         {receipts.BadAnswer, says("<html>key-0123456789")},
		"numbers":         {receipts.BadAnswer, says(`[{"id":1,"result":1337},{"id":2,"result":7}]`)},
		"a zero in front": {receipts.BadAnswer, says(`[{"id":1,"result":"0x0539"},{"id":2,"result":"0x7"}]`)},
		"no chain":        {receipts.BadAnswer, says(`[{"id":2,"result":"0x7"}]`)},
		"redirects": {receipts.Refused, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		}},
		"redirects with an answer": {receipts.Refused, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(302)
			fmt.Fprintf(w, "[%s,%s]", onChain, result(2, `"0x7"`))
		}},
		"hangs up": {receipts.Unreachable, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		"huge": {receipts.BadAnswer, func(w http.ResponseWriter, _ *http.Request) {
			chunk := []byte(strings.Repeat(" ", 1<<16))
			for range 9 << 4 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(one.handler)
			defer server.Close()
			client, err := guard.Pinned(server.URL, guard.PinnedOptions{})
			if err != nil {
				t.Fatal(err)
			}
			n, err := receipts.NewNode(secret.New(server.URL+"/v1/key-0123456789?token=token-9876"), client)
			if err != nil {
				t.Fatal(err)
			}
			chain, head, err := n.State(t.Context())
			if kindOf(err) != one.kind {
				t.Fatalf("chain %d, head %d, %s instead of %s: %v", chain, head, kindOf(err), one.kind, err)
			}
			for _, key := range []string{"key-0123456789", "token-9876"} {
				if strings.Contains(err.Error(), key) {
					t.Errorf("the error shows a key: %v", err)
				}
			}
		})
	}
}

// TestEachAnswerHasItsChain: behind one URL are many nodes. The one that answers
// for the receipts says itself on which chain it is, or nothing that it says
// is believed.
func TestEachAnswerHasItsChain(t *testing.T) {
	receipt := result(2, receiptOf(hashA, "0x7", "0x1"))
	for name, answer := range map[string]struct{ kind, text string }{
		"another chain":     {receipts.WrongChain, "[" + result(1, `"0x1"`) + "," + receipt + "]"},
		"no chain":          {receipts.BadAnswer, "[" + receipt + "]"},
		"null":              {receipts.BadAnswer, "[" + result(1, "null") + "," + receipt + "]"},
		"two chains":        {receipts.BadAnswer, "[" + onChain + "," + receipt + "," + result(1, `"0x1"`) + "]"},
		"a zero in front":   {receipts.BadAnswer, "[" + result(1, `"0x0539"`) + "," + receipt + "]"},
		"a number":          {receipts.BadAnswer, "[" + result(1, `1337`) + "," + receipt + "]"},
		"chain as an error": {receipts.Refused, `[{"id":1,"error":{"code":-32601,"message":"no such method"}},` + receipt + "]"},
	} {
		t.Run(name, func(t *testing.T) {
			n := node(t, func(w http.ResponseWriter, r *http.Request) {
				if list, batch := calls(t, r); !batch || len(list) != 2 || list[0].Method != "eth_chainId" {
					t.Errorf("asked %+v", list)
				}
				io.WriteString(w, answer.text) //nolint:errcheck // a test's own server
			})
			found, err := n.Receipts(t.Context(), 1337, []string{hashA})
			if found != nil || kindOf(err) != answer.kind {
				t.Errorf("%+v, %s: %v", found, kindOf(err), err)
			}
		})
	}
	t.Run("one by one", func(t *testing.T) { // the chain is another one after the receipts
		asked := 0
		n := node(t, func(w http.ResponseWriter, r *http.Request) {
			list, batch := calls(t, r)
			switch {
			case batch:
				w.WriteHeader(http.StatusMethodNotAllowed)
			case list[0].Method == "eth_chainId":
				asked++
				io.WriteString(w, result(1, fmt.Sprintf(`"0x%x"`, 1336+asked))) //nolint:errcheck // a test's own server
			default:
				io.WriteString(w, receipt) //nolint:errcheck // a test's own server
			}
		})
		if found, err := n.Receipts(t.Context(), 1337, []string{hashA}); found != nil || kindOf(err) != receipts.WrongChain || asked != 2 {
			t.Errorf("%+v, asked %d times: %v", found, asked, err)
		}
	})
}

// TestTooLargeTogether: receipts that are too large together come in smaller
// batches, each with its chain; one that is too large by itself keeps no other
// from being read.
func TestTooLargeTogether(t *testing.T) {
	n := node(t, func(w http.ResponseWriter, r *http.Request) {
		list, batch := calls(t, r)
		if !batch || list[0].Method != "eth_chainId" {
			t.Errorf("asked %+v", list)
		}
		out := []string{onChain}
		for _, c := range list[1:] {
			if c.Params[0] == hashA {
				out = append(out, strings.Repeat(" ", 9<<20))
			}
			out = append(out, result(c.ID, receiptOf(c.Params[0], "0x7", "0x1")))
		}
		io.WriteString(w, "["+strings.Join(out, ",")+"]") //nolint:errcheck // it is left before the end
	})
	found, err := n.Receipts(t.Context(), 1337, []string{hashB, hashA, hashC})
	if err != nil || found[0].Outcome == nil || found[2].Outcome == nil || kindOf(found[1].Err) != receipts.BadAnswer {
		t.Errorf("%+v (%v)", found, err)
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
		fmt.Fprintf(w, "[%s,%s,%s,%s]", onChain, result(2, "null"), result(2, receiptOf(hashA, "0x1", "0x1")), result(9, "null"))
	})
	found, err := n.Receipts(t.Context(), 1337, []string{hashA, hashB})
	if err != nil || found[0].Err == nil || found[1].Err == nil {
		t.Errorf("%+v (%v)", found, err)
	}
}
