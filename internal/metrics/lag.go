package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sealpost/internal/webhook"
)

// MaxWebhooks is how many webhooks of a kind are shown: those whose oldest
// delivery is the oldest.
const MaxWebhooks = 100

var (
	waitingDesc = prometheus.NewDesc("sealpost_deliveries",
		"Deliveries that have not ended, by state, those of all processes; of a webhook up to 10000 are counted.", []string{"state"}, nil)
	pendingDesc = prometheus.NewDesc("sealpost_webhook_pending",
		"Pending deliveries of a webhook, counted up to 10000; only webhooks that lag most are shown.", []string{"organization", "webhook"}, nil)
	oldestDesc = prometheus.NewDesc("sealpost_webhook_oldest_pending_seconds",
		"Age of a webhook's oldest pending delivery.", []string{"organization", "webhook"}, nil)
	parkedDesc = prometheus.NewDesc("sealpost_webhook_parked",
		"Deliveries that wait until somebody enables their webhook, counted up to 10000; only webhooks with the oldest are shown.", []string{"organization", "webhook"}, nil)
	disabledDesc = prometheus.NewDesc("sealpost_webhooks_disabled",
		"Webhooks that are disabled though nobody did it by hand: by 410 Gone, by nothing but failures, by a restore.", nil, nil)
)

// lags reads, when somebody looks, what is pending and parked.
type lags struct {
	read     func(ctx context.Context) ([]webhook.Lag, error)
	disabled func(ctx context.Context) (int, error)
	now      func() time.Time
}

// Describe implements [prometheus.Collector].
func (l *lags) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{waitingDesc, pendingDesc, oldestDesc, parkedDesc, disabledDesc} {
		out <- desc
	}
}

// Collect implements [prometheus.Collector].
func (l *lags) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	found, err := l.read(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(waitingDesc, err)
		return
	}
	if l.disabled != nil {
		if n, err := l.disabled(ctx); err != nil {
			out <- prometheus.NewInvalidMetric(disabledDesc, err)
		} else {
			out <- prometheus.MustNewConstMetric(disabledDesc, prometheus.GaugeValue, float64(n))
		}
	}
	now := l.now()
	show := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	var pending, parked, pendingWebhooks, parkedWebhooks int
	for _, lag := range found {
		if lag.Parked {
			parked += lag.Pending
			if parkedWebhooks++; parkedWebhooks <= MaxWebhooks {
				show(parkedDesc, float64(lag.Pending), lag.Organization, lag.Webhook)
			}
			continue
		}
		pending += lag.Pending
		if pendingWebhooks++; pendingWebhooks <= MaxWebhooks {
			show(pendingDesc, float64(lag.Pending), lag.Organization, lag.Webhook)
			show(oldestDesc, now.Sub(lag.Oldest).Seconds(), lag.Organization, lag.Webhook)
		}
	}
	show(waitingDesc, float64(pending), string(webhook.Pending))
	show(waitingDesc, float64(parked), string(webhook.Parked))
}
