package server

import (
	"testing"
	"testing/synctest"

	"sealpost/internal/webhook"
)

// TestReadsWaitForTheirTurn: beyond its bound an organization's reads wait, in
// order, and are refused after a while; nobody else's are.
func TestReadsWaitForTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r readQueue
		for range 2 {
			if err := r.enter(t.Context(), "a", 2); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.enter(t.Context(), "b", 2); err != nil {
			t.Fatal(err)
		}
		if err := r.enter(t.Context(), "c", 0); err != nil {
			t.Fatal(err)
		}
		third := make(chan error, 1)
		go func() { third <- r.enter(t.Context(), "a", 2) }()
		synctest.Wait()
		select {
		case err := <-third:
			t.Fatalf("the third did not wait: %v", err)
		default:
		}
		r.leave("a")
		if err := <-third; err != nil {
			t.Fatal(err)
		}
		if err := r.enter(t.Context(), "a", 2); webhook.CodeOf(err) != webhook.CodeTooManyRequests {
			t.Fatalf("the third after 10 s: %v", err)
		}
		r.leave("a")
		r.leave("a")
		r.leave("b")
		r.leave("c")
		if len(r.orgs) != 0 {
			t.Fatalf("%d organizations are left", len(r.orgs))
		}
	})
}
