package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sealpost/internal/webhook"
)

// MaxWebhooks is how many webhooks are shown: those that lag most.
const MaxWebhooks = 100

var (
	pendingDesc = prometheus.NewDesc("sealpost_webhook_pending",
		"Pending deliveries of a webhook, counted up to 10000; only webhooks that lag most are shown.", []string{"organization", "webhook"}, nil)
	oldestDesc = prometheus.NewDesc("sealpost_webhook_oldest_pending_seconds",
		"Age of a webhook's oldest pending delivery.", []string{"organization", "webhook"}, nil)
)

// lags reads, when somebody looks, what is pending.
type lags struct {
	read func(ctx context.Context, limit int) ([]webhook.Lag, error)
	now  func() time.Time
}

// Describe implements [prometheus.Collector].
func (l *lags) Describe(out chan<- *prometheus.Desc) {
	out <- pendingDesc
	out <- oldestDesc
}

// Collect implements [prometheus.Collector].
func (l *lags) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	found, err := l.read(ctx, MaxWebhooks)
	if err != nil {
		out <- prometheus.NewInvalidMetric(pendingDesc, err)
		return
	}
	now := l.now()
	for _, lag := range found {
		out <- prometheus.MustNewConstMetric(pendingDesc, prometheus.GaugeValue, float64(lag.Pending), lag.Organization, lag.Webhook)
		out <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, now.Sub(lag.Oldest).Seconds(), lag.Organization, lag.Webhook)
	}
}
