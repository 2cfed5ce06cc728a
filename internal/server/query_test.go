package server_test

import (
	"strings"
	"testing"

	"sealpost/internal/access"
	"sealpost/internal/webhook"
)

// TestQueryParameters refuses what publishing and giving a receipt don't take in a query,
// and nothing is stored. Other routes pass over what they don't know.
func TestQueryParameters(t *testing.T) {
	e := newEdge(t, nil)
	token := e.token("acme", access.Owner)
	event := `{"id":"e1","resource":"order","action":"paid","body":{}}`
	for query, want := range map[string]string{
		"reseipt=await":                  `no query parameter "reseipt" here; did you mean receipt?`,
		"Receipt=await":                  "did you mean receipt?",
		"too=orders":                     "did you mean to?",
		"dry_run=1":                      "there are receipt and to",
		"id=e1":                          "it belongs into the body",
		"receipt=await&receipt=await":    "receipt is given 2 times",
		"receipt=":                       "receipt is empty",
		"to=":                            "to is empty",
		"to=a&to=":                       "to is empty",
		"receipt=await;x=1":              "the query can't be read",
		"receipt=await%2":                "the query can't be read",
		"receipt=other":                  `receipt="other" is not await`,
		strings.Repeat("receipt", 100):   `…" here`,
		"receipt=await&reseipt=await&x=": "reseipt",
	} {
		for _, kind := range []string{"application/json", "application/x-ndjson"} {
			got := e.ask("POST", "/api/event?"+query, event, "Authorization", token, "Content-Type", kind)
			if kind == "application/x-ndjson" && query == "receipt=other" { // each line for itself
				continue
			}
			e.want(query, got, 400, "bad request")
			if text := strings.ReplaceAll(got.body, `\"`, `"`); !strings.Contains(text, want) || len(text) > 500 {
				t.Errorf("%s is answered with %s", query, got.body)
			}
		}
	}
	e.want("nothing was stored", e.ask("GET", "/api/event/e1", "", "Authorization", token), 404, "not found")
	e.want("a stranger", e.ask("POST", "/api/event?x=1", event), 401, "unauthorized")
	e.want("held", e.ask("POST", "/api/event?receipt=await&to=a", event, "Authorization", token), 404, "not found")
	e.want("held", e.ask("POST", "/api/event?receipt=await", event, "Authorization", token), 202, "")

	for query, want := range map[string]string{"status=none": "it belongs into the body", "statuss=none": "did you mean status, which belongs into the body?", "receipt=await": "it takes none"} {
		got := e.ask("POST", "/api/event/e1/receipt?"+query, `{"status":"none"}`, "Authorization", token)
		e.want(query, got, 400, "bad request")
		if !strings.Contains(got.body, want) {
			t.Errorf("%s is answered with %s", query, got.body)
		}
	}
	if view := read[webhook.EventView](e, e.ask("GET", "/api/event/e1?reseipt=x&id=y;z", "", "Authorization", token)); view.State != webhook.Held {
		t.Errorf("it is %s", view.State)
	}
	e.want("elsewhere", e.ask("POST", "/api/event/e1/receipt", `{"status":"none"}`, "Authorization", token), 200, "")
	for _, path := range []string{"/api/webhook?reseipt=x", "/api/event?statee=x", "/api/delivery?x=", "/api/whoami?x=1"} {
		e.want(path, e.ask("GET", path, "", "Authorization", token), 200, "")
	}
	e.want("resend", e.ask("POST", "/api/event/e1/resend?x=1", "", "Authorization", token), 202, "")
}
