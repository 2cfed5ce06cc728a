// Package metrics counts what the daemon does, for Prometheus.
//
// Every label set is bounded: states and outcomes come from short lists, and
// of webhooks only the hundred that lag most are shown. Nothing that a
// publisher or receiver chooses becomes a label, but for webhooks' names.
package metrics

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sealpost/internal/bounds"
	"sealpost/internal/webhook"
)

// Options are where figures of the moment come from. They are asked when
// somebody looks, and must answer within seconds.
type Options struct {
	Version  string
	Lags     func(ctx context.Context) ([]webhook.Lag, error)  // the oldest first
	InFlight func() int                                        // requests under way
	Queued   func() int                                        // deliveries in memory that wait
	Disabled func(ctx context.Context) (int, error)            // webhooks that sealpost has disabled; nil shows none
	Near     func(ctx context.Context) ([]bounds.Close, error) // organizations near a limit; nil shows none
	Missed   func(ctx context.Context) (int64, error)          // events that webhooks missed; needed with Near
	LogBytes func() int64                                      // size of the write-ahead log
	Free     func() (bytes uint64, known bool)                 // on the disk of the file; nil shows none
	Ready    func() bool                                       // whether /readyz answers 200; nil shows nothing
	Now      func() time.Time
}

// Metrics are the daemon's own. Its methods may be called from anywhere and
// return at once.
type Metrics struct {
	registry   *prometheus.Registry
	accepted   prometheus.Counter
	provided   *prometheus.CounterVec
	deliveries *prometheus.CounterVec
	attempts   *prometheus.CounterVec
	duration   prometheus.Histogram
	wait       prometheus.Histogram
	operations prometheus.Histogram
	rows       prometheus.Counter
	commit     prometheus.Histogram
	panics     prometheus.Counter
	refused    *prometheus.CounterVec
	receipts   *prometheus.CounterVec
	faults     *prometheus.CounterVec
	node, head prometheus.Gauge
}

// New makes metrics that count from zero.
func New(opts Options) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		accepted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "sealpost_events_accepted_total", Help: "Events of this process that were stored and go out."}),
		provided: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sealpost_provider_events_total", Help: "Events that card providers posted, by what came of them; unknown_user means that no credential is linked."}, []string{"provider", "result"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sealpost_deliveries_total", Help: "Deliveries by the state that they came to: pending when another attempt follows a failed one, delivered, dead, parked when the attempt had its webhook disabled, cancelled by somebody or with their webhook."}, []string{"state"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sealpost_attempts_total", Help: "Attempts by what they brought: the class of the status, or error."}, []string{"outcome"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sealpost_attempt_duration_seconds", Help: "Duration of attempts, from dial to last body byte.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 9)}),
		wait: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sealpost_first_attempt_wait_seconds", Help: "Time from acceptance to the beginning of a delivery's first attempt.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 9)}),
		operations: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sealpost_commit_operations", Help: "Changes that share a commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 10)}),
		rows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "sealpost_rows_written_total", Help: "Rows that commits of this process inserted, changed, or deleted."}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sealpost_commit_duration_seconds", Help: "Duration of a transaction with its sync.", Buckets: prometheus.ExponentialBuckets(0.0001, 4, 9)}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "sealpost_panics_total", Help: "Panics while a delivery or a request was handled: bugs. The log has each with its stack."}),
	}
	m.refused = newRefused()
	m.receipts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sealpost_receipts_total", Help: "Receipts that the Ethereum node had for events that waited."}, []string{"status"})
	m.faults = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sealpost_receipt_node_faults_total", Help: "Rounds in which the Ethereum node could not be used, by why."}, []string{"fault"})
	m.node = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "sealpost_receipt_node_up", Help: "1 when the Ethereum node could be used the last time it was asked, else 0. It is asked while an event waits."})
	m.head = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "sealpost_receipt_node_head", Help: "Number of the newest block that the Ethereum node has told of."})
	for _, state := range []webhook.DeliveryState{webhook.Pending, webhook.Delivered, webhook.Dead, webhook.Parked, webhook.Cancelled} {
		m.deliveries.WithLabelValues(string(state)) // shown from the start, so that rates begin at zero
	}
	for _, outcome := range outcomes {
		m.attempts.WithLabelValues(outcome)
	}
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "sealpost_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": opts.Version}}, func() float64 { return 1 })
	m.registry.MustRegister(m.accepted, m.provided, m.deliveries, m.attempts, m.duration, m.wait, m.operations, m.rows, m.commit, m.panics, m.refused, build,
		gauge("sealpost_in_flight", "Requests to receivers under way.", func() float64 { return float64(opts.InFlight()) }),
		gauge("sealpost_queued", "Deliveries in memory that wait for their turn.", func() float64 { return float64(opts.Queued()) }),
		gauge("sealpost_wal_bytes", "Size of the database's write-ahead log.", func() float64 { return float64(opts.LogBytes()) }),
		&lags{read: opts.Lags, disabled: opts.Disabled, now: opts.Now},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if opts.Near != nil {
		m.registry.MustRegister(&limits{near: opts.Near, missed: opts.Missed, now: opts.Now})
	}
	if opts.Free != nil {
		m.registry.MustRegister(gauge("sealpost_disk_free_bytes", "Free bytes on the disk of the database; NaN when that is not known.", func() float64 {
			free, known := opts.Free()
			if !known {
				return math.NaN()
			}
			return float64(free)
		}))
	}
	if opts.Ready != nil {
		m.registry.MustRegister(gauge("sealpost_ready", "1 when /readyz answers 200, else 0.", func() float64 {
			if opts.Ready() {
				return 1
			}
			return 0
		}))
	}
	return m
}

