package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"sealpost/internal/bounds"
	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// TestRecountIsOneQuery: after another process has written, the work of an
// organization is counted in one query, however many webhooks it has.
func TestRecountIsOneQuery(t *testing.T) {
	now := time.Date(2026, 1, 5, 10, 20, 30, 0, time.UTC)
	var asked []int
	for _, webhooks := range []int{1, 60} {
		path := filepath.Join(t.TempDir(), "s.db")
		var both []*Store
		for range 2 {
			s, err := Open(t.Context(), Options{Path: path, Create: true, Migrate: true, Bounds: bounds.Values{bounds.Pending: 1000, bounds.Parked: 1000}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			both = append(both, s)
		}
		for n := range webhooks {
			if err := both[0].CreateWebhook(t.Context(), "acme", webhook.Config{Name: fmt.Sprintf("w%d", n), URL: "u"}, secret.Generate(), now); err != nil {
				t.Fatal(err)
			}
		}
		publish := func(s *Store, id string, at time.Time) int {
			d, err := webhook.NewDraft("order.paid", []byte(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			d.ID = id
			before := s.writer.session.asked
			results, err := s.Publish(t.Context(), []webhook.Publication{{Organization: "acme", Draft: d, At: at, To: []string{"w0"}}})
			if err != nil || results[0].Err != nil {
				t.Fatal(err, results)
			}
			return s.writer.session.asked - before
		}
		publish(both[0], "e1", now)
		publish(both[1], "e2", now)
		asked = append(asked, publish(both[0], "e3", now.Add(time.Minute)))
		if one := both[0].tallies.known[1]; one.pending != 3 {
			t.Errorf("%d pending are known of 3", one.pending)
		}
	}
	if asked[0] != asked[1] {
		t.Errorf("%d statements with one webhook, %d with 60", asked[0], asked[1])
	}
}
