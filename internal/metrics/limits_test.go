package metrics_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sealpost/internal/bounds"
	"sealpost/internal/metrics"
)

// TestLimits: organizations near a limit are counted by limit, once a minute, and no
// organization is named.
func TestLimits(t *testing.T) {
	at, asked := now, 0
	found := []bounds.Close{
		{Organization: "acme", Kind: bounds.Webhooks, Use: 4, Limit: 5}, {Organization: "beta", Kind: bounds.Webhooks, Use: 5, Limit: 5},
		{Organization: "acme", Kind: bounds.Parked, Use: 9, Limit: 8},
	}
	opts := options(nil, nil)
	opts.Now = func() time.Time { return at }
	opts.Near = func(context.Context) ([]bounds.Close, error) { asked++; return found, nil }
	opts.Missed = func(context.Context) (int64, error) { return 17, nil }
	m := metrics.New(opts)
	text := read(t, m)
	for _, want := range []string{
		`sealpost_organizations_near_limit{limit="limits.webhooks"} 2`, `sealpost_organizations_at_limit{limit="limits.webhooks"} 1`,
		`sealpost_organizations_near_limit{limit="limits.parked"} 1`, `sealpost_organizations_at_limit{limit="limits.parked"} 1`,
		`sealpost_organizations_near_limit{limit="publish.max_pending"} 0`, "sealpost_deliveries_missed 17",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "acme") || strings.Contains(text, `near_limit{limit="limits.reads"}`) {
		t.Errorf("an organization is named, or reads are counted:\n%s", text)
	}
	found = nil
	if text = read(t, m); asked != 1 || !strings.Contains(text, `near_limit{limit="limits.webhooks"} 2`) {
		t.Errorf("counted %d times within a minute", asked)
	}
	at = at.Add(time.Minute)
	if text = read(t, m); asked != 2 || !strings.Contains(text, `near_limit{limit="limits.webhooks"} 0`) {
		t.Errorf("counted %d times after a minute:\n%s", asked, text)
	}
}

// TestLimitsThatCannotBeRead: the other figures are shown.
func TestLimitsThatCannotBeRead(t *testing.T) {
	opts := options(nil, nil)
	opts.Near = func(context.Context) ([]bounds.Close, error) { return nil, errors.New("no") }
	opts.Missed = func(context.Context) (int64, error) { return 0, errors.New("no") }
	if text := read(t, metrics.New(opts)); !strings.Contains(text, "sealpost_webhooks_disabled 5\n") || strings.Contains(text, "_near_limit{") {
		t.Errorf("shown:\n%s", text)
	}
}
