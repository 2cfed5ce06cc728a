package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sealpost/internal/bounds"
)

// nearAge is how old a count of organizations near a limit may be. It reads a row of
// each organization, so scrapes share it.
const nearAge = time.Minute

var (
	nearDesc = prometheus.NewDesc("sealpost_organizations_near_limit",
		"Organizations that use 80 % of a limit or more, those at the limit included; counted once a minute.", []string{"limit"}, nil)
	reachedDesc = prometheus.NewDesc("sealpost_organizations_at_limit",
		"Organizations that have reached a limit; counted once a minute.", []string{"limit"}, nil)
	missedDesc = prometheus.NewDesc("sealpost_deliveries_missed",
		"Events that disabled webhooks missed past limits.parked, and that nobody has sent since.", nil, nil)
)

// limits reads, when somebody looks, how many organizations are near their limits
// and what webhooks missed.
type limits struct {
	near   func(ctx context.Context) ([]bounds.Close, error)
	missed func(ctx context.Context) (int64, error)
	now    func() time.Time

	mu    sync.Mutex
	taken time.Time
	found []bounds.Close
}

// Describe implements [prometheus.Collector].
func (l *limits) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{nearDesc, reachedDesc, missedDesc} {
		out <- desc
	}
}

// Collect implements [prometheus.Collector].
func (l *limits) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if n, err := l.missed(ctx); err != nil {
		out <- prometheus.NewInvalidMetric(missedDesc, err)
	} else {
		out <- prometheus.MustNewConstMetric(missedDesc, prometheus.GaugeValue, float64(n))
	}
	found, err := l.look(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(nearDesc, err)
		return
	}
	var near, reached [bounds.Kinds]int
	for _, one := range found {
		if near[one.Kind]++; one.Reached() {
			reached[one.Kind]++
		}
	}
	for _, row := range bounds.Table {
		if row.Kind == bounds.Reads { // of the moment; refused requests tell
			continue
		}
		out <- prometheus.MustNewConstMetric(nearDesc, prometheus.GaugeValue, float64(near[row.Kind]), row.Key)
		out <- prometheus.MustNewConstMetric(reachedDesc, prometheus.GaugeValue, float64(reached[row.Kind]), row.Key)
	}
}

// look counts once a minute; scrapes that come meanwhile wait for it.
func (l *limits) look(ctx context.Context) ([]bounds.Close, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if age := l.now().Sub(l.taken); !l.taken.IsZero() && age >= 0 && age < nearAge {
		return l.found, nil
	}
	found, err := l.near(ctx)
	if err != nil {
		return nil, err
	}
	l.found, l.taken = found, l.now()
	return found, nil
}
