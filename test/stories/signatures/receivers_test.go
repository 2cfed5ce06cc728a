package signatures

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sealpost/test/story"
)

// example is one of the receivers of docs/receiving.md.
type example struct {
	file string
	args []string // what runs it; none for a CGI program
}

var examples = []example{
	{"receiver.mjs", []string{"node"}},
	{"receiver.py", []string{"python3"}},
	{"receiver.go", []string{"go", "run"}},
	{"receiver.sh", nil},
}

// start runs a receiver that knows some secrets, under its real interpreter,
// and returns its URL and its inbox.
func (e example) start(t *testing.T, secrets string) (url, inbox string) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(story.Root(t), "docs", "receivers", e.file))
	if err != nil {
		t.Fatal(err)
	}
	inbox = filepath.Join(t.TempDir(), "inbox")
	env := []string{"HOOK_SECRET=" + secrets, "INBOX=" + inbox}
	if e.args == nil {
		server := httptest.NewServer(&cgi.Handler{Path: path, Dir: t.TempDir(), Env: env, InheritEnv: []string{"PATH"}, Stderr: os.Stderr})
		t.Cleanup(server.Close)
		return server.URL, inbox
	}
	args := append(e.args[1:len(e.args):len(e.args)], path)
	name := e.args[0]
	if name == "go" { // built, so that the process is the receiver's own and can be ended
		name = filepath.Join(t.TempDir(), "receiver")
		args = nil
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", name, path).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), append(env, "PORT=0")...)
	var said story.Record
	cmd.Stderr = &said
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s says\n%s", e.file, &said)
		}
	})
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", e.file, err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, _ := bufio.NewReader(out).ReadString('\n')
	url, found := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !found {
		t.Fatalf("%s says %q", e.file, line)
	}
	return url, inbox
}

const (
	oldSecret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	newSecret = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
)

// TestReceivers runs the receivers of docs/receiving.md against the program:
// what it sends is taken and kept once, and what it did not sign is refused.
func TestReceivers(t *testing.T) {
	encoded := "whsec_" + base64.StdEncoding.EncodeToString([]byte("\x00\xff\n a key that is no text\xfe, and longer than the sixty-four bytes of a block"))
	for _, e := range examples {
		t.Run(e.file, func(t *testing.T) {
			t.Parallel()
			p := story.New(t, []string{
				"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "sealpost.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_ALLOW_HTTP=true",
				"OLD=" + oldSecret, "NEW=" + newSecret, "ENCODED=" + encoded,
			})
			must := func(wantCode int, args ...string) string {
				t.Helper()
				out, errs, code := p.Run("", args...)
				if code != wantCode {
					t.Fatalf("%q exits with %d, not %d\n%s%s", args, code, wantCode, out, errs)
				}
				return out
			}
			// publish sends one event to the webhook; a refusal is exit code 1.
			publish := func(wantCode int, args ...string) string {
				t.Helper()
				return must(wantCode, append([]string{"publish", "transaction.created", "--sample", "--direct", "--attempts", "1", "-o", "json"}, args...)...)
			}

			old, oldBox := e.start(t, oldSecret)
			both, _ := e.start(t, oldSecret+" "+newSecret)
			next, _ := e.start(t, newSecret)
			must(0, "webhook", "create", "cards", "--url", old+"/hook", "--secret", "env:OLD")
			at := func(url string) { t.Helper(); must(0, "webhook", "update", "cards", "--url", url+"/hook") }

			// Taken and kept: every step of a flow, byte for byte, each once.
			must(0, "publish", "--flow", "declined-increment", "--direct", "--id", "buy/1", "-o", "json")
			p.Serve()
			must(0, "event", "resend", "buy/1-1")
			delivered(t, func() string {
				return must(0, "delivery", "list", "--event", "buy/1-1", "--state", "delivered", "-o", "json")
			})
			if kept, err := filepath.Glob(filepath.Join(oldBox, "*")); err != nil || len(kept) != 3 {
				t.Errorf("of three events, one of them sent twice, are kept %v (%v)", kept, err)
			}
			for _, id := range []string{"buy/1-1", "buy/1-2", "buy/1-3"} {
				var event struct{ Body json.RawMessage }
				name := sha256.Sum256([]byte(id))
				kept, err := os.ReadFile(filepath.Join(oldBox, hex.EncodeToString(name[:])+".json"))
				if err := json.Unmarshal([]byte(must(0, "event", "get", id, "-o", "json")), &event); err != nil {
					t.Fatal(err)
				}
				if err != nil || !strings.Contains(string(kept), `"id":"`+id+`"`) || !strings.HasSuffix(string(kept), `"body":`+string(event.Body)+"}") {
					t.Errorf("of %s is kept %s (%v), not %s", id, kept, err, event.Body)
				}
			}

			// A rotation: the old secret serves to the end of the overlap, both
			// always, the new one alone only then.
			must(0, "webhook", "rotate", "cards", "--secret", "env:NEW", "-o", "json")
			publish(0)
			at(both)
			publish(0)
			at(next)
			publish(1)
			must(0, "webhook", "rotate", "cards", "--now", "--secret", "env:NEW", "-y", "-o", "json")
			publish(0)
			at(both)
			publish(0)
			at(old)
			publish(1)

			// A secret in base64; two receivers disagree about it and a text.
			whsec, _ := e.start(t, encoded)
			must(0, "publish", "order.paid", "--data", `{"text":"  é\u2028 $HOME %s * \\ "}`, "--url", whsec, "--secret", "env:ENCODED")
			must(1, "publish", "order.paid", "--data", `{}`, "--url", whsec, "--secret", "env:OLD", "--attempts", "1")

			// Forged, changed, repeated, half signed.
			forge(t, p, old, oldBox)
		})
	}
}

