package server_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/catalog"
	"sealpost/internal/webhook"
)

// TestArrivals has the provider's events come in at the HTTP edge and go out at a
// receiver, with their ids: each rule of which id goes out, of what waits for a
// receipt, and of what is sent in place of the provider's words.
func TestArrivals(t *testing.T) {
	r := newRig(t, "transaction.created", "transaction.updated", "transaction.completed")
	owner, publisher := r.token("acme", access.Owner), r.token("acme", access.Publisher)
	r.want("an event of ours", r.ask("POST", "/api/event", `{"id":"taken","resource":"order","action":"paid","body":{}}`, "Authorization", owner), 202, "")
	r.next()
	n := 0
	spending := func(event, transaction string, oldnew ...string) string {
		return changed(event, append([]string{`"tx-1"`, fmt.Sprintf("%q", transaction)}, oldnew...)...)
	}
	for _, row := range []struct {
		what, event string
		id          string   // the provider's
		wire        string   // the id that goes out; empty: the provider's
		changes     []string // of the body
		waits       bool
	}{
		{what: "a created one", event: "transaction.created", waits: true},
		{what: "a declined one", event: "transaction.created", changes: []string{`"status":"pending"`, `"status":"declined"`}},
		{what: "a refund", event: "transaction.created", changes: []string{`"amount":2500`, `"amount":-2500`}},
		{what: "a created one of 0", event: "transaction.created", changes: []string{`"amount":2500`, `"amount":0`}, waits: true},
		{what: "an update", event: "transaction.updated", waits: true},
		{what: "a declined update", event: "transaction.updated", changes: []string{`"reversed"`, `"declined"`}},
		{what: "an update of 0", event: "transaction.updated", changes: []string{`Amount":-1000`, `Amount":0`}},
		{what: "an ordinary settlement", event: "transaction.completed"},
		{what: "a partial capture", event: "transaction.completed", changes: []string{`"amount":2500`, `"amount":2400`}, waits: true},
		{what: "an over capture", event: "transaction.completed", changes: []string{`"amount":2500`, `"amount":2600`}, waits: true},
		{what: "a force capture", event: "transaction.completed", changes: []string{`"authorizedAmount":2500,`, ``}, waits: true},
		{what: "a settled refund", event: "transaction.completed", changes: []string{`"amount":2500`, `"amount":-2500`}, waits: true},
		{what: "a card", event: "card.updated"},
		{what: "a user", event: "user.updated"},
		{what: "an id with a space", event: "card.updated", id: "ev 1", wire: webhook.ProviderEventID("panda", "ev 1", 1)},
		{what: "an id with a dot", event: "user.updated", id: "ev.1", wire: webhook.ProviderEventID("panda", "ev.1", 1)},
		{what: "an id that stands for other content", event: "card.updated", id: "taken", wire: webhook.ProviderEventID("panda", "taken", 1)},
		{what: "an id of another alphabet, on a held one", event: "transaction.created", id: "событие/1", wire: webhook.ProviderEventID("panda", "событие/1", 1), waits: true},
	} {
		n++
		id, transaction := row.id, fmt.Sprint("tx-", n)
		if id == "" {
			id = fmt.Sprint("arrival-", n)
		}
		wire := row.wire
		if wire == "" {
			wire = id
		}
		for range 2 {
			r.takes(row.event, id, spending(row.event, transaction, row.changes...))
		}
		path := "/api/event/" + url.PathEscape(id)
		if row.waits {
			held := read[webhook.EventView](r.edge, r.ask("GET", path, "", "Authorization", owner))
			if held.State != webhook.Held {
				t.Fatalf("%s is %s", row.what, held.State)
			}
			r.want(row.what, r.ask("POST", path+"/receipt", receiptOf(n), "Authorization", owner), 200, "")
		}
		got := r.next()
		if got.ID != wire || got.Resource+"."+got.Action != row.event {
			t.Fatalf("%s arrives as %s %s, not %s", row.what, got.ID, got, wire)
		}
		if found := read[webhook.EventView](r.edge, r.ask("GET", "/api/event/"+wire, "", "Authorization", owner)); found.State != webhook.Accepted || found.Deliveries != 1 {
			t.Errorf("%s, by our id: %+v", row.what, found)
		}
		if id == "taken" {
			continue // our own event comes first
		}
		if found := read[webhook.EventView](r.edge, r.ask("GET", path, "", "Authorization", owner)); found.ID != wire {
			t.Errorf("%s, by the provider's id: %+v", row.what, found)
		}
		r.want(row.what+", resent", r.ask("POST", path+"/resend", "", "Authorization", owner), 202, "")
		if again := r.next(); again.ID != wire {
			t.Errorf("%s is resent as %s", row.what, again.ID)
		}
		r.want(row.what+", for another organization", r.ask("GET", path, "", "Authorization", r.token("other"+fmt.Sprint(n), access.Owner)), 404, "not found")
	}

	// What the platform declined itself goes out with its own reason.
	const declined = `"declinedReason":"webhook declined"`
	decline := func(body, token string) answer {
		return r.ask("POST", "/api/decline", body, "Authorization", token)
	}
	r.want("an older reason", decline(`{"transactionId":"d-1","reason":"old"}`, owner), 200, "")
	r.want("the newest reason", decline(`{"transactionId":"d-1","reason":"over the \"limit\" €"}`, publisher), 200, "")
	for i, row := range []struct{ event, transaction, given, want string }{
		{"transaction.created", "d-1", declined, `"declinedReason":"over the \"limit\" €"`},
		{"transaction.created", "d-2", declined, declined},
		{"transaction.created", "d-1", `"declinedReason":"insufficient funds"`, `"declinedReason":"insufficient funds"`},
	} {
		r.takes(row.event, fmt.Sprint("declined-", i), spending(row.event, row.transaction, `"status":"pending"`, `"status":"declined"`, `"declinedReason":null`, row.given))
		if got := r.next(); !strings.Contains(string(got.Body), row.want) {
			t.Errorf("%s is not in %s", row.want, got.Body)
		}
	}
	r.want("a reason that comes later", decline(`{"transactionId":"d-2","reason":"late"}`, owner), 200, "")
	r.takes("transaction.created", "declined-1", spending("transaction.created", "d-2", `"status":"pending"`, `"status":"declined"`, `"declinedReason":null`, declined))
	for _, bad := range []string{
		`{"transactionId":"d-1"}`, `{"reason":"x"}`, `{"transactionId":"d-1","reason":""}`, `{"transactionId":"","reason":"x"}`, `{"transactionId":7,"reason":"x"}`,
		`{"transactionId":"d-1","reason":"` + strings.Repeat("x", 201) + `"}`, `{"transactionId":"d-1","reason":"a\nb"}`, `{"transactionId":"d-1","reason":"a\u009bb"}`, `[]`,
	} {
		r.want(bad, decline(bad, owner), 400, "bad request")
	}
	r.want("200 characters", decline(`{"transactionId":"d-3","reason":"`+strings.Repeat("ü", 200)+`"}`, owner), 200, "")
	r.want("a member", decline(`{"transactionId":"d-1","reason":"x"}`, r.token("acme", access.Member)), 403, "no permission")
	r.want("nobody", r.ask("POST", "/api/decline", `{"transactionId":"d-1","reason":"x"}`), 401, "unauthorized")
	r.stop()
	if len(r.got) != 0 {
		t.Errorf("%d more arrive", len(r.got))
	}
}

