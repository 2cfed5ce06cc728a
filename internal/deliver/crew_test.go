package deliver

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestCrew has more attempts under way than goroutines may wait afterwards, and
// then one after the other: these start none. That all of them end with the
// engine is what the bubble sees to.
func TestCrew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "s.db"), Create: true, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close() //nolint:errcheck // the test is over
		if err := s.CreateWebhook(t.Context(), "acme", webhook.Config{Name: "x", URL: "https://x.example.com/"}, secret.Generate(), time.Now()); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		by := make(map[string]bool) // goroutines that made attempts
		e := New(s, doerFunc(func(*http.Request) (*http.Response, error) {
			mu.Lock()
			by[goroutine()] = true
			mu.Unlock()
			<-time.After(time.Second)
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(http.NoBody)}, nil
		}), Options{WebhookMaxInFlight: 2 * maxWaiting})
		s.Notify(e.Offer)
		if err := e.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		published := 0
		publish := func() {
			published++
			draft, err := webhook.NewDraft("a.b", []byte(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			draft.ID = fmt.Sprint(published)
			if _, err := s.Publish(t.Context(), []webhook.Publication{{Organization: "acme", Draft: draft, At: time.Now()}}); err != nil {
				t.Fatal(err)
			}
		}
		for range 8 * maxWaiting {
			publish()
		}
		<-time.After(time.Minute)
		e.mu.Lock()
		waiting := len(e.crew.waiting)
		e.mu.Unlock()
		if len(by) <= maxWaiting || waiting != maxWaiting {
			t.Errorf("%d goroutines made attempts, %d of them wait", len(by), waiting)
		}
		clear(by)
		for range 3 {
			publish()
			<-time.After(time.Minute)
		}
		if len(by) != 1 {
			t.Errorf("%d goroutines for attempts one after the other", len(by))
		}
		e.Stop(t.Context())
		if len(e.crew.waiting) != 0 {
			t.Error("some wait still")
		}
	})
}

// goroutine names the one that calls it.
func goroutine() string {
	var text [32]byte
	return string(text[:runtime.Stack(text[:], false)])
}
