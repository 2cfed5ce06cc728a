package provider

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sealpost/internal/store"
	"sealpost/internal/webhook"

	"sealpost/test/story"
)

// ethereum is a real node, from the npm registry; its chain outlives it.
type ethereum struct {
	t      *testing.T
	port   string
	folder string
	cmd    *exec.Cmd
}

// start runs the node until kill or the end of the test. It fails where Node.js
// or the packages are missing; `make node` installs them.
func (e *ethereum) start() {
	e.t.Helper()
	e.cmd = exec.CommandContext(context.Background(), "node", "node.js", e.port, "1337", e.folder)
	e.cmd.Dir = filepath.Join(story.Root(e.t), "test", "ethereum")
	var said bytes.Buffer
	e.cmd.Stderr = &said
	out, err := e.cmd.StdoutPipe()
	if err == nil {
		err = e.cmd.Start()
	}
	if err != nil {
		e.t.Fatalf("%v (`make node` installs what this test needs)", err)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		e.kill()
		e.t.Fatalf("the node did not start (`make node` installs what this test needs)\n%s", said.String())
	}
}

func (e *ethereum) kill() {
	if e.cmd != nil {
		_ = e.cmd.Process.Kill()
		_ = e.cmd.Wait()
		e.cmd = nil
	}
}

func (e *ethereum) call(method string, params any) (result json.RawMessage) {
	e.t.Helper()
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		e.t.Fatal(err)
	}
	response, err := http.Post("http://127.0.0.1:"+e.port, "application/json", bytes.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // read below
	text, _ := io.ReadAll(response.Body)
	var answer struct{ Result json.RawMessage }
	if err := json.Unmarshal(text, &answer); err != nil || answer.Result == nil {
		e.t.Fatalf("%s: %s", method, text)
	}
	return answer.Result
}

// send hands a transaction in, which waits for the next block. Code that
// reverts is PUSH 0, PUSH 0, REVERT.
func (e *ethereum) send(reverts bool) (hash string) {
	e.t.Helper()
	const from, to = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", "0x70997970c51812dc3a010c7d01b50e0d17dc79c8" // known accounts of test mnemonics
	transaction := map[string]string{"from": from, "to": to, "value": "0x1", "gas": "0x186a0"}
	if reverts {
		transaction = map[string]string{"from": from, "data": "0x60006000fd", "gas": "0x186a0"}
	}
	if err := json.Unmarshal(e.call("eth_sendTransaction", []any{transaction}), &hash); err != nil {
		e.t.Fatal(err)
	}
	return hash
}

func (e *ethereum) mine() { e.call("evm_mine", []any{}) }

