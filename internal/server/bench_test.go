package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/admin"
	"sealpost/internal/catalog"
	"sealpost/internal/secret"
	"sealpost/internal/server"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// spendBody is a card purchase as a provider tells of it and as it goes out.
const (
	spendIn  = `{"id":"tx-1","type":"spend","spend":{` + spend + `,"status":"pending"}}`
	spendOut = `{"id":"tx-1","type":"spend","spend":{"amount":2500,"currency":"usd","cardId":"card-1","localAmount":2300,"localCurrency":"eur","merchantName":"Cafe","merchantCategoryCode":"5812","authorizedAt":"2026-01-05T10:20:30.000Z","status":"pending"}}`
)

// BenchmarkCalls puts calls beside a bare net/http handler in the same run,
// over loopback; of_bare is what a call reaches of the bare one's rate. Taking a
// card purchase from the provider is put beside publishing a small event and
// publishing the same purchase.
func BenchmarkCalls(b *testing.B) {
	s, err := store.Open(b.Context(), store.Options{Path: filepath.Join(b.TempDir(), "s.db"), Create: true, Migrate: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	if err := s.CreateWebhook(b.Context(), "acme", webhook.Config{Name: "a", URL: "https://a.example.com/"}, secret.Generate(), time.Now()); err != nil {
		b.Fatal(err)
	}
	if err := s.LinkCredentials(b.Context(), "acme", time.Now(), webhook.Credential{Provider: "panda", User: "user-1", ID: "cred-1"}); err != nil {
		b.Fatal(err)
	}
	token, text, err := access.NewToken("", "bench", access.Admin, access.Owner, 0, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	if err := s.AddToken(b.Context(), "acme", token); err != nil {
		b.Fatal(err)
	}
	types, err := catalog.New(catalog.Options{})
	if err != nil {
		b.Fatal(err)
	}
	edge := server.New(server.Options{
		Service: &admin.Service{Store: s, Deliver: s, Now: time.Now, Catalog: types}, Tokens: s, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Hooks: []server.Hook{pandaHook(&admin.Intake{Store: s, Now: time.Now})},
	})
	var n atomic.Int64
	took := map[string]float64{} // nanoseconds a call
	for _, call := range []struct {
		name, method, path string
		body               func() string
		handler            http.Handler
	}{
		{"bare", http.MethodPost, "/", func() string { return spendOut }, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, `{"id":"x","deliveries":1}`)
		})},
		{"list_webhooks", http.MethodGet, "/api/webhook", func() string { return "" }, edge},
		{"publish", http.MethodPost, "/api/event", func() string { return `{"resource":"order","action":"paid","body":{"total":2500}}` }, edge},
		{"publish_purchase", http.MethodPost, "/api/event", func() string {
			return fmt.Sprintf(`{"id":"e-%d","resource":"transaction","action":"created","body":%s}`, n.Add(1), spendOut)
		}, edge},
		{"provider_purchase", http.MethodPost, "/hooks/panda", func() string {
			return fmt.Sprintf(`{"id":"p-%d","resource":"transaction","action":"created","body":%s}`, n.Add(1), spendIn)
		}, edge},
	} {
		b.Run(call.name, func(b *testing.B) {
			web := httptest.NewServer(call.handler)
			defer web.Close()
			client := web.Client()
			client.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					body := call.body()
					request, err := http.NewRequest(call.method, web.URL+call.path, strings.NewReader(body))
					if err != nil {
						b.Error(err)
						return
					}
					request.Header.Set("Authorization", "Bearer "+text.Reveal())
					request.Header.Set("Content-Type", "application/json")
					request.Header.Set("signature", digest(providerKey, body))
					response, err := client.Do(request)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, response.Body)
					_ = response.Body.Close()
					if response.StatusCode > 299 {
						b.Errorf("%d", response.StatusCode)
						return
					}
				}
			})
			took[call.name] = float64(b.Elapsed()) / float64(b.N)
			if call.name == "provider_purchase" {
				b.ReportMetric(took["publish"]/took[call.name], "of_publish")
				b.ReportMetric(took["publish_purchase"]/took[call.name], "of_publish_purchase")
			}
			b.ReportMetric(took["bare"]/took[call.name], "of_bare")
		})
	}
}
