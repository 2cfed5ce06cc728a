package store_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestLittleSpace asks for every kind of write while the disk has too little free.
func TestLittleSpace(t *testing.T) {
	ctx, now := t.Context(), time.Unix(1_800_000_000, 0)
	path := filepath.Join(t.TempDir(), "s.db")
	full, err := store.Open(ctx, store.Options{Path: path, Create: true, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close() //nolint:errcheck // a test's
	if err := full.CreateWebhook(ctx, "default", webhook.Config{Name: "w", URL: "https://example.com/"}, secret.New("0123456789abcdef0123456789abcdef"), now); err != nil {
		t.Fatal(err)
	}
	asked := 0
	s, err := store.Open(ctx, store.Options{Path: path, Space: store.Space{Least: 100, Free: func() (uint64, error) { asked++; return 99, nil }}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // a test's
	_, published := s.Publish(ctx, []webhook.Publication{{}})
	_, resent := s.Resend(ctx, "default", "e", nil, now)
	for name, err := range map[string]error{
		"publish": published, "resend": resent,
		"webhook": s.CreateWebhook(ctx, "default", webhook.Config{Name: "v", URL: "https://example.com/"}, secret.New("0123456789abcdef0123456789abcdef"), now),
		"token":   s.AddToken(ctx, "default", access.Token{}),
		"bounds":  s.SetBounds(ctx, "default", nil),
		"retry":   s.RetryDelivery(ctx, "default", webhook.DeliveryKey{}, now),
		"decline": s.Decline(ctx, "default", "t", "r", now),
	} {
		var fault *webhook.Error
		if !errors.As(err, &fault) || fault.Code != webhook.CodeUnavailable || !strings.Contains(err.Error(), "99 bytes free") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, tidied := s.Tidy(ctx, now)
	_, expired := s.Expire(ctx, now)
	_, taken := s.Take(ctx, webhook.Incoming{Provider: "panda", ID: "p1", User: "u", Raw: []byte(`{}`), At: now})
	for name, err := range map[string]error{
		"tidy": tidied, "expire": expired, "provider event": taken, "writable": s.Writable(ctx),
		"delete": s.DeleteWebhook(ctx, "default", "w", now, func(webhook.Webhook) error { return nil }),
	} {
		if err != nil {
			t.Errorf("%s is refused: %v", name, err)
		}
	}
	if asked == 0 {
		t.Error("nobody asked how much is free")
	}
}