// TestEthereum has events wait for transactions on a real node: one succeeds and
// is delivered, signed, with its receipt, after enough blocks; one reverts and
// is never sent; the node is killed in between, and so is the daemon.
func TestEthereum(t *testing.T) {
	folder := t.TempDir()
	node := &ethereum{t: t, port: story.FreePort(t), folder: filepath.Join(folder, "chain")}
	node.start()
	t.Cleanup(node.kill)
	sink := filepath.Join(folder, "sink")
	p := story.New(t, []string{
		"SEALPOST_DATABASE=" + filepath.Join(folder, "sealpost.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.0/8",
		"SEALPOST_EGRESS_CA_FILE=" + filepath.Join(sink, "ca.pem"), "SECRET=" + strings.Repeat("5", 64),
		"SEALPOST_RECEIPTS_RPC_URL=http://user:key-0123456789@127.0.0.1:" + node.port,
		"SEALPOST_RECEIPTS_CHAIN_ID=1337", "SEALPOST_RECEIPTS_CONFIRMATIONS=2", "SEALPOST_RECEIPTS_INTERVAL=100ms", "SEALPOST_RECEIPTS_TIMEOUT=2h",
	})
	receiver := exec.CommandContext(t.Context(), story.Receiver(t), sink, "200")
	if err := receiver.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = receiver.Process.Kill(); _ = receiver.Wait() })
	var url []byte
	eventually(t, "the receiver", func() bool {
		url, _ = os.ReadFile(filepath.Join(sink, "url"))
		return url != nil
	})
	run := func(want string, args ...string) string {
		t.Helper()
		out, errs, code := p.Run("", args...)
		if code != story.ExitDone || !strings.Contains(out+errs, want) {
			t.Fatalf("%q: exit code %d\n%s%s", args, code, out, errs)
		}
		return out
	}
	run("", "webhook", "create", "orders", "--url", string(url)+"/hook", "--secret", "env:SECRET")
	state := func(id string) string {
		t.Helper()
		var e struct{ State string }
		if err := json.Unmarshal([]byte(run("", "event", "get", id, "-o", "json")), &e); err != nil {
			t.Fatal(err)
		}
		return e.State
	}
	var made struct{ Token string }
	if err := json.Unmarshal([]byte(run("", "token", "create", "publisher", "-o", "json")), &made); err != nil {
		t.Fatal(err)
	}
	hold := func(daemon, id, transaction, hash string) {
		t.Helper()
		event := fmt.Sprintf(`{"id":%q,"resource":"transaction","action":"settled","receipt":{"transactionHash":%q},"body":{"id":%q}}`, id, hash, transaction)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, daemon+"/api/event", strings.NewReader(event))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+made.Token)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close() //nolint:errcheck // read below
		if text, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusAccepted {
			t.Fatalf("%d %s", response.StatusCode, text)
		}
	}

	// The daemon is killed, not stopped: what it watches stands in the database.
	address := "127.0.0.1:" + story.FreePort(t)
	cmd := p.Command(context.Background(), "serve", "--listen", address, "--metrics-listen", "off")
	first := &story.Record{}
	cmd.Stderr = first
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	story.Ready(t, "http://"+address)
	good, bad := node.send(false), node.send(true)
	hold("http://"+address, "good", "t1", good)
	hold("http://"+address, "bad", "t2", bad)
	var held struct {
		Timestamp time.Time
		Hold      struct{ Until time.Time }
	}
	if err := json.Unmarshal([]byte(run("", "event", "get", "good", "-o", "json")), &held); err != nil || held.Hold.Until.Sub(held.Timestamp) != 2*time.Hour {
		t.Errorf("receipts.timeout is 2h: %+v (%v)", held, err)
	}
	node.mine()
	run("chain 1337", "doctor") // by now it was asked, and one block is not enough
	if got := state("good") + " " + state("bad"); got != "held held" {
		t.Fatalf("after one block of two: %s\n%s", got, first)
	}
	node.kill()
	eventually(t, "the node to be missed", func() bool { return strings.Contains(first.String(), "can't be watched") })
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	_, logs := p.Serve() // while there is no node
	eventually(t, "the node to be missed", func() bool { return strings.Contains(logs.String(), "can't be watched") })
	node.start()
	node.mine()
	eventually(t, "both receipts", func() bool { return state("good") == "accepted" && state("bad") == "reverted" })

	var body []byte
	eventually(t, "the delivery", func() bool {
		body, _ = os.ReadFile(filepath.Join(sink, "body-1"))
		return body != nil
	})
	if want := fmt.Sprintf(`"receipt":{"blockNumber":1,"transactionHash":%q},"body":{"id":"t1"}}`, good); !strings.HasSuffix(string(body), want) {
		t.Errorf("sent %s", body)
	}
	var request struct{ Headers http.Header }
	line, err := os.ReadFile(filepath.Join(sink, "requests.jsonl"))
	if err != nil || strings.Count(string(line), "\n") != 1 {
		t.Fatalf("received %s (%v)", line, err)
	}
	if err := json.Unmarshal(line, &request); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := p.Run(string(body), "verify-signature", "--secret", "env:SECRET", "-H", "Signature: "+request.Headers.Get("Signature")); code != story.ExitDone {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	run("bad", "event", "list", "--state", "reverted")
	if all := first.String() + logs.String() + run("", "config", "show"); strings.Contains(all, "key-0123456789") {
		t.Errorf("the key of the node's URL is shown:\n%s", all)
	}

	// What another process, this one, holds for a transaction that is deep enough already.
	other, err := store.Open(t.Context(), store.Options{Path: filepath.Join(folder, "sealpost.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close() //nolint:errcheck // the test ends
	late, err := webhook.DecodeDraft(fmt.Appendf(nil, `{"id":"late","resource":"transaction","action":"settled","receipt":{"transactionHash":%q},"body":{"id":"t3"}}`, good))
	if err != nil {
		t.Fatal(err)
	}
	if held, err := other.Publish(t.Context(), []webhook.Publication{{Organization: "default", Draft: late, At: time.Now()}}); err != nil || held[0].State != webhook.Held {
		t.Fatalf("%+v (%v)", held, err)
	}
	eventually(t, "the late one", func() bool { return state("late") == "accepted" })
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
