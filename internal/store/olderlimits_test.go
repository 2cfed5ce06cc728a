package store_test

import (
	"testing"

	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestOlderLimits takes a file over in which limits had columns of their own. What the
// new bounds do not admit becomes the nearest value that they do.
func TestOlderLimits(t *testing.T) {
	path, exec := older(t, "0022")
	exec(`INSERT INTO organization (id, slug, name, created_at, maker) VALUES ('org_1', 'acme', 'acme', 1, 'machine')`)
	for name, limits := range map[string][2]any{"both": {8, 10.5}, "flight": {3, 0}, "none": {0, 0}, "rate": {0, 5}, "wild": {1 << 40, 1e300}, "slow": {0, 1e-300}} {
		exec(`INSERT INTO webhook (organization, name, url, max_in_flight, rate, created_at, updated_at) VALUES (1, ?, 'u', ?, ?, 1, 1)`, name, limits[0], limits[1])
	}
	exec(`UPDATE webhook SET routes = '{"limits":{"reached":"v"}}' WHERE name = 'both'`)
	s, err := store.Open(t.Context(), store.Options{Path: path, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	want := map[string]webhook.Limits{"both": {MaxInFlight: 8, Rate: 10.5}, "flight": {MaxInFlight: 3}, "none": {}, "rate": {Rate: 5}, "wild": {MaxInFlight: 1 << 16, Rate: 1e6}, "slow": {Rate: 0.00001}}
	found, err := s.Webhooks(t.Context(), "acme")
	if err != nil || len(found) != len(want) {
		t.Fatalf("%+v (%v)", found, err)
	}
	for i := range found {
		if w := &found[i]; w.Damaged || w.Limits != want[w.Name] || webhook.Fields[0].Hidden(&w.Config) != (w.Name == "both") {
			t.Errorf("%s: %+v (%s)", w.Name, w.Limits, w.DisabledWhy)
		}
	}
	// A publish hears of a change of the fields alone.
	for _, rate := range []float64{0, 7} {
		id := map[float64]string{0: "before", 7: "after"}[rate]
		if _, _, err := s.ChangeWebhook(t.Context(), "acme", "rate", secret.Text{}, now, func(found *webhook.Webhook) (*webhook.Config, error) {
			next := found.Clone()
			next.Limits.Rate = rate
			return &next, nil
		}); err != nil {
			t.Fatal(err)
		}
		results, err := s.Publish(t.Context(), []webhook.Publication{event(t, id, `{}`)})
		if err != nil || results[0].Err != nil {
			t.Fatalf("%+v (%v)", results, err)
		}
		for _, d := range results[0].Deliveries {
			if r, err := s.Receiver(t.Context(), d.Webhook); err != nil || r.Name == "rate" && r.Limits.Rate != rate {
				t.Errorf("the receiver is %+v (%v)", r, err)
			}
		}
	}
}

// TestFieldsOfANewerProgram: a webhook with a field that this program does not know waits,
// since the field may say which events it gets.
func TestFieldsOfANewerProgram(t *testing.T) {
	path, exec := older(t, "9999")
	exec(`INSERT INTO organization (id, slug, name, created_at, maker) VALUES ('org_1', 'acme', 'acme', 1, 'machine')`)
	exec(`INSERT INTO webhook (organization, name, url, config, created_at, updated_at) VALUES (1, 'newer', 'u', '{"limits":{"rate":1},"color":["red"]}', 1, 1)`)
	s, err := store.Open(t.Context(), store.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	w, err := s.Webhook(t.Context(), "acme", "newer")
	if err != nil || !w.Damaged || !w.Disabled || w.DisabledWhy != `its stored configuration can't be read: this program does not know "color"; a newer one wrote it` {
		t.Errorf("%+v (%v)", w, err)
	}
}
