package store_test

import (
	"path/filepath"
	"testing"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
	"sealpost/test/bigfile"
)

// TestOldDeliveryIDs: an id that an older version gave out finds its delivery, for
// its own organization only. One that nobody gave out finds nothing, though its
// numbers are right: it would tell how many events the file has.
func TestOldDeliveryIDs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sealpost.db")
	if err := bigfile.Make(t.Context(), path, bigfile.Spec{Deliveries: 300, Organizations: 5, Body: 20}); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	old, _, err := s.Deliveries(t.Context(), webhook.DeliveryQuery{Organization: bigfile.Large, Limit: webhook.MaxPage})
	if err != nil || len(old) == 0 {
		t.Fatal(len(old), err)
	}
	for _, d := range old {
		for _, id := range []string{d.ID, d.Key.String()} {
			key, err := s.DeliveryKey(t.Context(), id, false)
			if err != nil || key != d.Key {
				t.Fatalf("%s is %v (%v) instead of %v", id, key, err, d.Key)
			}
			if found, err := s.Delivery(t.Context(), bigfile.Large, key); err != nil || found.ID != d.ID {
				t.Errorf("%s finds %+v, %v", id, found, err)
			}
			if _, err := s.Delivery(t.Context(), "org-3", key); webhook.CodeOf(err) != webhook.CodeNotFound {
				t.Errorf("%s for another organization: %v", id, err)
			}
			if err := s.RetryDelivery(t.Context(), "org-3", key, now); webhook.CodeOf(err) != webhook.CodeNotFound {
				t.Errorf("%s is retried by another organization: %v", id, err)
			}
			if err := s.CancelDelivery(t.Context(), "org-3", key); webhook.CodeOf(err) != webhook.CodeNotFound {
				t.Errorf("%s is cancelled by another organization: %v", id, err)
			}
		}
	}
	p := event(t, "new", `{"n":1}`)
	p.Organization = bigfile.Large
	if _, err := s.Publish(t.Context(), []webhook.Publication{p}); err != nil {
		t.Fatal(err)
	}
	made, _, err := s.Deliveries(t.Context(), webhook.DeliveryQuery{Organization: bigfile.Large, Event: "new"})
	if err != nil || len(made) == 0 {
		t.Fatal(len(made), err)
	}
	if _, err := s.DeliveryKey(t.Context(), made[0].Key.String(), false); webhook.CodeOf(err) != webhook.CodeNotFound {
		t.Errorf("a plain id of a new delivery: %v", err)
	}
	if key, err := s.DeliveryKey(t.Context(), made[0].Key.String(), true); err != nil || key != made[0].Key {
		t.Errorf("the same on the machine: %v, %v", key, err)
	}
	if key, err := s.DeliveryKey(t.Context(), made[0].ID, false); err != nil || key != made[0].Key {
		t.Errorf("its id: %v, %v", key, err)
	}
	for _, id := range []string{"", "dlv_", "dlv_1", "1_1", "dlv_1_1_1_1", made[0].ID + "0", "dlv_" + made[0].ID[5:]} {
		if _, err := s.DeliveryKey(t.Context(), id, false); webhook.CodeOf(err) != webhook.CodeNotFound {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// TestCursorsBelongToOneList: a cursor is refused by any other list, in any other
// organization, when a character of it is changed, and when an older version made it.
func TestCursorsBelongToOneList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sealpost.db")
	if err := bigfile.Make(t.Context(), path, bigfile.Spec{Deliveries: 300, Organizations: 5, Body: 20}); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	events := func(s *store.Store, org, cursor string) (string, error) {
		_, next, err := s.Events(t.Context(), webhook.EventQuery{Organization: org, Cursor: cursor, Limit: 2})
		return next, err
	}
	deliveries := func(s *store.Store, org, cursor string) (string, error) {
		_, next, err := s.Deliveries(t.Context(), webhook.DeliveryQuery{Organization: org, Cursor: cursor, Limit: 2})
		return next, err
	}
	other := open(t, filepath.Join(t.TempDir(), "other.db"))
	create(t, other, bigfile.Large, webhook.Config{Name: "a", URL: "https://a.example.com"})
	type list func(*store.Store, string, string) (string, error)
	for name, lists := range map[string][2]list{"events": {events, deliveries}, "deliveries": {deliveries, events}} {
		own, strange := lists[0], lists[1]
		cursor, err := own(s, bigfile.Large, "")
		if err != nil || cursor == "" {
			t.Fatalf("%s: %q, %v", name, cursor, err)
		}
		if _, err := own(s, bigfile.Large, cursor); err != nil {
			t.Errorf("%s: its own cursor: %v", name, err)
		}
		refused := func(what string, err error) {
			t.Helper()
			if webhook.CodeOf(err) != webhook.CodeBadRequest {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
		_, err = strange(s, bigfile.Large, cursor)
		refused("a cursor of another list", err)
		for _, org := range []string{"org-3", bigfile.Empty} {
			_, err = own(s, org, cursor)
			refused("a cursor of another organization", err)
		}
		_, err = own(other, bigfile.Large, cursor)
		refused("a cursor of another file", err)
		for i := range cursor {
			changed := []byte(cursor)
			if changed[i]++; changed[i] == '[' {
				changed[i] = 'A'
			}
			_, err = own(s, bigfile.Large, string(changed))
			refused("a changed cursor", err)
		}
		for _, old := range []string{"4_3", "4", "4_3_1", "1gt_1", "_", cursor[1:], cursor + "AA"} {
			_, err = own(s, bigfile.Large, old)
			refused("the cursor "+old, err)
		}
	}
}
