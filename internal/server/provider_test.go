package server_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/deliver"
	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

const (
	providerKey = "0123456789abcdef0123456789abcdef"
	signingKey  = "fedcba9876543210fedcba9876543210"
	spend       = `"amount":2500,"currency":"usd","cardId":"card-1","cardType":"virtual","userId":"user-1","localAmount":2300,"localCurrency":"eur","merchantName":" Cafe ","merchantCategoryCode":"5812","authorizedAt":"2026-01-05T10:20:30.000Z"`
)

func digest(key, body string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// rig is an edge with the engine and a receiver behind it.
type rig struct {
	*edge
	t    *testing.T
	got  chan string // bodies that came signed
	stop func()      // the engine, with all outcomes recorded
}

func newRig(t *testing.T, await ...string) *rig {
	t.Helper()
	e := newEdge(t, nil)
	e.now, e.intake.Await = time.Now(), await
	return e.delivering()
}

// delivering starts the engine, with a receiver for all events of acme.
func (e *edge) delivering() *rig {
	e.Helper()
	r := &rig{edge: e, t: e.T, got: make(chan string, 16)}
	t := e.T
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if req.Header.Get("Signature") != digest(signingKey, string(body)) {
			r.got <- "badly signed"
			return
		}
		r.got <- string(body)
	}))
	t.Cleanup(receiver.Close)
	r.must(r.store.CreateWebhook(t.Context(), "acme", webhook.Config{Name: "all", URL: receiver.URL}, secret.New(signingKey), r.now))
	r.must(r.store.LinkCredentials(t.Context(), "acme", r.now, webhook.Credential{Provider: "panda", User: "user-1", ID: "cred-1"}))
	engine := deliver.New(r.store, receiver.Client(), deliver.Options{
		Policy: webhook.DefaultRetry(), Timeout: 5 * time.Second, MaxInFlight: 8, WebhookMaxInFlight: 8, Log: slog.New(slog.DiscardHandler),
	})
	r.store.Notify(engine.Offer)
	r.must(engine.Start(t.Context()))
	r.stop = sync.OnceFunc(func() { engine.Stop(context.Background()) })
	t.Cleanup(r.stop)
	return r
}

// post has the provider post an event; no signature sends no such header.
func (r *rig) post(body, signature string) answer {
	r.Helper()
	if signature == "" {
		return r.ask("POST", "/hooks/panda", body)
	}
	return r.ask("POST", "/hooks/panda", body, "signature", signature)
}

func (r *rig) takes(event, id, body string) {
	r.t.Helper()
	resource, action, _ := strings.Cut(event, ".")
	raw := fmt.Sprintf(`{"id":%q,"resource":%q,"action":%q,"body":%s}`, id, resource, action, body)
	if got := r.post(raw, digest(providerKey, raw)); got.status != http.StatusOK || got.body != `{"code":"ok"}` {
		r.t.Fatalf("%s: %d %s", event, got.status, got.body)
	}
}

// arrives waits for the next event at the receiver.
func (r *rig) arrives(wants ...string) {
	r.t.Helper()
	select {
	case body := <-r.got:
		for _, want := range wants {
			if !strings.Contains(body, want) {
				r.t.Errorf("%s is not in %s", want, body)
			}
		}
		for _, private := range []string{"userId", "user-1", "Jane", "2029", "pin"} {
			if strings.Contains(body, private) {
				r.t.Errorf("%s has left in %s", private, body)
			}
		}
	case <-time.After(10 * time.Second):
		r.t.Fatalf("nothing arrived with %q", wants)
	}
}

const cardBody = `{"id":"card-1","userId":%q,"last4":"7392","type":"virtual","expirationMonth":"9","expirationYear":"2029","limit":{"frequency":"per7DayPeriod","amount":1000000},"status":%q,"tokenWallets":["Apple"],"pin":"0000"}`

func TestProviderEventsComeOutSigned(t *testing.T) {
	r := newRig(t)
	for in, out := range map[string]string{"active": "ACTIVE", "locked": "FROZEN", "canceled": "DELETED", "notActivated": "INACTIVE"} {
		r.takes("card.updated", "card-"+in, fmt.Sprintf(cardBody, "user-1", in))
		r.arrives(`"resource":"card","action":"updated"`, `"status":"`+out+`"`)
	}
	created := `{"id":"tx-1","type":"spend","spend":{` + spend + `,"status":"pending","authorizedAmount":2500,"merchantCity":"Lyon","merchantCountry":"FR","merchantCategory":"Food"}}`
	r.takes("transaction.created", "t-1", created)
	r.arrives(`"action":"created"`, `"id":"tx-1"`, `"merchantName":"Cafe"`)
	r.takes("transaction.created", "t-1", created) // again: known, nothing sent
	r.takes("transaction.updated", "t-2", `{"id":"tx-1","type":"spend","spend":{`+spend+`,"status":"reversed","authorizationUpdateAmount":-1000,"enrichedMerchantIcon":"https://icons.example.com/1.png","enrichedMerchantName":"Cafe","enrichedMerchantCategory":"Food"}}`)
	r.arrives(`"action":"updated"`, `"authorizationUpdateAmount":-1000`)
	r.takes("transaction.completed", "t-3", `{"id":"tx-1","type":"spend","spend":{`+spend+`,"status":"completed","authorizedAmount":2500,"postedAt":"2026-01-06T10:20:30.000Z"}}`)
	r.arrives(`"action":"completed"`)
	r.takes("user.updated", "u-1", `{"id":"user-1","firstName":"Jane","lastName":"Doe","email":"jane@example.com","isTermsOfServiceAccepted":true,
		"applicationReason":"","applicationStatus":"approved","isActive":true,"credentialId":"forged"}`)
	r.arrives(`"resource":"user"`, `"credentialId":"cred-1"`)
	r.takes("card.updated", "stranger", fmt.Sprintf(cardBody, "nobody", "active"))
	r.takes("dispute.created", "d-1", `{"id":"d"}`)
	r.takes("card.notification", "n-1", `{"id":"n-1","card":{"id":"card-1","userId":null},"tokenWallet":"Apple","reasonCode":"X"}`)
	r.takes("card.updated", "last", fmt.Sprintf(cardBody, "user-1", "locked"))
	r.arrives(`"status":"FROZEN"`) // and nothing before it
}

