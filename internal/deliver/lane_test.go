package deliver

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

type doerFunc func(*http.Request) (*http.Response, error)

func (f doerFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

// TestRetryRecordedAsReadingBegins records an outcome in the moment between the
// decision to read what is due and the reading. Its next attempt is due
// already, as on a slow disk; it must be made, with nothing else going on.
func TestRetryRecordedAsReadingBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "s.db"), Create: true, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close() //nolint:errcheck // the test is over
		if err := s.CreateWebhook(t.Context(), "acme", webhook.Config{Name: "x", URL: "https://x.example.com/"}, secret.Generate(), time.Now()); err != nil {
			t.Fatal(err)
		}
		draft, err := webhook.NewDraft("a.b", []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		draft.ID = "e1"
		published, err := s.Publish(t.Context(), []webhook.Publication{{Organization: "acme", Draft: draft, At: time.Now()}})
		if err != nil {
			t.Fatal(err)
		}
		key := published[0].Deliveries[0]
		works, err := s.First(t.Context(), key.Webhook, 0, 1)
		if err != nil || len(works) != 1 {
			t.Fatal(works, err)
		}
		outcome := &webhook.Outcome{Work: works[0], State: webhook.Pending, Due: time.Now(), Attempt: webhook.Attempt{N: 1, At: time.Now(), Status: 500}}
		if stale, err := s.Finish(t.Context(), []*webhook.Outcome{outcome}); err != nil || len(stale) > 0 {
			t.Fatal(stale, err)
		}

		requests := 0
		e := New(s, doerFunc(func(*http.Request) (*http.Response, error) {
			requests++
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}, nil
		}), Options{Policy: webhook.DefaultRetry()})
		e.recorder.start()
		e.mu.Lock()
		l := e.laneLocked(key.Webhook)
		l.takeLocked(outcome.Work) // its outcome is on file, and about to be let go
		l.planLocked(time.Now())
		e.refillLocked(l)
		e.letGoLocked([]*webhook.Outcome{outcome}, nil)
		e.mu.Unlock()
		<-time.After(time.Hour)
		synctest.Wait()
		if requests != 1 {
			t.Errorf("%d requests for a retry that has been due for an hour", requests)
		}
		e.Stop(t.Context())
	})
}
