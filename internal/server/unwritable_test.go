package server_test

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"sync"
	"testing"

	"sealpost/internal/access"
	"sealpost/internal/bounds"
	"sealpost/internal/server"
	"sealpost/internal/webhook"
)

// unwritable has every write to the file fail.
func (e *edge) unwritable() {
	e.Helper()
	db, err := sql.Open("sqlite", filepath.Join(e.dir, "sealpost.db"))
	e.must(err)
	defer db.Close() //nolint:errcheck // a test's
	rows, err := db.QueryContext(e.Context(), `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'`)
	e.must(err)
	var tables []string
	for rows.Next() {
		var table string
		e.must(rows.Scan(&table))
		tables = append(tables, table)
	}
	e.must(rows.Err())
	e.must(rows.Close())
	for _, table := range tables {
		for _, change := range []string{"INSERT", "UPDATE", "DELETE"} {
			_, err := db.ExecContext(e.Context(), `CREATE TRIGGER "unwritable `+table+change+`" BEFORE `+change+` ON "`+table+`" BEGIN SELECT RAISE(FAIL, 'the test lets nothing be written'); END`)
			e.must(err)
		}
	}
}

// askUnwritable makes each call that writes while nothing can be written. All are 503
// with Retry-After, and each is counted.
func askUnwritable(t *testing.T, seen *seen) {
	t.Helper()
	e := newEdge(t, nil)
	refused := map[webhook.Code]int{}
	var mu sync.Mutex
	e.opts.Refused = func(code webhook.Code, _ webhook.Reason) {
		mu.Lock()
		defer mu.Unlock()
		refused[code]++
	}
	edge := server.New(e.opts)
	edge.Ready(true)
	e.serve(edge)
	e.seen = seen
	owner := e.token("acme", access.Owner)
	const hook = `"url":"https://127.0.0.1:8443/hook"`
	e.ask("POST", "/api/webhook/first", `{`+hook+`}`, "Authorization", owner)
	e.ask("POST", "/api/event?to=first", `{"id":"e1","resource":"order","action":"paid","body":{}}`, "Authorization", owner)
	e.ask("POST", "/api/event?receipt=await", `{"id":"e2","resource":"transaction","action":"created","body":{"id":"tx"}}`, "Authorization", owner)
	e.bound("acme", bounds.Parked, 1)
	e.ask("PATCH", "/api/webhook/first", `{"enabled":false}`, "Authorization", owner)
	e.ask("POST", "/api/event?to=first", `{"resource":"order","action":"missed","body":{}}`, "Authorization", owner)
	e.ask("PATCH", "/api/webhook/first", `{"enabled":true}`, "Authorization", owner)
	delivery := e.firstDelivery(owner)
	cookie, _ := e.found("1", "first")
	guest := e.signIn("3", "fay@example.com")
	invitation, err := json.Marshal(map[string]string{"invitationId": e.invite(cookie, "fay@example.com", "admin").ID})
	e.must(err)
	signed, err := json.Marshal(e.signed("2", nil))
	e.must(err)
	e.unwritable()
	mu.Lock()
	clear(refused)
	mu.Unlock()
	dispute := `{"id":"d","resource":"card","action":"updated","body":{}}`
	calls := []struct{ method, path, body, name, value string }{
		{"POST", "/api/webhook", `{"name":"new",` + hook + `}`, "Authorization", owner},
		{"POST", "/api/webhook/new", `{` + hook + `}`, "Authorization", owner},
		{"PUT", "/api/webhook/new", `{` + hook + `}`, "Authorization", owner},
		{"PATCH", "/api/webhook/first", `{"enabled":false}`, "Authorization", owner},
		{"POST", "/api/webhook/first/rotate", ``, "Authorization", owner},
		{"DELETE", "/api/webhook/first", ``, "Authorization", owner},
		{"POST", "/api/event", `{"resource":"order","action":"paid","body":{}}`, "Authorization", owner},
		{"POST", "/api/event/e2/receipt", `{"status":"none"}`, "Authorization", owner},
		{"POST", "/api/event/e1/resend", ``, "Authorization", owner},
		{"POST", "/api/event/resend", `{"missing":true}`, "Authorization", owner},
		{"POST", "/api/delivery/" + delivery + "/retry", ``, "Authorization", owner},
		{"POST", "/api/delivery/" + delivery + "/cancel", ``, "Authorization", owner},
		{"POST", "/api/decline", `{"transactionId":"tx","reason":"too large"}`, "Authorization", owner},
		{"POST", "/hooks/panda", dispute, "signature", digest(providerKey, dispute)},
		{"POST", "/api/auth/siwe/verify", string(signed), "X-Test", ""},
		{"POST", "/api/auth/organization/create", `{"name":"Two","slug":"two"}`, "Cookie", cookie},
		{"POST", "/api/auth/organization/invite-member", `{"email":"x@example.com","role":"member"}`, "Cookie", cookie},
		{"POST", "/api/auth/organization/accept-invitation", string(invitation), "Cookie", guest},
		{"POST", "/api/auth/sign-out", `{}`, "Cookie", cookie},
	}
	for _, call := range calls {
		got := e.ask(call.method, call.path, call.body, call.name, call.value)
		if got.status != 503 || got.header.Get("Retry-After") == "" {
			t.Errorf("%s %s: %d %s, Retry-After %q", call.method, call.path, got.status, got.body, got.header.Get("Retry-After"))
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if refused[webhook.CodeUnavailable] != len(calls) || len(refused) != 1 {
		t.Errorf("%d calls were refused, and counted as %v", len(calls), refused)
	}
}
