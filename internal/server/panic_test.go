package server_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/server"
	"sealpost/internal/webhook"
)

// broken is a place of tokens with a bug in it.
type broken struct{ text string }

func (b broken) Token(context.Context, string) (access.Token, error) { panic(b.text) }
func (b broken) Organization(context.Context, string) (webhook.Organization, error) {
	panic(b.text)
}
func (b broken) Remembered(string) (access.Token, bool) { panic(b.text) }

// TestPanic: a request whose handling panics is answered, counted, and logged
// with its route and its stack, and without what was panicked with.
func TestPanic(t *testing.T) {
	const private = "do-not-tell"
	panics, log := 0, &said{}
	web := httptest.NewServer(server.New(server.Options{
		Tokens: broken{private}, Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil)), Panicked: func() { panics++ },
	}))
	defer web.Close()
	_, token, err := access.NewToken("o", "test", access.Admin, access.Owner, 0, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+"/api/webhook/private-name", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token.Reveal())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusInternalServerError || !strings.Contains(string(body), `"code":"internal`) || panics != 1 {
		t.Errorf("%d %s after %d panics", response.StatusCode, body, panics)
	}
	if text := log.String(); strings.Contains(text, private) || !strings.Contains(text, `route="GET /api/webhook/{name}"`) || !strings.Contains(text, "panic_test.go") || strings.Count(text, "\n") != 1 {
		t.Errorf("the log says %s", text)
	}
}
