package deliveries

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	_ "modernc.org/sqlite" // the driver, to put hostile texts into a file

	"sealpost/test/story"
)

// hostile is what a terminal obeys, or what changes the order in which text is read:
// colours, a title, a cleared screen, 8-bit controls, a backspace, DEL, bidirectional marks.
const hostile = "\x1b[31m\x1b[0m\x1b[1m\x1b[38;5;203m\x1b]0;pwned\x07\x1b[2J\u009b31m\u009d0;x\u009c\x08\x7f\r\u202e\u2066\u200fend"

// ours are the colours of our own styles, and what erases the line of progress.
var ours = regexp.MustCompile("\x1b\\[(0|1|38;5;[0-9]+|1;38;5;[0-9]+)m|\r?\x1b\\[K")

// steers says which character of an output a terminal would obey, besides what the
// program's own styles write. A text from outside may hold the same sequences; the
// program would never write them in the order of planted.
func steers(out string) error {
	if strings.Contains(out, planted) {
		return fmt.Errorf("a sequence from outside is in %q", out)
	}
	out = strings.ReplaceAll(ours.ReplaceAllString(out, ""), "\r\n", "\n")
	for i, r := range out {
		if r != '\n' && r != '\t' && !unicode.IsGraphic(r) {
			return fmt.Errorf("%U is in %q", r, out[max(i-40, 0):min(i+40, len(out))])
		}
	}
	return nil
}

// planted is a part of hostile that consists of our own forms.
const planted = "\x1b[0m\x1b[1m\x1b[38;5;203m"

// looking is what is wanted of a command besides that it steers nothing.
type looking int

const (
	quiet looking = iota // it may leave the text out
	shows                // it shows the text, escaped, and as JSON too
	exact                // it writes exact bytes for another program in a pipe
)

// looks runs a command on a terminal with colours, and in pipes.
func looks(t *testing.T, p story.Program, how looking, args ...string) {
	t.Helper()
	name := strings.Join(args, " ")
	seen := story.OnTerminal(t, p.Command(t.Context(), append(args, "--no-input")...), 400, "")
	if err := steers(seen); err != nil {
		t.Errorf("%s on a terminal: %v", name, err)
	}
	if how == shows {
		if !strings.Contains(seen, "end") || !strings.Contains(seen, `\u202e`) && !strings.Contains(seen, "·") {
			t.Errorf("%s does not show the text: %q", name, seen)
		}
		if err := steers(story.OnTerminal(t, p.Command(t.Context(), append(args, "--no-input", "-o", "json")...), 400, "")); err != nil {
			t.Errorf("%s as JSON on a terminal: %v", name, err)
		}
	}
	out, errs, _ := p.Run("", append(args, "-o", "table")...)
	if err := steers(errs); err != nil {
		t.Errorf("%s, stderr in a pipe: %v", name, err)
	}
	if err := steers(out); err != nil && how != exact {
		t.Errorf("%s, a table in a pipe: %v", name, err)
	}
}

// TestNothingSteersTheTerminal has tenants, receivers, card providers and a server choose texts
// that steer a terminal: no command shows them as they are.
func TestNothingSteersTheTerminal(t *testing.T) {
	t.Run("file", hostileFile)
	t.Run("server", hostileServer)
}

func hostileFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sealpost.db")
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte(hostile))
	}))
	defer receiver.Close()
	p := story.New(t, []string{"SEALPOST_DATABASE=" + path, "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_ALLOW_HTTP=true", "TERM=xterm-256color"})
	run := func(args ...string) {
		t.Helper()
		if _, errs, code := p.Run("", args...); code > story.ExitNegative {
			t.Fatal(args, errs)
		}
	}
	body, err := json.Marshal(map[string]string{"text": hostile})
	if err != nil {
		t.Fatal(err)
	}
	run("webhook", "create", "orders", "--url", receiver.URL)
	run("token", "create", "ci")
	run("publish", "order.paid", "--data", string(body), "--id", "e1", "--direct", "--attempts", "1")
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // a test's
	for _, change := range []string{
		`UPDATE organization SET name = name || ?1`, `UPDATE token SET name = name || ?1`, `UPDATE delivery SET error = ?1, reason = ?1`,
		`UPDATE webhook SET disabled = ?1`,
		`INSERT INTO quarantine (provider, digest, bytes, faults, at) VALUES ('panda', x'00', CAST(?1 AS BLOB), ?1, 1)`,
		`INSERT INTO credential (organization, provider, user, credential, created_at) SELECT seq, 'panda', ?1, ?1, 1 FROM organization`,
	} {
		if _, err := db.ExecContext(t.Context(), change, hostile); err != nil {
			t.Fatalf("%s: %v", change, err)
		}
	}
	var delivery string
	out, _, _ := p.Run("", "delivery", "list", "-o", "json")
	if found := regexp.MustCompile(`"(dlv_[^"]+)"`).FindStringSubmatch(out); found == nil {
		t.Fatal(out)
	} else {
		delivery = found[1]
	}
	for _, args := range [][]string{
		{"delivery", "get", delivery, "--body", "response"}, {"delivery", "get", delivery, "--body", "request"}, {"delivery", "get", delivery, "--print", "http"},
		{"delivery", "get", delivery, "--print", "curl"},
	} {
		looks(t, p, exact, args...)
	}
	for _, args := range [][]string{
		{"event", "get", "e1"}, {"delivery", "get", delivery}, {"webhook", "get", "orders"}, {"org", "list"}, {"token", "list"}, {"credential", "list"}, {"whoami"},
		{"publish", "order.paid", "--data", string(body), "--dry-run"},
	} {
		looks(t, p, shows, args...)
	}
	for _, args := range [][]string{
		{"delivery", "list"}, {"webhook", "list"}, {"quarantine", "list"}, {"doctor"},
		{"event", "get", hostile}, {"webhook", "get", hostile}, {"delivery", "get", hostile}, {"org", "limits", hostile}, {"token", "revoke", hostile, "-y"},
		{"verify-signature", "--body", hostile, "--header", "Signature: " + hostile, "--secret", "env:HOME"},
	} {
		looks(t, p, quiet, args...)
	}
}

// hostileServer answers all calls with texts that steer a terminal, as answers of each kind and
// as errors.
func hostileServer(t *testing.T) {
	text, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	event := `{"id":§,"timestamp":"2026-01-05T10:20:30.123Z","type":§,"state":§,"transaction":§,"deliveries":1,"body":{"text":§,§:1}}`
	delivery := `{"id":§,"event":§,"type":§,"webhook":§,"url":§,"state":"dead","reason":§,"created":"2026-01-05T10:20:30.123Z","attempts":[{"n":1,"at":"2026-01-05T10:20:30.123Z","status":500,"duration_ms":1,"error":§,"response":§}]}`
	answers := map[string]string{
		"/api/whoami":         `{"organization":{"id":§,"slug":§,"name":§},"role":§,"token":{"id":§,"name":§}}`,
		"/api/webhook":        `{§:{"url":§,§:{§:§}}}`,
		"/api/webhook/orders": `{"url":§,"events":[§],"order":{"paid":§}}`,
		"/api/event":          `{"data":[` + event + `],"next":§}`,
		"/api/event/e1":       event,
		"/api/delivery":       `{"data":[` + delivery + `],"next":§}`,
		"/api/delivery/d1":    delivery,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, found := answers[r.URL.Path]
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodGet && found {
			w.Header()["Sealpost-Disabled"] = []string{"\u009b31m \u202e end"}
			_, _ = w.Write([]byte(strings.ReplaceAll(answer, "§", string(text))))
			return
		}
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write([]byte(`{"code":` + string(text) + `,"message":[` + string(text) + `]}`))
	}))
	defer server.Close()
	p := story.New(t, []string{"SEALPOST_SERVER=" + server.URL, "SEALPOST_TOKEN=x", "TERM=xterm-256color"})
	for _, args := range [][]string{{"whoami"}, {"webhook", "get", "none"}, {"event", "get", "none"}, {"event", "get", "e1"}, {"delivery", "get", "d1"}} {
		looks(t, p, shows, args...)
	}
	looks(t, p, exact, "delivery", "get", "d1", "--body", "response")
	for _, args := range [][]string{
		{"webhook", "list"}, {"webhook", "get", "orders"}, {"webhook", "create", "new", "--url", "https://example.com/"},
		{"webhook", "update", "orders", "--disable"}, {"webhook", "delete", "orders", "-y"}, {"webhook", "rotate", "orders", "-y"},
		{"event", "list"}, {"event", "resend", "e1"}, {"event", "receipt", "e1", "--none"},
		{"delivery", "list"}, {"delivery", "get", "none"},
		{"delivery", "retry", "d1"}, {"delivery", "cancel", "d1"}, {"publish", "order.paid", "--data", "{}"},
	} {
		looks(t, p, quiet, args...)
	}
}