// delivered waits until a list of deliveries has two.
func delivered(t *testing.T, list func() string) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for strings.Count(list(), `"id":"dlv_`) < 2 {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not delivered twice: %s", list())
		}
	}
}

// forge sends requests that the program has signed, each with one thing about
// it changed, to a receiver that knows oldSecret.
func forge(t *testing.T, p story.Program, url, inbox string) {
	t.Helper()
	const body = "{\"total\":2500}\n\r\n"
	now := time.Now()
	sign := func(secret string, age time.Duration) map[string]string {
		t.Helper()
		headers := map[string]string{}
		out, errs, code := p.Run(body, "sign", "--secret", "env:"+secret, "--id", "evt_1", "--at", now.Add(-age).UTC().Format(time.RFC3339), "-o", "json")
		if err := json.Unmarshal([]byte(out), &headers); code != 0 || err != nil {
			t.Fatalf("%d %s%s %v", code, out, errs, err)
		}
		return headers
	}
	send := func(body string, headers map[string]string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		for name, value := range headers {
			request.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil && len(body) > 2<<20 {
			return http.StatusRequestEntityTooLarge // it answers and hangs up, without reading all of it
		}
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		return response.StatusCode
	}
	good, other := sign("OLD", 0), sign("NEW", 0)
	with := func(changes ...string) map[string]string {
		headers := maps.Clone(good)
		for i := 0; i < len(changes); i += 2 {
			headers[changes[i]] = changes[i+1]
			if changes[i+1] == "" {
				delete(headers, changes[i])
			}
		}
		return headers
	}
	kept := func() int {
		files, err := filepath.Glob(filepath.Join(inbox, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	before := kept()
	for _, c := range []struct {
		what    string
		body    string
		headers map[string]string
	}{
		{"a changed body", strings.Replace(body, "25", "52", 1), good},
		{"a body without its line end", strings.TrimSpace(body), good},
		{"an empty body", "", good},
		{"another secret", body, other},
		{"Signature of another secret", body, with("Signature", other["Signature"])},
		{"the triple of another secret", body, with("webhook-signature", other["webhook-signature"])},
		{"an old one, sent again", body, sign("OLD", 6*time.Minute)},
		{"one from the future", body, sign("OLD", -6*time.Minute)},
		{"an old one under a new time", body, with("webhook-timestamp", sign("OLD", 2*time.Second)["webhook-timestamp"])},
		{"a time that is none", body, with("webhook-timestamp", "soon")},
		{"another id", body, with("webhook-id", "evt_2")},
		{"no id", body, with("webhook-id", "")},
		{"no time", body, with("webhook-timestamp", "")},
		{"no triple", body, with("webhook-signature", "")},
		{"no Signature", body, with("Signature", "")},
		{"another version", body, with("webhook-signature", "v2"+strings.TrimPrefix(good["webhook-signature"], "v1"))},
		{"half a signature", body, with("Signature", good["Signature"][:32])},
		{"signatures that are no text", body, with("Signature", "é", "webhook-signature", "v1,é *")},
		{"no headers", body, nil},
	} {
		if got := send(c.body, c.headers); got != http.StatusUnauthorized {
			t.Errorf("%s: the answer is %d", c.what, got)
		}
	}
	if got := send(strings.Repeat("x", 3<<20), good); got != http.StatusRequestEntityTooLarge {
		t.Errorf("3 MiB: the answer is %d", got)
	}
	if kept() != before {
		t.Error("what was refused was kept")
	}
	// And as it was signed, twice, and with a stranger's signature besides.
	for _, headers := range []map[string]string{good, good, with("webhook-signature", other["webhook-signature"]+" v1a,xyz "+good["webhook-signature"])} {
		if got := send(body, headers); got != http.StatusNoContent {
			t.Errorf("as it was signed: the answer is %d", got)
		}
	}
	if kept() != before+1 {
		t.Errorf("of one event, %d were kept", kept()-before)
	}
	if left, _ := filepath.Glob(filepath.Join(inbox, ".*")); len(left) > 0 {
		t.Errorf("%v lie about", left)
	}
}
