package admin_test

import (
	"slices"
	"strings"
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
	// The provider sends it anew, as it should be: then it is known. What is in
	// quarantine has other content and stays.
	if err := db.LinkCredentials(t.Context(), "acme", now, webhook.Credential{Provider: "panda", User: "user-1", ID: "cred-1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := intake.Take(t.Context(), panda, catalogtest.PandaEvent("e", "card.updated", catalogtest.Incoming["card.updated"])); err != nil {
		t.Fatal(err)
	}
	if taken, err := intake.Push(t.Context(), 1); webhook.CodeOf(err) != webhook.CodeConflict || !taken.Conflicting {
		t.Errorf("what is known: %+v %v", taken, err)
	}
	if kept, err := db.Quarantine(t.Context()); err != nil || len(kept) != 1 {
		t.Errorf("%v %v", kept, err)
	}
}

// TestPushUser sends what is kept for a user in order of arrival, once the user
// is linked. What the provider has sent again by then is not sent twice.
func TestPushUser(t *testing.T) {
	s := service(t)
	db := s.Store.(*store.Store)
	panda, _ := catalog.ProviderByName("panda")
	intake := admin.Intake{Store: db, Now: s.Now, Timeout: time.Hour, KeepUnlinked: time.Hour}
	take := func(id string, want webhook.IntakeResult) {
		t.Helper()
		if taken, err := intake.Take(t.Context(), panda, catalogtest.PandaEvent(id, "card.updated", catalogtest.Incoming["card.updated"])); err != nil || taken.Result() != want {
			t.Fatalf("%s: %+v %v", id, taken, err)
		}
	}
	push := func() (sent []string, err error) {
		err = intake.PushUser(t.Context(), panda, "user-1", func(taken webhook.Taking) {
			if taken.Repeated || taken.Ignored != "" || taken.Kept {
				t.Errorf("%+v", taken)
			}
			sent = append(sent, taken.Event.ID)
		})
		return sent, err
	}
	for _, id := range []string{"z", "m", "a", "z"} {
		take(id, webhook.IntakeUnknownUser)
	}
	if sent, err := push(); webhook.CodeOf(err) != webhook.CodeNotFound || sent != nil {
		t.Errorf("of an unlinked user: %v %v", sent, err)
	}
	if err := db.LinkCredentials(t.Context(), "acme", now, webhook.Credential{Provider: "panda", User: "user-1", ID: "cred-1"}); err != nil {
		t.Fatal(err)
	}
	take("m", webhook.IntakeAccepted)
	if sent, err := push(); err != nil || !slices.Equal(sent, []string{"z", "a"}) {
		t.Errorf("sent: %v %v", sent, err)
	}
	if sent, err := push(); err != nil || sent != nil {
		t.Errorf("sent again: %v %v", sent, err)
	}
	for _, id := range []string{"z", "m", "a"} {
		take(id, webhook.IntakeRepeated)
	}
	if kept, err := db.Quarantine(t.Context()); err != nil || len(kept) != 0 {
		t.Errorf("in quarantine: %v %v", kept, err)
	}
}

// TestContent: what counts as the same event, and what does not use an id up.
func TestContent(t *testing.T) {
	s := service(t)
	db := s.Store.(*store.Store)
	if err := db.LinkCredentials(t.Context(), "acme", now, webhook.Credential{Provider: "panda", User: "user-1", ID: "cred-1"}); err != nil {
		t.Fatal(err)
	}
	panda, _ := catalog.ProviderByName("panda")
	intake := admin.Intake{Store: db, Now: s.Now, Timeout: time.Hour}
	requested, created := catalogtest.Incoming["transaction.requested"], catalogtest.Incoming["transaction.created"]
	raw := string(catalogtest.PandaEvent("e", "transaction.created", created))
	for _, step := range []struct {
		what, raw string
		want      webhook.IntakeResult
	}{
		{"requested", string(catalogtest.PandaEvent("e", "transaction.requested", requested)), webhook.IntakeIgnored},
		{"requested again", string(catalogtest.PandaEvent("e", "transaction.requested", requested)), webhook.IntakeIgnored},
		{"created", raw, webhook.IntakeAccepted},
		{"created again", raw, webhook.IntakeRepeated},
		{"other spaces, numbers and escapes", strings.NewReplacer(`"amount":2500`, "\"amount\" :\n25.00e2", `"status"`, `"st\u0061tus"`).Replace(raw), webhook.IntakeRepeated},
		{"members in another order", `{"action":"created","resource":"transaction","id":"e","body":{"spend":` + raw[strings.Index(raw, `{"userId"`):strings.LastIndex(raw, `}},`)+1] + `,"type":"spend","extra":{"deep":[1]},"id":"tx-1"}}`, webhook.IntakeRepeated},
		{"another time of sending", strings.Replace(raw, `"sentAt":1767608430`, `"sentAt":1767608431`, 1), webhook.IntakeRepeated},
		{"a field more that never leaves", strings.Replace(raw, `"deep":[1]`, `"deep":[2]`, 1), webhook.IntakeQuarantined},
		{"an amount beyond 2^53", strings.Replace(raw, `"amount":2500`, `"amount":9007199254740993`, 1), webhook.IntakeQuarantined},
		{"another action", string(catalogtest.PandaEvent("e", "transaction.updated", catalogtest.Incoming["transaction.updated"])), webhook.IntakeQuarantined},
	} {
		taken, err := intake.Take(t.Context(), panda, []byte(step.raw))
		if err != nil || taken.Result() != step.want || taken.Conflicting != (step.want == webhook.IntakeQuarantined) {
			t.Errorf("%s: %s %v, not %s", step.what, taken.Result(), err, step.want)
		}
	}
	if kept, err := db.Quarantine(t.Context()); err != nil || len(kept) != 3 {
		t.Errorf("in quarantine: %v %v", kept, err)
	}
}
