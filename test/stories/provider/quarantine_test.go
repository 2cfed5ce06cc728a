package provider

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sealpost/internal/catalog/catalogtest"
	"sealpost/internal/store"
	"sealpost/internal/webhook"

	"sealpost/test/story"
)

const pandaKey = "key-of-panda-0123456789abcdef"

// panda posts an event as the card provider does.
func panda(ctx context.Context, daemon string, raw []byte) (status int, answer string, err error) {
	mac := hmac.New(sha256.New, []byte(pandaKey))
	mac.Write(raw)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, daemon+"/hooks/panda", bytes.NewReader(raw))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("signature", hex.EncodeToString(mac.Sum(nil)))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close() //nolint:errcheck // read below
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// TestQuarantine has the provider post more misfits than are kept: the newest
// stay, the log says that others went, and what fits is delivered all the
// while. Then one is pushed that fits by now. It waits in quarantine until its
// user has a credential, and goes to that organization alone, whoever pushes.
func TestQuarantine(t *testing.T) {
	const most, more, twice = 1000, 5, 3
	arrived := make(chan string, 8)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived <- r.URL.Path + " " + string(body)
	}))
	defer receiver.Close()
	path := filepath.Join(t.TempDir(), "s.db")
	metricsPort := story.FreePort(t)
	p := story.New(t, []string{
		"SEALPOST_DATABASE=" + path, "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_ALLOW_HTTP=true", "SEALPOST_PROVIDER_PANDA_SECRET=env:KEY", "KEY=" + pandaKey,
	})
	run := func(want int, args ...string) (out, errs string) {
		t.Helper()
		out, errs, code := p.Run("", args...)
		if code != want {
			t.Fatalf("%q: exit code %d\n%s%s", args, code, out, errs)
		}
		return out, errs
	}
	for _, org := range []string{"acme", "beta"} {
		run(story.ExitDone, "webhook", "create", "all", "--org", org, "--url", receiver.URL+"/"+org)
	}
	run(story.ExitDone, "credential", "link", "--org", "acme", "--provider-user", "user-1", "--credential", "cred-1")
	daemon, logs := p.Serve("--metrics-listen", "127.0.0.1:"+metricsPort)
	post := func(raw []byte, want int) {
		t.Helper()
		if status, answer, err := panda(t.Context(), daemon, raw); err != nil || status != want {
			t.Fatalf("%d %s (%v)", status, answer, err)
		}
	}
	card := func(id, user string) []byte {
		return catalogtest.PandaEvent(id, "card.updated", strings.ReplaceAll(catalogtest.Incoming["card.updated"], "user-1", user))
	}
	comes := func(org, what string) {
		t.Helper()
		select {
		case got := <-arrived:
			if !strings.HasPrefix(got, "/"+org+" ") || !strings.Contains(got, what) {
				t.Fatalf("%s instead of %s with %s", got, org, what)
			}
		case <-time.After(2 * time.Minute):
			t.Fatalf("nothing came to %s\n%s", org, logs)
		}
	}

	// What the provider will post once more comes first, and is among those that go.
	misfit := func(n int) []byte { return fmt.Appendf(nil, `{"id":"misfit-%d","resource":"card"}`, n) }
	for range twice {
		for n := range more {
			post(misfit(n), http.StatusBadRequest)
		}
	}
	if strings.Contains(logs.String(), "dropped") {
		t.Errorf("nothing was dropped yet:\n%s", logs)
	}
	var next atomic.Int64
	next.Store(more)
	failed := make(chan error, 8)
	for range cap(failed) {
		go func() {
			var err error
			for n := next.Add(1) - 1; n < most+more && err == nil; n = next.Add(1) - 1 {
				status, answer, fault := panda(context.Background(), daemon, misfit(int(n)))
				if err = fault; err == nil && status != http.StatusBadRequest {
					err = fmt.Errorf("%d %s", status, answer)
				}
			}
			failed <- err
		}()
	}
	post(card("fits", "user-1"), http.StatusOK)
	comes("acme", `"id":"card-1"`)
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
	list := func() (kept []struct{ ID int64 }) {
		t.Helper()
		out, _ := run(story.ExitDone, "quarantine", "list", "-o", "json")
		if err := json.Unmarshal([]byte(out), &kept); err != nil {
			t.Fatal(err)
		}
		return kept
	}
	if kept := list(); len(kept) != most {
		t.Fatalf("%d are kept", len(kept))
	}
	for range twice { // takes nobody's place
		post(misfit(most+more-1), http.StatusBadRequest)
	}
	run(story.ExitNotFound, "quarantine", "push", "1")
	if n := strings.Count(logs.String(), "the quarantine of provider events is full"); n != more {
		t.Errorf("the log tells %d times of what was dropped\n%s", n, logs)
	}
	_, counted := scrape(t, metricsPort, `sealpost_provider_events_total{provider="panda",result="quarantined"} `)
	if counted != fmt.Sprint(most+more*twice+twice) {
		t.Errorf("%s were counted", counted)
	}

	// An older program did not know this kind of event.
	old, err := store.Open(t.Context(), store.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	late := card("late", "user-2")
	taken, err := old.Take(t.Context(), webhook.Incoming{Provider: "panda", ID: "late", Raw: late, Faults: []string{"not known"}, At: time.Now()})
	if err != nil || !taken.Kept || taken.Dropped != 1 {
		t.Fatalf("%+v %v", taken, err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	number := fmt.Sprint(list()[0].ID)
	if _, errs := run(story.ExitNotFound, "quarantine", "push", number, "--org", "acme"); !strings.Contains(errs, `"user-2" is linked to no credential`) || !strings.Contains(errs, "credential link") {
		t.Errorf("it says %s", errs)
	}
	if kept := list(); fmt.Sprint(kept[0].ID) != number {
		t.Fatalf("it did not stay: %v", kept[0])
	}
	run(story.ExitDone, "credential", "link", "--org", "beta", "--provider-user", "user-2", "--credential", "cred-2")
	run(story.ExitDone, "quarantine", "push", number, "--org", "acme")
	comes("beta", `"id":"card-1"`)
	run(story.ExitNotFound, "quarantine", "push", number)
	post(late, http.StatusOK) // the provider is not sure
	post(card("last", "user-1"), http.StatusOK)
	comes("acme", `"id":"card-1"`)
	for org, want := range map[string]int{"acme": 2, "beta": 1} {
		out, _ := run(story.ExitDone, "event", "list", "--org", org, "-o", "jsonl")
		if n := strings.Count(out, "\n"); n != want {
			t.Errorf("%s has %d events:\n%s", org, n, out)
		}
	}
	if len(arrived) != 0 || len(list()) != most-1 {
		t.Errorf("%d more came, %d are kept", len(arrived), len(list()))
	}
}

// scrape reads the daemon's metrics, and of them the value that follows a text.
func scrape(t *testing.T, port, after string) (all, value string) {
	t.Helper()
	response, err := http.Get("http://127.0.0.1:" + port + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // read below
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, value, _ = strings.Cut(string(text), "\n"+after)
	value, _, _ = strings.Cut(value, "\n")
	return string(text), value
}
