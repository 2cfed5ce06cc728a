package store_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sealpost/internal/webhook"
)

// awaited is an event of a transaction that waits for its receipt.
func awaited(t testing.TB, id, transaction, hash string) webhook.Publication {
	t.Helper()
	p := spend(t, id, transaction)
	p.Draft.Await, p.Draft.Watch, p.HoldUntil = true, hash, now.Add(time.Hour)
	return p
}

// spend is an event of a transaction that waits for nothing of its own.
func spend(t testing.TB, id, transaction string) webhook.Publication {
	t.Helper()
	d, err := webhook.NewDraft("transaction.created", []byte(`{"id":"`+transaction+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	d.ID = id
	return webhook.Publication{Organization: "acme", Draft: d, At: now}
}

func outcome(hash string, reverted bool) webhook.ReceiptOutcome {
	return webhook.ReceiptOutcome{Receipt: webhook.Receipt{BlockNumber: 7, TransactionHash: hash}, Reverted: reverted}
}

// hashOf is a transaction hash made of one hex digit.
func hashOf(digit string) string { return "0x" + strings.Repeat(digit, 64) }

// TestReleaseRemembersChosen has events that were published to some webhooks by
// name go to those alone once they are released: the one with a receipt of its
// own, and the one behind it. Who takes over a chosen name gets nothing.
func TestReleaseRemembersChosen(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	for _, name := range []string{"a", "b", "c"} {
		create(t, s, "acme", webhook.Config{Name: name, URL: "u"})
	}
	for _, p := range []struct {
		webhook.Publication
		to []string
	}{
		{awaited(t, "chosen", "tx", hashOf("a")), []string{"a", "b"}},
		{spend(t, "behind", "tx"), []string{"c"}},
		{spend(t, "all", "tx"), nil},
		{spend(t, "nobody", "tx"), []string{}},
	} {
		p.To = p.to
		results, err := s.Publish(t.Context(), []webhook.Publication{p.Publication})
		if err != nil || results[0].Err != nil || results[0].State != webhook.Held {
			t.Fatalf("%s: %+v (%v)", p.Draft.ID, results[0], err)
		}
	}
	if err := s.DeleteWebhook(t.Context(), "acme", "b", now, func(webhook.Webhook) error { return nil }); err != nil {
		t.Fatal(err)
	}
	create(t, s, "acme", webhook.Config{Name: "b", URL: "u"})
	if err := s.Attach(t.Context(), "acme", "chosen", outcome(hashOf("a"), false), now); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"chosen": "a", "behind": "c", "all": "a b c", "nobody": ""} {
		found, _, err := s.Deliveries(t.Context(), webhook.DeliveryQuery{Organization: "acme", Event: id})
		if err != nil {
			t.Fatal(err)
		}
		var to []string
		for _, d := range found {
			to = append(to, d.Webhook)
		}
		slices.Sort(to)
		if got := strings.Join(to, " "); got != want {
			t.Errorf("%s goes to %q instead of %q", id, got, want)
		}
	}
}

// An event that expired before an earlier one of its transaction, for instance
// after receipts.timeout was made shorter, does not overtake it when it is
// completed.
func TestCompletedAfterExpiryStaysInOrder(t *testing.T) {
	ctx := t.Context()
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	create(t, s, "acme", webhook.Config{Name: "orders", URL: "u"})
	earlier, later := awaited(t, "earlier", "t-1", hashOf("a")), awaited(t, "later", "t-1", hashOf("b"))
	earlier.HoldUntil, later.HoldUntil = now.Add(24*time.Hour), now.Add(time.Hour)
	for _, p := range []webhook.Publication{earlier, later} {
		if results, err := s.Publish(ctx, []webhook.Publication{p}); err != nil || results[0].Err != nil {
			t.Fatal(results, err)
		}
	}
	if n, err := s.Expire(ctx, now.Add(2*time.Hour)); n != 1 || err != nil {
		t.Fatalf("%d expired, %v", n, err)
	}
	sent := func() int {
		t.Helper()
		found, _, err := s.Deliveries(ctx, webhook.DeliveryQuery{Organization: "acme"})
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	if err := s.Attach(ctx, "acme", "later", outcome(hashOf("b"), false), now.Add(3*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := sent(); n != 0 {
		t.Fatalf("%d deliveries while the earlier event is held", n)
	}
	if err := s.Attach(ctx, "acme", "earlier", outcome(hashOf("a"), false), now.Add(4*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := sent(); n != 2 {
		t.Fatalf("%d deliveries, want both", n)
	}
}
