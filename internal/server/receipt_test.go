package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/webhook"
)

// TestReceiptRules: what may be said of the receipt of a held, an expired, a sent
// and a reverted event, and what comes of it.
func TestReceiptRules(t *testing.T) {
	e := newEdge(t, nil)
	e.opts.Service.Node = true
	owner := e.token("acme", access.Owner)
	const a, b = "a", "b"
	hash := func(digit string) string { return "0x" + strings.Repeat(digit, 64) }
	watch := func(digit string) string { return fmt.Sprintf(`{"transactionHash":%q}`, hash(digit)) }
	receipt := func(digit, status string) string {
		return fmt.Sprintf(`{"transactionHash":%q,"blockNumber":7,"status":%q}`, hash(digit), status)
	}
	const none = `{"status":"none"}`
	type step struct {
		body   string
		status int
		state  webhook.EventState
	}
	held, sent, reverted := webhook.Held, webhook.Accepted, webhook.Reverted
	for name, row := range map[string]struct {
		expired bool
		steps   []step
	}{
		"watch":                        {false, []step{{watch(a), 200, held}, {watch(b), 200, held}, {receipt(a, "success"), 409, held}, {receipt(b, "success"), 200, sent}, {watch(b), 409, sent}}},
		"none":                         {false, []step{{none, 200, sent}, {none, 200, sent}, {receipt(a, "success"), 409, sent}, {watch(a), 409, sent}}},
		"none of a watched one":        {false, []step{{watch(a), 200, held}, {none, 200, sent}}},
		"none after a receipt":         {false, []step{{receipt(a, "success"), 200, sent}, {receipt(a, "success"), 200, sent}, {none, 409, sent}, {receipt(b, "success"), 409, sent}}},
		"none after a revert":          {false, []step{{receipt(a, "reverted"), 200, reverted}, {none, 409, reverted}, {watch(a), 409, reverted}, {receipt(a, "reverted"), 200, reverted}}},
		"none of an expired one":       {true, []step{{none, 200, sent}, {none, 200, sent}, {receipt(a, "success"), 409, sent}}},
		"watch an expired one":         {true, []step{{watch(a), 200, held}, {watch(b), 200, held}, {receipt(b, "success"), 200, sent}}},
		"a receipt for an expired one": {true, []step{{receipt(a, "success"), 200, sent}}},
	} {
		for _, resource := range []string{"order", "transaction"} { // the latter line up
			id := strings.ReplaceAll(resource+" "+name, " ", "-")
			body := fmt.Sprintf(`{"id":%q,"resource":%q,"action":"created","body":%s}`, id, resource, map[string]string{
				"order": "{}", "transaction": strings.Replace(sampleSpend, "tx-1", id, 1),
			}[resource])
			e.want(id, e.ask("POST", "/api/event?receipt=await", body, "Authorization", owner), 202, "")
			if row.expired {
				if n, err := e.store.Expire(t.Context(), e.now.Add(48*time.Hour)); err != nil || n != 1 {
					t.Fatalf("%d expired: %v", n, err)
				}
			}
			for i, step := range row.steps {
				got := e.ask("POST", "/api/event/"+id+"/receipt", step.body, "Authorization", owner)
				if got.status != step.status {
					t.Fatalf("%s, step %d: %d %s", id, i, got.status, got.body)
				}
				view := read[webhook.EventView](e, e.ask("GET", "/api/event/"+id, "", "Authorization", owner))
				if view.State != step.state {
					t.Fatalf("%s, step %d: it is %s", id, i, view.State)
				}
				if step.status != 200 {
					continue
				}
				if answered := read[webhook.EventView](e, got); answered.ID != id || answered.State != step.state {
					t.Errorf("%s, step %d is answered with %s", id, i, got.body)
				}
				if until := e.now.Add(24 * time.Hour); view.State == held && row.expired && view.Hold.Until != webhook.Timestamp(until) {
					t.Errorf("%s is held again until %s", id, view.Hold.Until)
				}
			}
			event, err := e.store.Event(t.Context(), "acme", id)
			if waived := row.steps[0].body == none || len(row.steps) > 1 && row.steps[1].body == none && row.steps[1].status == 200; err != nil || event.State == sent && strings.Contains(string(event.Bytes), `"receipt"`) == waived {
				t.Errorf("%s goes out as %s (%v)", id, event.Bytes, err)
			}
			if event.State == held {
				e.must(e.store.WaiveReceipt(t.Context(), "acme", id, e.now))
			}
		}
	}

	// An event that waits for none, and one that is not there.
	e.want("an ordinary event", e.ask("POST", "/api/event", `{"id":"plain","resource":"order","action":"paid","body":{}}`, "Authorization", owner), 202, "")
	for _, body := range []string{none, watch(a), receipt(a, "success")} {
		e.want(body, e.ask("POST", "/api/event/plain/receipt", body, "Authorization", owner), 409, "conflict")
		e.want(body, e.ask("POST", "/api/event/nobody/receipt", body, "Authorization", owner), 404, "not found")
	}
	// Without a node nobody would watch; to publish so is fine.
	e.opts.Service.Node = false
	e.want("published", e.ask("POST", "/api/event", `{"id":"unwatched","resource":"order","action":"paid","receipt":`+watch(a)+`,"body":{}}`, "Authorization", owner), 202, "")
	e.want("without a node", e.ask("POST", "/api/event/unwatched/receipt", watch(b), "Authorization", owner), 400, "bad request")
	e.want("without a node", e.ask("POST", "/api/event/unwatched/receipt", none, "Authorization", owner), 200, "")
}

const sampleSpend = `{"id":"tx-1","type":"spend","spend":{"amount":1,"currency":"usd","cardId":"c","localAmount":1,"localCurrency":"usd","merchantName":"m","merchantCategoryCode":"1","status":"pending"}}`
