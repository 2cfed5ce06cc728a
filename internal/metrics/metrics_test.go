package metrics_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"sealpost/internal/metrics"
	"sealpost/internal/webhook"
)

var now = time.Date(2026, 1, 5, 10, 20, 30, 0, time.UTC)

// read returns what a scrape shows, without comments.
func read(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	text, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func options(lags []webhook.Lag, err error) metrics.Options {
	return metrics.Options{
		Version:  "1.2.3",
		Lags:     func(context.Context) ([]webhook.Lag, error) { return lags, err },
		Disabled: func(context.Context) (int, error) { return 5, nil },
		InFlight: func() int { return 7 }, Queued: func() int { return 8 }, LogBytes: func() int64 { return 4096 },
		Now: func() time.Time { return now },
	}
}

func TestMetrics(t *testing.T) {
	m := metrics.New(options([]webhook.Lag{{Organization: "acme", Webhook: "orders", Pending: 3, Oldest: now.Add(-90 * time.Second)},
		{Organization: "acme", Webhook: "off", Parked: true, Pending: 11, Oldest: now.Add(-80 * time.Second)},
		{Organization: "beta", Webhook: "orders", Pending: 4, Oldest: now.Add(-7 * time.Second)}}, nil))
	m.Stored(webhook.Committed{First: 5, Last: 9})
	m.Stored(webhook.Committed{Changed: true})
	m.Stored(webhook.Committed{Changed: true, Cancelled: 12})
	m.Expect("panda")
	m.Taken("panda", webhook.IntakeUnknownUser)
	m.Committed(6, 14, 3*time.Millisecond)
	work := &webhook.Work{Accepted: now}
	for _, attempt := range []struct {
		status int
		state  webhook.DeliveryState
	}{{204, webhook.Delivered}, {503, webhook.Pending}, {302, webhook.Pending}, {410, webhook.Dead}, {0, webhook.Pending}, {700, webhook.Pending}} {
		m.Attempted(&webhook.Outcome{Work: work, State: attempt.state, Attempt: webhook.Attempt{N: 1, At: now.Add(time.Millisecond), Status: attempt.status, Duration: time.Second}})
	}
	m.Attempted(&webhook.Outcome{Work: work, State: webhook.Pending, Disable: "the receiver answered 410 Gone", Attempt: webhook.Attempt{N: 1, Status: 410}})
	m.Panicked()
	text := read(t, m)
	for _, want := range []string{
		"sealpost_events_accepted_total 5\n",
		`sealpost_provider_events_total{provider="panda",result="accepted"} 0` + "\n", `sealpost_provider_events_total{provider="panda",result="unknown_user"} 1` + "\n",
		`sealpost_deliveries_total{state="delivered"} 1` + "\n", `sealpost_deliveries_total{state="pending"} 4` + "\n", `sealpost_deliveries_total{state="dead"} 1` + "\n",
		`sealpost_deliveries_total{state="cancelled"} 12` + "\n", `sealpost_deliveries{state="pending"} 7` + "\n", `sealpost_deliveries{state="parked"} 11` + "\n",
		`sealpost_webhook_parked{organization="acme",webhook="off"} 11` + "\n",
		`sealpost_attempts_total{outcome="2xx"} 1` + "\n", `sealpost_attempts_total{outcome="3xx"} 1` + "\n", `sealpost_deliveries_total{state="parked"} 1` + "\n", `sealpost_attempts_total{outcome="4xx"} 2` + "\n",
		`sealpost_attempts_total{outcome="5xx"} 1` + "\n", `sealpost_attempts_total{outcome="error"} 2` + "\n",
		"sealpost_attempt_duration_seconds_count 7\n", "sealpost_first_attempt_wait_seconds_count 7\n",
		"sealpost_commit_operations_sum 6\n", "sealpost_rows_written_total 14\n", "sealpost_commit_duration_seconds_count 1\n",
		"sealpost_panics_total 1\n", "sealpost_webhooks_disabled 5\n", "sealpost_in_flight 7\n", "sealpost_queued 8\n", "sealpost_wal_bytes 4096\n", `sealpost_build_info{version="1.2.3"} 1` + "\n",
		`sealpost_webhook_pending{organization="acme",webhook="orders"} 3` + "\n",
		`sealpost_webhook_oldest_pending_seconds{organization="acme",webhook="orders"} 90` + "\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if unwanted := `sealpost_webhook_pending{organization="acme",webhook="off"}`; strings.Contains(text, unwanted) {
		t.Errorf("%s: what is parked is not pending", unwanted)
	}
}

// TestManyWebhooks: however many there are, labels are few and sums are whole.
func TestManyWebhooks(t *testing.T) {
	var all []webhook.Lag
	for i := range 1000 {
		all = append(all, webhook.Lag{Organization: "acme", Webhook: strconv.Itoa(i), Pending: 1, Parked: i%2 == 0, Oldest: now})
	}
	text := read(t, metrics.New(options(all, nil)))
	for sample, want := range map[string]int{"sealpost_webhook_pending{": metrics.MaxWebhooks, "sealpost_webhook_parked{": metrics.MaxWebhooks, "sealpost_webhook_oldest_pending_seconds{": metrics.MaxWebhooks} {
		if got := strings.Count(text, sample); got != want {
			t.Errorf("%d of %s, want %d", got, sample, want)
		}
	}
	for _, state := range []string{"pending", "parked"} {
		if want := `sealpost_deliveries{state="` + state + `"} 500` + "\n"; !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestLockedDatabase: what can't be read is missing, the rest is there.
func TestLockedDatabase(t *testing.T) {
	text := read(t, metrics.New(options(nil, errors.New("locked"))))
	if !strings.Contains(text, "sealpost_in_flight 7\n") || strings.Contains(text, "sealpost_webhook_pending{") {
		t.Errorf("unexpected:\n%s", text)
	}
}
