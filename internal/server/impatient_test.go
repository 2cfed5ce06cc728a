package server_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"sealpost/internal/admin"
	"sealpost/internal/server"
	"sealpost/internal/webhook"
)

// answering is a server that is not sealpost.
type answering func(*http.Request) (*http.Response, error)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func publishTo(ctx context.Context, t *testing.T, to answering) error {
	t.Helper()
	d, err := webhook.NewDraft("order.paid", []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	results, err := server.NewClient("https://x.example.com", &http.Client{Transport: to}, http.Header{}).Publish(ctx, []admin.PublishParams{{Draft: d}})
	if err == nil {
		err = results[0].Err
	}
	return err
}

// TestServerThatNeverAnswers holds nobody for good, be it before its answer or
// within it.
func TestServerThatNeverAnswers(t *testing.T) {
	for name, to := range map[string]answering{
		"silent": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"endless": func(r *http.Request) (*http.Response, error) {
			in, out := io.Pipe()
			context.AfterFunc(r.Context(), func() { _ = out.CloseWithError(r.Context().Err()) })
			return &http.Response{StatusCode: http.StatusOK, Body: in}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if err := publishTo(t.Context(), t, to); webhook.CodeOf(err) != webhook.CodeTimeout {
					t.Errorf("it ends with %v", err)
				}
			})
		})
	}
}

// TestServerThatSaysSomethingElse is not believed to have done what it was asked for.
func TestServerThatSaysSomethingElse(t *testing.T) {
	for _, answer := range []string{`{}`, `{"status":"ok"}`, `{"id":"evt-of-somebody-else","deliveries":1}`, `<html>`, `null`} {
		to := answering(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(answer))}, nil
		})
		if err := publishTo(t.Context(), t, to); webhook.CodeOf(err) != webhook.CodeUnavailable {
			t.Errorf("%s: %v", answer, err)
		}
		if got, err := server.NewClient("https://x.example.com", &http.Client{Transport: to}, http.Header{}).Rotate(t.Context(), "", "orders", webhook.Rotation{}); webhook.CodeOf(err) != webhook.CodeUnavailable {
			t.Errorf("%s: rotated to %q (%v)", answer, got.Secret.Reveal(), err)
		}
	}
}
