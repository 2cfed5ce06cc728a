package provider

import (
	"database/sql"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"sealpost/internal/catalog/catalogtest"

	"sealpost/test/story"
)

// What marks a person in the provider's events: a word that all texts have in
// them, and a number that all amounts are.
const (
	personWord = "canary"
	personSum  = "918273645"
)

// ofPerson makes an event of the provider's all about one person.
func ofPerson(kind, user string) string {
	body := catalogtest.Incoming[kind]
	for _, pair := range [][2]string{
		{"user-1", user}, {"Jane", "canary-jane"}, {"Doe", "canary-doe"}, {"jane@example.com", "canary@example.com"}, {"card-1", "canary-card"}, {"Cafe", "canary-cafe"}, {"Café", "canary-café"},
		{"Lyon", "canary-lyon"}, {"Restaurants", "canary-food"}, {" m-1 ", "canary-merchant"}, {"icons.example.com/1.png", "canary.example.com/icon.png"}, {`"7392"`, `"cana"`},
		{`"applicationReason":""`, `"applicationReason":"canary-reason"`}, {`"declinedReason":null`, `"declinedReason":"canary-declined"`}, {"tx-1", "canary-tx-" + kind},
		{":2500", ":" + personSum}, {":2300", ":" + personSum}, {":1500", ":" + personSum}, {":1380", ":" + personSum}, {":-1000", ":-" + personSum}, {":1000000", ":" + personSum},
	} {
		body = strings.ReplaceAll(body, pair[0], pair[1])
	}
	return body
}

