package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/admin"
	"sealpost/internal/secret"
	"sealpost/internal/server"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// BenchmarkCalls puts calls with a bearer token beside a bare net/http handler
// in the same run, over loopback. Divide: what a call reaches of the bare one
// is bare's ns/op by its own.
func BenchmarkCalls(b *testing.B) {
	s, err := store.Open(b.Context(), store.Options{Path: filepath.Join(b.TempDir(), "s.db"), Create: true, Migrate: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	if err := s.CreateWebhook(b.Context(), "acme", webhook.Config{Name: "a", URL: "https://a.example.com/"}, secret.Generate(), time.Now()); err != nil {
		b.Fatal(err)
	}
	token, text, err := access.NewToken("", "bench", access.Admin, access.Owner, 0, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	if err := s.AddToken(b.Context(), "acme", token); err != nil {
		b.Fatal(err)
	}
	edge := server.New(server.Options{Service: &admin.Service{Store: s, Deliver: s, Now: time.Now}, Tokens: s, Now: time.Now})
	const event = `{"resource":"order","action":"paid","body":{"total":2500}}`
	for _, call := range []struct {
		name, method, path, body string
		handler                  http.Handler
	}{
		{"bare", http.MethodPost, "/", event, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, `{"id":"x","deliveries":1}`)
		})},
		{"list_webhooks", http.MethodGet, "/api/webhook", "", edge},
		{"publish", http.MethodPost, "/api/event", event, edge},
	} {
		b.Run(call.name, func(b *testing.B) {
			web := httptest.NewServer(call.handler)
			defer web.Close()
			client := web.Client()
			client.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					request, err := http.NewRequest(call.method, web.URL+call.path, strings.NewReader(call.body))
					if err != nil {
						b.Error(err)
						return
					}
					request.Header.Set("Authorization", "Bearer "+text.Reveal())
					request.Header.Set("Content-Type", "application/json")
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
		})
	}
}
