package store_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sealpost/internal/webhook"
)

func TestAttemptsAreKeptInOrder(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	results, err := s.Publish(t.Context(), []webhook.Publication{event(t, "e1", `{}`)})
	if err != nil {
		t.Fatal(err)
	}
	key := results[0].Deliveries[0]
	for n := 1; n <= 4; n++ {
		at := now.Add(time.Duration(n) * time.Hour)
		works, err := s.First(t.Context(), key.Webhook, 0, 10)
		if n > 1 {
			works, err = s.Due(t.Context(), key.Webhook, at, 10)
		}
		if err != nil || len(works) != 1 || works[0].Attempts != n-1 {
			t.Fatalf("attempt %d: %v (%v)", n, works, err)
		}
		outcome := &webhook.Outcome{Work: works[0], State: webhook.Pending, Due: at, Attempt: webhook.Attempt{N: n, At: at, Status: 500 + n, Duration: time.Millisecond, Response: fmt.Append(nil, "r", n)}}
		if n == 4 {
			outcome.State, outcome.Reason = webhook.Dead, "enough"
		}
		if stale, err := s.Finish(t.Context(), []*webhook.Outcome{outcome}); err != nil || stale != nil {
			t.Fatal(stale, err)
		}
	}
	d, err := s.Delivery(t.Context(), "acme", key)
	if err != nil || d.State != webhook.Dead || d.Reason != "enough" || len(d.Attempts) != 4 {
		t.Fatalf("%+v (%v)", d, err)
	}
	for i, a := range d.Attempts {
		if a.N != i+1 || a.Status != 501+i || string(a.Response) != fmt.Sprint("r", i+1) {
			t.Errorf("%d: %+v", i, a)
		}
	}
}

func TestDeliveriesPageByPage(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	for _, name := range []string{"a", "b", "c"} {
		create(t, s, "acme", webhook.Config{Name: name, URL: "u"})
	}
	for n := range 40 {
		if _, err := s.Publish(t.Context(), []webhook.Publication{event(t, fmt.Sprintf("e%d", n), `{}`)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		q    webhook.DeliveryQuery
		want int
	}{
		{webhook.DeliveryQuery{}, 120}, {webhook.DeliveryQuery{Webhook: "b"}, 40}, {webhook.DeliveryQuery{Event: "e7"}, 3},
		{webhook.DeliveryQuery{State: webhook.Dead}, 0}, {webhook.DeliveryQuery{Type: "x.y"}, 0}, {webhook.DeliveryQuery{State: webhook.Pending}, 120},
	} {
		test.q.Organization, test.q.Limit = "acme", 7
		seen := map[webhook.DeliveryKey]bool{}
		for {
			page, next, err := s.Deliveries(t.Context(), test.q)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page {
				if seen[d.Key] {
					t.Errorf("%s stands on two pages", d.Key)
				}
				seen[d.Key] = true
			}
			if next == "" {
				break
			}
			test.q.Cursor = next
		}
		if len(seen) != test.want {
			t.Errorf("%+v: %d, not %d", test.q, len(seen), test.want)
		}
	}
}

// TestRetryAtADeletedWebhook: what nobody would send any more is not made due.
func TestRetryAtADeletedWebhook(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "x", URL: "u"})
	dead := publish(t, s, event(t, "dead", `{}`), "x").Deliveries[0]
	finish(t, s, dead.Webhook, webhook.Dead, now)
	cancelled := publish(t, s, event(t, "cancelled", `{}`), "x").Deliveries[0]
	if err := s.CancelDelivery(t.Context(), "acme", cancelled); err != nil {
		t.Fatal(err)
	}
	pending := publish(t, s, event(t, "pending", `{}`), "x").Deliveries[0]
	if err := s.DeleteWebhook(t.Context(), "acme", "x", now, nil); err != nil {
		t.Fatal(err)
	}
	for key, state := range map[webhook.DeliveryKey]webhook.DeliveryState{dead: webhook.Dead, cancelled: webhook.Cancelled, pending: webhook.Cancelled} {
		if err := s.RetryDelivery(t.Context(), "acme", key, now); webhook.CodeOf(err) != webhook.CodeConflict || !strings.Contains(err.Error(), "was deleted") {
			t.Errorf("a delivery that is %s: %v", state, err)
		}
		if d, err := s.Delivery(t.Context(), "acme", key); err != nil || d.State != state {
			t.Errorf("a delivery that was %s is %s (%v)", state, d.State, err)
		}
	}
}