// receiptOf is a receipt as it is given by hand.
func receiptOf(block int) string {
	return fmt.Sprintf(`{"transactionHash":"0x%064x","blockNumber":%d,"status":"success"}`, block, block)
}

// TestArrivalsOfUnlinkedUsers sends what came before a user was linked, in order
// of arrival, and to no other organization than that of the user's credential.
func TestArrivalsOfUnlinkedUsers(t *testing.T) {
	r := newRig(t)
	panda, _ := catalog.ProviderByName("panda")
	const other = `"userId":"user-2"`
	card := func(last4 string) string {
		return changed("card.updated", `"userId":"user-1"`, other, `"7392"`, fmt.Sprintf("%q", last4))
	}
	for i := range 5 {
		r.takes("card.updated", fmt.Sprint("early-", 9-i), card(fmt.Sprintf("%04d", i)))
	}
	r.must(r.store.LinkCredentials(t.Context(), "acme", r.now, webhook.Credential{Provider: "panda", User: "user-2", ID: "cred-2"}))
	r.takes("card.updated", "early-8", card("0001")) // the provider asks again by itself
	if got := r.next(); got.ID != "early-8" {
		t.Errorf("%+v", got)
	}
	r.must(r.intake.PushUser(t.Context(), panda, "user-2", func(taken webhook.Taking) {
		if got := r.next(); got.ID != taken.Event.ID {
			t.Errorf("%s arrives, not %s", got.ID, taken.Event.ID)
		}
	}))
	for i := range 5 {
		r.takes("card.updated", fmt.Sprint("early-", 9-i), card(fmt.Sprintf("%04d", i)))
	}
	r.stop()
	if kept, err := r.store.KeptUnlinked(t.Context(), "panda", "user-2", time.Time{}); err != nil || kept != 0 || len(r.got) != 0 {
		t.Errorf("%d are kept, %d more arrive: %v", kept, len(r.got), err)
	}
}
