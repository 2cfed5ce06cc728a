package store_test

import (
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

func TestNameIsTakenOnce(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	var mu sync.Mutex
	won := 0
	var g errgroup.Group
	for range 50 {
		g.Go(func() error {
			err := s.CreateWebhook(t.Context(), "acme", webhook.Config{Name: "x", URL: "u"}, secret.Generate(), now)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				won++
				return nil
			}
			if webhook.CodeOf(err) != webhook.CodeNameConflict {
				return err
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil || won != 1 {
		t.Errorf("%d creations won (%v)", won, err)
	}
}