func gauge(name, help string, read func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read)
}

// Stored counts what a commit brought: events accepted, deliveries cancelled.
func (m *Metrics) Stored(c webhook.Committed) {
	if c.First != 0 {
		m.accepted.Add(float64(c.Last - c.First + 1))
	}
	if c.Cancelled > 0 {
		m.deliveries.WithLabelValues(string(webhook.Cancelled)).Add(float64(c.Cancelled))
	}
}

// Expect shows a provider's counts from the start, so that rates begin at zero.
func (m *Metrics) Expect(provider string) {
	for _, result := range webhook.IntakeResults {
		m.provided.WithLabelValues(provider, string(result))
	}
}

// Taken counts an event of a provider.
func (m *Metrics) Taken(provider string, result webhook.IntakeResult) {
	m.provided.WithLabelValues(provider, string(result)).Inc()
}

// Committed notes a commit: how many changes shared it, how many rows they
// wrote, and how long it took.
func (m *Metrics) Committed(operations, rows int, took time.Duration) {
	m.operations.Observe(float64(operations))
	m.rows.Add(float64(rows))
	m.commit.Observe(took.Seconds())
}

// Panicked notes a panic that was contained.
func (m *Metrics) Panicked() { m.panics.Inc() }

// Attempted notes an attempt and what followed.
func (m *Metrics) Attempted(o *webhook.Outcome) {
	m.deliveries.WithLabelValues(string(o.Shown())).Inc()
	m.attempts.WithLabelValues(outcomeOf(o.Attempt.Status)).Inc()
	m.duration.Observe(o.Attempt.Duration.Seconds())
	if o.Work.First() {
		m.wait.Observe(o.Attempt.At.Sub(o.Work.Accepted).Seconds())
	}
}

var outcomes = []string{"2xx", "3xx", "4xx", "5xx", "error"}

func outcomeOf(status int) string {
	if class := status / 100; class >= 2 && class <= 5 {
		return strconv.Itoa(class) + "xx"
	}
	return "error"
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 2, Timeout: 10 * time.Second}))
	return mux
}
