package server_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
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

	"sealpost/internal/catalog/catalogtest"
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
	t    testing.TB
	got  chan string // bodies that came signed
	stop func()      // the engine, with all outcomes recorded
}

func newRig(t testing.TB, await ...string) *rig {
	t.Helper()
	e := newEdge(t, nil)
	e.now, e.intake.Await = time.Now(), await
	return e.delivering()
}

// delivering starts the engine, with a receiver for all events of acme.
func (e *edge) delivering() *rig {
	e.Helper()
	r := &rig{edge: e, t: e.TB, got: make(chan string, 16)}
	t := e.TB
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		id, at := req.Header.Get("webhook-id"), req.Header.Get("webhook-timestamp")
		mac, _ := hex.DecodeString(digest(signingKey, id+"."+at+"."+string(body)))
		switch {
		case req.Header.Get("Signature") != digest(signingKey, string(body)), req.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac):
			r.got <- "badly signed"
		case strings.Contains(fmt.Sprint(req.URL, req.Header, req.Trailer), catalogtest.Leak):
			r.got <- catalogtest.Leak
		default:
			r.got <- string(body)
		}
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
	case <-time.After(2 * time.Minute):
		r.t.Fatalf("nothing arrived with %q", wants)
	}
}

const cardBody = `{"id":"card-1","userId":%q,"last4":"7392","type":"virtual","expirationMonth":"9","expirationYear":"2029","limit":{"frequency":"per7DayPeriod","amount":1000000},"status":%q,"tokenWallets":["Apple"],"pin":"0000"}`

func TestReceiptReleasesInOrder(t *testing.T) {
	r := newRig(t, "transaction.created")
	r.takes("transaction.created", "t-1", `{"id":"tx-1","type":"spend","spend":{`+spend+`,"status":"pending","authorizedAmount":2500,"merchantCity":"Lyon","merchantCountry":"FR","merchantCategory":"Food"}}`)
	r.takes("transaction.completed", "t-2", `{"id":"tx-1","type":"spend","spend":{`+spend+`,"status":"completed","authorizedAmount":2500,"postedAt":"2026-01-06T10:20:30.000Z"}}`)
	id, hash := "t-1", "0x"+strings.Repeat("ab", 32)
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
	if code := attach("t-2", outcome); code != webhook.CodeConflict {
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
	event, err := r.store.Event(t.Context(), "acme", "t-1")
	if err != nil || event.State != webhook.Expired {
		t.Errorf("%v %v", event.State, err)
	}
}
