package store_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"sealpost/internal/webhook"
)

// TestFullDiskIsRemembered has a write find no space: the store says so until it finds
// out that it can write again, whatever else succeeds meanwhile.
func TestFullDiskIsRemembered(t *testing.T) {
	ctx := t.Context()
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "w", URL: "https://example.com/"})
	large := `{"text":"` + strings.Repeat("x", 100<<10) + `"}`
	publish := func(id string) error {
		results, err := s.Publish(ctx, []webhook.Publication{event(t, id, large)})
		if err != nil {
			return err
		}
		return results[0].Err
	}
	if err := errors.Join(publish("e0"), s.TryDisk(ctx), s.Spare()); err != nil {
		t.Fatal(err)
	}
	room, err := s.Fill(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := publish("e1"); webhook.CodeOf(err) != webhook.CodeUnavailable || webhook.ReasonOf(err) != webhook.ReasonDiskFull {
		t.Fatalf("on a full disk publishing is %v, for the reason %q", err, webhook.ReasonOf(err))
	}
	if err := room(); err != nil {
		t.Fatal(err)
	}
	if err := s.Spare(); webhook.ReasonOf(err) != webhook.ReasonDiskFull {
		t.Fatalf("after a write that found no space the store says %v", err)
	}
	if err := errors.Join(publish("e1"), publish("e2")); err != nil {
		t.Fatalf("with space again: %v", err)
	}
	if err := s.Spare(); err == nil {
		t.Error("the store believes in space before it has looked")
	}
	if err := errors.Join(s.TryDisk(ctx), s.Spare()); err != nil {
		t.Errorf("with space again the store says %v", err)
	}
}
