package server_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sealpost/internal/access"
	"sealpost/internal/admin"
	"sealpost/internal/server"
	"sealpost/internal/webhook"
)

// TestWebhookBodies has what reads like a webhook and is none refused, each
// with its own code, and nothing of it stored.
func TestWebhookBodies(t *testing.T) {
	e := newEdge(t, nil)
	token := e.token("acme", access.Owner)
	ask := func(method, path, body string, headers ...string) answer {
		return e.ask(method, "/api/webhook/"+path, body, append([]string{"Authorization", token}, headers...)...)
	}
	const routed = `{"url":"https://127.0.0.1:8443/hook","transaction":{"created":"https://127.0.0.1:8443/tx"}}`
	const empty = `{"url":"https://127.0.0.1:8443/hook","transaction":{"created":""}}`
	e.want("an empty URL", ask("POST", "orders", empty), 400, "invalid url")
	e.want("create", ask("POST", "orders", routed), 201, "")
	before := ask("GET", "orders", "")
	for _, c := range []struct{ what, method, path, body, code string }{
		{"an empty URL", "PUT", "orders", empty, "invalid url"},
		{"an empty URL, to clear one", "PATCH", "orders", `{"transaction":{"created":""}}`, "invalid url"},
		{"null", "PATCH", "orders", `null`, "bad request"},
		{"a bad name to change", "PATCH", "orders", `{"name":"A_B"}`, "invalid name"},
		{"null", "POST", "orders/rotate", `null`, "bad request"},
		{"now is no flag", "POST", "orders/rotate", `{"now":"yes"}`, "bad request"},
	} {
		e.want(c.method+": "+c.what, ask(c.method, c.path, c.body), 400, c.code)
	}
	if got := ask("POST", "orders/rotate", `{"now":"yes"}`); !strings.Contains(got.body, "now can't be a string") {
		t.Errorf("it does not say what is wrong: %s", got.body)
	}
	if after := ask("GET", "orders", ""); after.body != before.body {
		t.Errorf("it has changed: %s", after.body)
	}
	if got := e.ask("PATCH", "/api/webhook/orders", "{}", "Authorization", token, "Content-Encoding", "gzip"); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("a compressed body: %d %s", got.status, got.body)
	}
	e.want("a body as it is", ask("PATCH", "orders", "{}", "Content-Encoding", "identity"), 200, "")
	e.want("no rotation has begun", ask("POST", "orders/rotate", `{}`), 200, "")
	e.want("Now is not now", ask("POST", "orders/rotate", `{"Now":true}`), 409, "rotation in progress")
	if until := ask("GET", "orders", "").header.Get("Sealpost-Previous-Until"); until == "" {
		t.Error("it does not tell until when the old secret signs")
	}

	tag := before.header.Get("ETag")
	e.want("a list of tags", ask("PATCH", "orders", `{}`, "If-Match", `"x", `+tag), 200, "")
	e.want("a weak tag", ask("PATCH", "orders", `{}`, "If-Match", "W/"+tag), 412, "precondition failed")
	request, err := http.NewRequestWithContext(t.Context(), "DELETE", e.web.URL+"/api/webhook/orders", http.NoBody)
	e.must(err)
	request.Header = http.Header{"Authorization": {token}, "If-Match": {`"x"`, tag}}
	response, err := e.web.Client().Do(request)
	e.must(err)
	e.must(response.Body.Close())
	if response.StatusCode != http.StatusOK {
		t.Errorf("tags in two fields: %d", response.StatusCode)
	}
}

// TestReceiptBodies: nothing after a receipt, and no name but its own.
func TestReceiptBodies(t *testing.T) {
	e := newEdge(t, nil)
	token := e.token("acme", access.Owner)
	hash := "0x" + strings.Repeat("ab", 32)
	e.want("held", e.ask("POST", "/api/event?receipt=await", `{"id":"e1","resource":"a","action":"b","body":{}}`, "Authorization", token), 202, "")
	receipt := `{"transactionHash":"` + hash + `","blockNumber":5,"status":"success"}`
	for _, bad := range []string{receipt + " garbage", strings.Replace(receipt, "status", "Status", 1), `null`} {
		e.want(bad, e.ask("POST", "/api/event/e1/receipt", bad, "Authorization", token), 400, "bad request")
	}
	if got := e.ask("GET", "/api/event/e1", "", "Authorization", token); !strings.Contains(got.body, `"state":"held"`) {
		t.Errorf("it was released: %s", got.body)
	}
	e.want("as it should be", e.ask("POST", "/api/event/e1/receipt", receipt, "Authorization", token), 200, "")
}

// TestMediaTypeOfLines: media types have no case.
func TestMediaTypeOfLines(t *testing.T) {
	e := newEdge(t, nil)
	got := e.ask("POST", "/api/event", `{"resource":"a","action":"b","body":{}}`, "Authorization", e.token("acme", access.Owner), "Content-Type", "Application/X-NDJSON; charset=UTF-8")
	e.want("lines", got, 200, "")
}

// failing is the store, whose disk fails after some publications.
type failing struct {
	admin.Store
	good int
}

func (f *failing) Publish(ctx context.Context, batch []webhook.Publication) ([]webhook.Publishing, error) {
	if f.good--; f.good < 0 {
		return nil, webhook.Errorf(webhook.CodeUnavailable, "the disk is full")
	}
	return f.Store.Publish(ctx, batch)
}

// TestLinesAreAnsweredEachForItself, also when the database fails half way:
// what is on disk is said to be, or it would be published once more.
func TestLinesAreAnsweredEachForItself(t *testing.T) {
	e := newEdge(t, nil)
	token := e.token("acme", access.Owner)
	e.opts.Service.Store = &failing{e.store, 1}
	e.serve(server.New(e.opts))
	const count = 300
	var lines strings.Builder
	for n := range count {
		fmt.Fprintf(&lines, `{"id":"e%d","resource":"a","action":"b","body":{}}`+"\n", n)
	}
	publish := func() answer {
		return e.ask("POST", "/api/event", lines.String(), "Authorization", token, "Content-Type", "application/x-ndjson")
	}
	got := publish()
	results := strings.Split(strings.TrimSuffix(got.body, "\n"), "\n")
	taken := strings.Count(got.body, `"deliveries"`)
	if got.status != http.StatusOK || len(results) != count || taken == 0 || taken == count || strings.Count(got.body, `"unavailable"`) != count-taken {
		t.Fatalf("%d, %d lines, %d taken, the last: %s", got.status, len(results), taken, results[len(results)-1])
	}
	for n, line := range results {
		stored := e.ask("GET", fmt.Sprintf("/api/event/e%d", n), "", "Authorization", token).status == http.StatusOK
		if said := strings.Contains(line, `"deliveries"`); said != stored {
			t.Fatalf("line %d: %s, stored: %t", n, line, stored)
		}
	}
	e.want("nothing at all", publish(), 503, "unavailable")
}
