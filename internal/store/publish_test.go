package store_test

import (
	"path/filepath"
	"testing"

	"sealpost/internal/webhook"
)

func TestPublishAnswersEachByItself(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "all", URL: "u"})
	create(t, s, "acme", webhook.Config{Name: "cards", URL: "u", Only: []string{"card.*"}})
	create(t, s, "other", webhook.Config{Name: "all", URL: "u"})
	named := event(t, "e3", `{"n":3}`)
	named.To, named.Named = []string{"nobody"}, true
	results, err := s.Publish(t.Context(), []webhook.Publication{
		event(t, "e1", `{"n":1}`), event(t, "e1", `{"n":1}`), event(t, "e1", `{"n":2}`), named, event(t, "e2", `{"n":1}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		count    int
		repeated bool
		code     webhook.Code
	}{{1, false, ""}, {1, true, ""}, {0, false, webhook.CodeEventConflict}, {0, false, webhook.CodeNotFound}, {1, false, ""}} {
		got := results[i]
		code := webhook.Code("")
		if got.Err != nil {
			code = webhook.CodeOf(got.Err)
		}
		if code != want.code || got.Repeated != want.repeated || code == "" && got.Count != want.count {
			t.Errorf("%d: %+v, not %+v", i, got, want)
		}
	}
	if e, err := s.Event(t.Context(), "acme", "e1"); err != nil || string(e.Bytes) != `{"id":"e1","timestamp":"2026-01-05T10:20:30.000Z","resource":"order","action":"paid","body":{"n":1}}` {
		t.Errorf("%s (%v)", e.Bytes, err)
	}
	if _, err := s.Event(t.Context(), "other", "e1"); webhook.CodeOf(err) != webhook.CodeNotFound {
		t.Errorf("another organization sees the event: %v", err)
	}
	// A page of events of a megabyte each is not to be in memory for a list that shows none.
	events, _, err := s.Events(t.Context(), webhook.EventQuery{Organization: "acme"})
	if err != nil || len(events) != 2 {
		t.Fatal(events, err)
	}
	for _, e := range events {
		if e.Bytes != nil || e.Pruned {
			t.Errorf("a list reads %d bytes of %s, pruned: %v", len(e.Bytes), e.ID, e.Pruned)
		}
	}
}
