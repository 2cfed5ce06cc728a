package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
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

// benchEdge is an edge over a store of its own with one webhook, and a header
// with a token for it.
func benchEdge(b *testing.B) (*server.Server, string) {
	b.Helper()
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	s, err := store.Open(b.Context(), store.Options{Path: filepath.Join(b.TempDir(), "s.db"), Create: true, Migrate: true})
	must(err)
	b.Cleanup(func() { _ = s.Close() })
	must(s.CreateWebhook(b.Context(), "acme", webhook.Config{Name: "a", URL: "https://a.example.com/"}, secret.Generate(), time.Now()))
	must(s.LinkCredentials(b.Context(), "acme", time.Now(), webhook.Credential{Provider: "panda", User: "user-1", ID: "cred-1"}))
	token, text, err := access.NewToken("", "bench", access.Admin, access.Owner, 0, time.Now())
	must(err)
	must(s.AddToken(b.Context(), "acme", token))
	types, err := catalog.New(catalog.Options{})
	must(err)
	return server.New(server.Options{
		Service: &admin.Service{Store: s, Deliver: s, Now: time.Now, Catalog: types}, Tokens: s, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Hooks: []server.Hook{pandaHook(&admin.Intake{Store: s, Now: time.Now})},
	}), "Bearer " + text.Reveal()
}

// benchCall is one kind of call.
type benchCall struct {
	client             *http.Client
	method, url, token string
	body               func() string
}

func newBenchCall(b *testing.B, handler http.Handler, token, method, path string, body func() string) *benchCall {
	web := httptest.NewServer(handler)
	b.Cleanup(web.Close)
	web.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	return &benchCall{web.Client(), method, web.URL + path, token, body}
}

func (c *benchCall) make() error {
	body := c.body()
	request, err := http.NewRequest(c.method, c.url, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", c.token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("signature", digest(providerKey, body))
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if response.StatusCode > 299 {
		return fmt.Errorf("%d %s", response.StatusCode, text)
	}
	return err
}

// BenchmarkCalls puts calls with a bearer token beside a bare net/http handler
// in the same run, over loopback; of_bare is what a call reaches of its rate.
func BenchmarkCalls(b *testing.B) {
	edge, token := benchEdge(b)
	const event = `{"resource":"order","action":"paid","body":{"total":2500}}`
	bare := 0.0 // nanoseconds a call
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
			c := newBenchCall(b, call.handler, token, call.method, call.path, func() string { return call.body })
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := c.make(); err != nil {
						b.Error(err)
						return
					}
				}
			})
			took := float64(b.Elapsed()) / float64(b.N)
			if call.name == "bare" {
				bare = took
			}
			b.ReportMetric(bare/took, "of_bare")
		})
	}
}

// BenchmarkIntake has a provider post card purchases, and publishes the same
// ones by turns, so that both see the same machine: of_publish is the rate of
// POST /hooks/panda as a share of that of POST /api/event.
func BenchmarkIntake(b *testing.B) {
	const (
		clients, calls = 16, 16 // of one turn: each client makes so many calls
		in             = `{"id":"%s","type":"spend","spend":{` + spend + `,"status":"pending"}}`
		out            = `{"id":"%s","type":"spend","spend":{"amount":2500,"currency":"usd","cardId":"card-1","localAmount":2300,"localCurrency":"eur",` +
			`"merchantName":"Cafe","merchantCategoryCode":"5812","authorizedAt":"2026-01-05T10:20:30.000Z","status":"pending"}}`
	)
	edge, token := benchEdge(b)
	var n atomic.Int64
	purchase := func(body string) func() string {
		return func() string {
			id := webhook.NewID(time.Now())
			return fmt.Sprintf(`{"id":"%s-%d","resource":"transaction","action":"created","body":%s}`, id, n.Add(1), fmt.Sprintf(body, id))
		}
	}
	took := [2]time.Duration{}
	turns := [2]*benchCall{
		newBenchCall(b, edge, token, http.MethodPost, "/hooks/panda", purchase(in)),
		newBenchCall(b, edge, token, http.MethodPost, "/api/event", purchase(out)),
	}
	for b.Loop() {
		for i, c := range turns {
			began := time.Now()
			var together sync.WaitGroup
			for range clients {
				together.Go(func() {
					for range calls {
						if err := c.make(); err != nil {
							b.Error(err)
						}
					}
				})
			}
			together.Wait()
			took[i] += time.Since(began)
		}
	}
	each := float64(b.N * clients * calls)
	b.ReportMetric(float64(took[0])/each, "ns/intake")
	b.ReportMetric(float64(took[1])/each, "ns/publish")
	b.ReportMetric(float64(took[1])/float64(took[0]), "of_publish")
}