func TestProviderRefusals(t *testing.T) {
	r := newRig(t)
	misfit := `{"id":"m","resource":"card","action":"updated","body":{"id":7}}`
	for _, signature := range []string{"", "00", strings.Repeat("0", 64)} {
		r.want("signature "+signature, r.post(misfit, signature), 401, "unauthorized")
	}
	if kept, err := r.store.Quarantine(t.Context()); err != nil || len(kept) != 0 {
		t.Fatalf("unsigned bytes were stored: %v %v", kept, err)
	}
	for range 2 {
		got := r.post(misfit, digest(providerKey, misfit))
		r.want("a misfit", got, 400, "bad panda")
		if !strings.Contains(got.body, "body.id") {
			t.Error(got.body)
		}
	}
	if kept, err := r.store.Quarantine(t.Context()); err != nil || len(kept) != 1 || string(kept[0].Raw) != misfit {
		t.Errorf("quarantine: %v %v", kept, err)
	}
	r.want("10 MB", r.post(strings.Repeat("x", 10<<20), "00"), 413, "too large")
}

func TestReceiptReleasesInOrder(t *testing.T) {
	r := newRig(t, "transaction.created")
	r.takes("transaction.created", "t-1", `{"id":"tx-1","type":"spend","spend":{`+spend+`,"status":"pending","authorizedAmount":2500,"merchantCity":"Lyon","merchantCountry":"FR","merchantCategory":"Food"}}`)
	r.takes("transaction.completed", "t-2", `{"id":"tx-1","type":"spend","spend":{`+spend+`,"status":"completed","authorizedAmount":2500,"postedAt":"2026-01-06T10:20:30.000Z"}}`)
	id, hash := webhook.ProviderEventID("panda", "t-1"), "0x"+strings.Repeat("ab", 32)
	outcome, err := webhook.NewReceiptOutcome(hash, 19, "success")
	if err != nil {
		t.Fatal(err)
	}
	attach := func(id string, o webhook.ReceiptOutcome) webhook.Code {
		if err := r.store.Attach(t.Context(), "acme", id, o, time.Now()); err != nil {
			return webhook.CodeOf(err)
		}
		return ""
	}
	if code := attach(webhook.ProviderEventID("panda", "t-2"), outcome); code != webhook.CodeConflict {
		t.Errorf("an event that only waits behind another took a receipt: %q", code)
	}
	if code := attach("unknown", outcome); code != webhook.CodeNotFound {
		t.Errorf("unknown event: %q", code)
	}
	if code := attach(id, outcome); code != "" {
		t.Fatalf("attach: %q", code)
	}
	r.arrives(`"action":"created","receipt":{"blockNumber":19,"transactionHash":"` + hash + `"},"body":`)
	r.arrives(`"action":"completed","body":`)
	if code := attach(id, outcome); code != "" {
		t.Errorf("the same receipt again: %q", code)
	}
	outcome.BlockNumber++
	if code := attach(id, outcome); code != webhook.CodeConflict {
		t.Errorf("another receipt: %q", code)
	}
}

func TestExpiryLetsGoWhatWaitsBehind(t *testing.T) {
	r := newRig(t, "transaction.created")
	r.takes("transaction.created", "t-1", `{"id":"tx-1","type":"spend","spend":{`+spend+`,"status":"pending","authorizedAmount":2500,"merchantCity":"Lyon","merchantCountry":"FR","merchantCategory":"Food"}}`)
	r.takes("transaction.completed", "t-2", `{"id":"tx-1","type":"spend","spend":{`+spend+`,"status":"completed","authorizedAmount":2500,"postedAt":"2026-01-06T10:20:30.000Z"}}`)
	if n, err := r.store.Expire(t.Context(), time.Now()); n != 0 || err != nil {
		t.Fatalf("expired early: %d %v", n, err)
	}
	if n, err := r.store.Expire(t.Context(), time.Now().Add(2*time.Hour)); n != 1 || err != nil {
		t.Fatalf("expired %d %v", n, err)
	}
	event, err := r.store.Event(t.Context(), "acme", webhook.ProviderEventID("panda", "t-1"))
	if err != nil || event.State != webhook.Expired {
		t.Errorf("%v %v", event.State, err)
	}
}

// TestIntakeIsNeverFull has an organization with all the pending work that it
// may have: publishing is refused, a provider, who may not ask twice, is not.
func TestIntakeIsNeverFull(t *testing.T) {
	r := newRig(t)
	r.stop()
	const event = `{"resource":"order","action":"paid","body":{}}` + "\n"
	owner := r.token("acme", access.Owner)
	r.ask("POST", "/api/event", strings.Repeat(event, maxPending), "Authorization", owner, "Content-Type", "application/x-ndjson")
	r.want("publishing", r.ask("POST", "/api/event", event, "Authorization", owner), 429, "too many requests")
	r.takes("card.updated", "c-1", fmt.Sprintf(cardBody, "user-1", "active"))
	if event, err := r.store.Event(t.Context(), "acme", webhook.ProviderEventID("panda", "c-1")); err != nil || event.State != webhook.Accepted {
		t.Errorf("%+v %v", event, err)
	}
}
