package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"sealpost/internal/bounds"
	"sealpost/internal/webhook"
)

// newRefused makes the counter of refused requests. What an alert rule asks for is shown
// from the start, so that rates begin at zero.
func newRefused() *prometheus.CounterVec {
	refused := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sealpost_requests_refused_total",
		Help: "Requests, and lines of batches, that were answered with an error, by its code. The reason names the limit that was reached, or why the daemon is unavailable; it is empty for other codes."}, []string{"code", "reason"})
	for _, reason := range []webhook.Reason{webhook.ReasonDiskFull, webhook.ReasonMinFree, webhook.ReasonLocked, webhook.ReasonMemory, webhook.ReasonSlowRead, ""} {
		refused.WithLabelValues(label(webhook.CodeUnavailable), string(reason))
	}
	refused.WithLabelValues(label(webhook.CodeInternal), "")
	refused.WithLabelValues(label(webhook.CodeTooManyRequests), string(webhook.ReasonSignIn))
	for _, row := range bounds.Table {
		code := webhook.CodeLimitReached
		if row.Kind == bounds.Reads {
			code = webhook.CodeTooManyRequests
		}
		refused.WithLabelValues(label(code), row.Key)
	}
	return refused
}

// Refused counts a request that was answered with an error.
func (m *Metrics) Refused(code webhook.Code, reason webhook.Reason) {
	m.refused.WithLabelValues(label(code), string(reason)).Inc()
}

// label writes a code as a label's value.
func label(code webhook.Code) string { return strings.ReplaceAll(string(code), " ", "_") }
