package admin_test

import (
	"testing"
	"time"

	"sealpost/internal/admin"
	"sealpost/internal/catalog"
	"sealpost/internal/catalog/catalogtest"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestIntakeWaits: which events of a provider wait for a receipt, by the types
// that the settings name and by what they are.
func TestIntakeWaits(t *testing.T) {
	s := service(t)
	db := s.Store.(*store.Store)
	if err := db.LinkCredentials(t.Context(), "acme", now, webhook.Credential{Provider: "panda", User: "user-1", ID: "cred-1"}); err != nil {
		t.Fatal(err)
	}
	panda, _ := catalog.ProviderByName("panda")
	for i, test := range []struct {
		await []string
		event string
		state webhook.EventState
	}{
		{nil, "transaction.created", webhook.Accepted},
		{[]string{"transaction.completed"}, "transaction.created", webhook.Accepted},
		{[]string{"card.updated"}, "card.updated", webhook.Accepted},
		{[]string{"user.updated"}, "user.updated", webhook.Accepted},
		{[]string{"transaction.created", "transaction.updated"}, "transaction.updated", webhook.Held},
		{[]string{"transaction.created"}, "transaction.completed", webhook.Held}, // behind the one before
	} {
		intake := admin.Intake{Store: db, Now: s.Now, Await: test.await, Timeout: time.Hour}
		taken, err := intake.Take(t.Context(), panda, catalogtest.PandaEvent(string(rune('a'+i)), test.event, catalogtest.Incoming[test.event]))
		if err != nil || taken.Event.State != test.state {
			t.Errorf("%s, when %v wait: %+v %v", test.event, test.await, taken, err)
		}
	}
}

// TestPush takes from quarantine what fits by then, and keeps what doesn't.
func TestPush(t *testing.T) {
	s := service(t)
	db := s.Store.(*store.Store)
	panda, _ := catalog.ProviderByName("panda")
	intake := admin.Intake{Store: db, Now: s.Now, Timeout: time.Hour}
	if _, err := intake.Take(t.Context(), panda, []byte(`{"id":"e"}`)); webhook.CodeOf(err) != webhook.CodeBadPanda {
		t.Fatal(err)
	}
	if _, err := intake.Push(t.Context(), 1); webhook.CodeOf(err) != webhook.CodeBadPanda {
		t.Errorf("what does not fit: %v", err)
	}
	if _, err := intake.Push(t.Context(), 2); webhook.CodeOf(err) != webhook.CodeNotFound {
		t.Errorf("what is not there: %v", err)
	}
	if kept, err := db.Quarantine(t.Context()); err != nil || len(kept) != 1 {
		t.Fatalf("%v %v", kept, err)
	}
	// The provider sends it anew, as it should be: then it is known.
	if _, err := intake.Take(t.Context(), panda, catalogtest.PandaEvent("e", "dispute.created", `{}`)); err != nil {
		t.Fatal(err)
	}
	if taken, err := intake.Push(t.Context(), 1); err != nil || !taken.Repeated {
		t.Errorf("what is known: %+v %v", taken, err)
	}
	if kept, err := db.Quarantine(t.Context()); err != nil || len(kept) != 0 {
		t.Errorf("%v %v", kept, err)
	}
}
