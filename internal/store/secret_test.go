package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

func TestSecretsOverARotation(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	rotate := func(text string, overlap time.Duration, force bool, at time.Time) error {
		_, err := s.Rotate(t.Context(), "acme", "x", webhook.Rotation{Secret: secret.New(text), Overlap: overlap, Force: force}, at)
		return err
	}
	if err := rotate("second", time.Hour, false, now); err != nil {
		t.Fatal(err)
	}
	if err := rotate("third", time.Hour, false, now.Add(time.Minute)); webhook.CodeOf(err) != webhook.CodeRotationInProgress {
		t.Errorf("during an overlap: %v", err)
	}
	if err := rotate("third", 0, true, now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	found, err := s.Secrets(t.Context(), "acme", "x")
	if err != nil || len(found) != 3 || found[0].Value.Reveal() != "third" || !found[0].Ends.IsZero() {
		t.Fatalf("%d secrets (%v)", len(found), err)
	}
	for _, old := range found[1:] {
		if old.Ends.After(now.Add(time.Minute)) {
			t.Errorf("an old secret signs until %s", old.Ends)
		}
	}
	if err := rotate("fourth", 0, false, now.Add(40*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if found, err = s.Secrets(t.Context(), "acme", "x"); err != nil || len(found) != 2 {
		t.Errorf("%d secrets are kept after 40 days (%v)", len(found), err)
	}
}
