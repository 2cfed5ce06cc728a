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
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sealpost/internal/admin"
	"sealpost/internal/catalog"
	"sealpost/internal/deliver"
	"sealpost/internal/secret"
	"sealpost/internal/server"
	"sealpost/internal/store"
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

// rig is the real edge, store and engine, with a receiver behind them.
type rig struct {
	t     *testing.T
	edge  *server.Server
	store *store.Store
	got   chan string
}

func newRig(t *testing.T, await ...string) *rig {
	t.Helper()
	r := &rig{t: t, got: make(chan string, 16)}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if req.Header.Get("Signature") != digest(signingKey, string(body)) {
			r.got <- "badly signed"
			return
		}
		r.got <- string(body)
	}))
	t.Cleanup(receiver.Close)
	var err error
	if r.store, err = store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "x.db"), Create: true, Migrate: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.store.Close() })
	config := webhook.Config{Name: "all", URL: receiver.URL}
	if err := r.store.CreateWebhook(t.Context(), "acme", config, secret.New(signingKey), time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := r.store.LinkCredentials(t.Context(), "acme", time.Now(), webhook.Credential{Provider: "panda", User: "user-1", ID: "cred-1", Created: time.Now()}); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	engine := deliver.New(r.store, receiver.Client(), deliver.Options{Policy: webhook.DefaultRetry(), Timeout: 5 * time.Second, MaxInFlight: 8, WebhookMaxInFlight: 8, Log: log})
	r.store.Notify(engine.Offer)
	if err := engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Stop(context.Background()) })
	panda, _ := catalog.ProviderByName("panda")
	intake := &admin.Intake{Store: r.store, Now: time.Now, Await: await, Timeout: time.Hour}
	r.edge = server.New(server.Options{Log: log, Now: time.Now, Hooks: []server.Hook{{
		Name: "panda",
		Verify: func(header func(string) string, raw []byte) error {
			return panda.Verify(secret.New(providerKey), header, raw)
		},
		Take: func(ctx context.Context, raw []byte) (webhook.Taking, error) { return intake.Take(ctx, panda, raw) },
	}}})
	return r
}

func (r *rig) post(body, signature string) (int, string) {
	req := httptest.NewRequest(http.MethodPost, "/hooks/panda", strings.NewReader(body))
	if signature != "" {
		req.Header.Set("signature", signature)
	}
	w := httptest.NewRecorder()
	r.edge.ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

func (r *rig) takes(event, id, body string) {
	r.t.Helper()
	resource, action, _ := strings.Cut(event, ".")
	raw := fmt.Sprintf(`{"id":%q,"resource":%q,"action":%q,"body":%s}`, id, resource, action, body)
	if status, answer := r.post(raw, digest(providerKey, raw)); status != http.StatusOK || answer != `{"code":"ok"}` {
		r.t.Fatalf("%s: %d %s", event, status, answer)
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
		if status, answer := r.post(misfit, signature); status != http.StatusUnauthorized {
			t.Errorf("signature %q: %d %s", signature, status, answer)
		}
	}
	if kept, err := r.store.Quarantine(t.Context()); err != nil || len(kept) != 0 {
		t.Fatalf("unsigned bytes were stored: %v %v", kept, err)
	}
	for range 2 {
		status, answer := r.post(misfit, digest(providerKey, misfit))
		if status != http.StatusBadRequest || !strings.Contains(answer, `"bad panda"`) || !strings.Contains(answer, "body.id") {
			t.Errorf("%d %s", status, answer)
		}
	}
	if kept, err := r.store.Quarantine(t.Context()); err != nil || len(kept) != 1 || string(kept[0].Raw) != misfit {
		t.Errorf("quarantine: %v %v", kept, err)
	}
	if status, _ := r.post(strings.Repeat("x", 10<<20), "00"); status != http.StatusRequestEntityTooLarge {
		t.Errorf("10 MB: %d", status)
	}
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