// TestPersonalData has the provider post events of people, known and unknown,
// that fit and that don't, to a daemon that logs all it ever logs, while
// receivers answer with what they were sent and the file fails. Metrics, Sentry
// and the log tell what happened, and nothing of a person.
func TestPersonalData(t *testing.T) {
	// raw answers with bytes that are no HTTP, or hardly.
	raw := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, strings.ReplaceAll(answer, "BODY", string(body)))
				_ = conn.Close()
			}
		}
	}
	receivers := map[string]http.HandlerFunc{
		"takes": func(http.ResponseWriter, *http.Request) {},
		"repeats": func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Retry-After", "canary")
			w.Header().Set("X-Canary", "canary")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write(body)
		},
		"redirects": func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			http.Redirect(w, r, "https://canary.example.com/?"+string(body[:100]), http.StatusFound)
		},
		"garbles":       raw("BODY\r\n\r\n"),
		"echoes":        raw("canary BODY\r\n\r\n"),
		"version":       raw("canary/1.1 200 OK\r\n\r\n"),
		"status":        raw("HTTP/1.1 canary BODY\r\n\r\n"),
		"reason":        raw("HTTP/1.1 500 canary BODY\r\n\r\n"),
		"header":        raw("HTTP/1.1 500 No\r\ncanary BODY\r\n\r\n"),
		"header-name":   raw("HTTP/1.1 500 No\r\ncanary BODY: x\r\n\r\n"),
		"header-first":  raw("HTTP/1.1 500 No\r\n canary: BODY\r\n\r\n"),
		"length":        raw("HTTP/1.1 500 No\r\nContent-Length: canary\r\n\r\n"),
		"lengths":       raw("HTTP/1.1 500 No\r\nContent-Length: 1\r\nContent-Length: canary\r\n\r\n"),
		"encoding":      raw("HTTP/1.1 500 No\r\nTransfer-Encoding: canary\r\n\r\n"),
		"chunks":        raw("HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\ncanary\r\nBODY"),
		"trailer":       raw("HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\nTrailer: canary\r\n\r\n0\r\ncanary BODY\r\n\r\n"),
		"trailer-taken": raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length, canary\r\n\r\n0\r\ncanary BODY\r\n\r\n"),
	}
	told := story.NewSentry(t)
	path, metricsPort := filepath.Join(t.TempDir(), "s.db"), story.FreePort(t)
	p := story.New(t, []string{
		"SEALPOST_DATABASE=" + path, "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_ALLOW_HTTP=true", "SEALPOST_RETRY_ATTEMPTS=0", "SEALPOST_LOG_LEVEL=debug",
		"SEALPOST_PROVIDER_PANDA_SECRET=env:KEY", "KEY=" + pandaKey, "SEALPOST_SENTRY_DSN=" + told.DSN(), "SEALPOST_RECEIPTS_AWAIT=transaction.updated", "SEALPOST_RECEIPTS_TIMEOUT=1s",
	})
	run := func(args ...string) string {
		t.Helper()
		out, errs, code := p.Run("", args...)
		if code != story.ExitDone {
			t.Fatalf("%q: exit code %d\n%s%s", args, code, out, errs)
		}
		return out
	}
	for name, handler := range receivers {
		receiver := httptest.NewServer(handler)
		t.Cleanup(receiver.Close)
		run("webhook", "create", name, "--url", receiver.URL)
	}
	run("credential", "link", "--provider-user", "canary-known", "--credential", "canary-credential")
	daemon, logs := p.Serve("--metrics-listen", "127.0.0.1:"+metricsPort)
	post := func(want int, raw []byte) {
		t.Helper()
		if status, answer, err := panda(t.Context(), daemon, raw); err != nil || status != want {
			t.Fatalf("%d %s (%v)", status, answer, err)
		}
	}
	for kind := range catalogtest.Incoming {
		for _, user := range []string{"canary-known", "canary-unknown"} {
			post(http.StatusOK, catalogtest.PandaEvent("canary-"+kind+user, kind, ofPerson(kind, user)))
		}
		post(http.StatusBadRequest, catalogtest.PandaEvent("canary-"+kind, "canary."+kind, ofPerson(kind, "canary-known"))) // of no kind that is known
	}
	wrong := strings.NewReplacer(":"+personSum, `:"`+personSum+`"`, "canary-cafe", "canary-\u2028").Replace(ofPerson("transaction.created", "canary-known"))
	post(http.StatusBadRequest, catalogtest.PandaEvent("canary-wrong", "transaction.created", wrong))
	post(http.StatusBadRequest, []byte(`{"canary":"canary`))
	response, err := http.Post(daemon+"/hooks/panda?canary="+personSum, "application/canary", strings.NewReader(ofPerson("user.updated", "canary")))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	eventually(t, "every delivery to end", func() bool {
		return run("delivery", "list", "--state", "pending", "-o", "jsonl") == "" && run("event", "list", "--state", "held", "-o", "jsonl") == ""
	})
	if c := told.Next(t, "a delivery is dead").Contexts.Sealpost; c["type"] == "" {
		t.Errorf("told as %v", c)
	}
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	if _, err := db.Exec(`ALTER TABLE provider_event RENAME TO away`); err != nil {
		t.Fatal(err)
	}
	post(http.StatusServiceUnavailable, catalogtest.PandaEvent("canary-late", "user.updated", ofPerson("user.updated", "canary-known")))
	eventually(t, "the fault in the log", func() bool { return strings.Contains(logs.String(), "provider_event") })

	metrics, _ := scrape(t, metricsPort, "")
	for where, text := range map[string]string{"the log": logs.String(), "the metrics": metrics, "Sentry": told.Arrived()} {
		for line := range strings.Lines(text) {
			if strings.Contains(strings.ToLower(line), personWord) || strings.Contains(line, personSum) {
				t.Errorf("%s has something of a person:\n%s", where, line)
			}
		}
	}
	for _, something := range []string{"provider event", "level=DEBUG", "state=delivered", "state=dead", "bad_answer: ", "no receipt came in time"} {
		if !strings.Contains(logs.String(), something) {
			t.Errorf("the log has no %q, so the test is worth nothing:\n%s", something, logs)
		}
	}
}
