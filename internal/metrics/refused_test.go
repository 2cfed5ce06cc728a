package metrics_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"sealpost/internal/bounds"
	"sealpost/internal/metrics"
	"sealpost/internal/webhook"
)

func TestRefusedRequests(t *testing.T) {
	opts := options(nil, nil)
	ready := true
	opts.Ready = func() bool { return ready }
	m := metrics.New(opts)
	m.Refused(webhook.CodeUnavailable, webhook.ReasonDiskFull)
	m.Refused(webhook.CodeLimitReached, webhook.Reason(bounds.Table[bounds.Held].Key))
	m.Refused(webhook.CodeNotFound, "")
	text := read(t, m)
	for _, want := range []string{
		`sealpost_requests_refused_total{code="unavailable",reason="disk_full"} 1`, `sealpost_requests_refused_total{code="unavailable",reason="min_free"} 0`,
		`sealpost_requests_refused_total{code="limit_reached",reason="limits.held"} 1`, `sealpost_requests_refused_total{code="limit_reached",reason="limits.webhooks"} 0`,
		`sealpost_requests_refused_total{code="too_many_requests",reason="limits.reads"} 0`, `sealpost_requests_refused_total{code="not_found",reason=""} 1`,
		"sealpost_ready 1",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	ready = false
	if text := read(t, m); !strings.Contains(text, "sealpost_ready 0\n") {
		t.Errorf("a daemon that is not ready is shown as ready:\n%s", text)
	}
}

// TestAlertRules holds the rules in the docs to the metrics and labels that there are.
func TestAlertRules(t *testing.T) {
	text, err := os.ReadFile("../../docs/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr string
				Annotations struct{ Summary string }
			}
		}
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	opts := options([]webhook.Lag{{Organization: "acme", Webhook: "orders", Pending: 3, Oldest: now}}, nil)
	opts.Ready = func() bool { return true }
	opts.Free = func() (uint64, bool) { return 1, true }
	opts.Near = func(context.Context) ([]bounds.Close, error) { return nil, nil }
	opts.Missed = func(context.Context) (int64, error) { return 0, nil }
	m := metrics.New(opts)
	m.Expect("panda")
	m.ExpectNode("fault")
	shown := read(t, m)
	name, label := regexp.MustCompile(`sealpost_[a-z_]+`), regexp.MustCompile(`(sealpost_[a-z_]+)\{([a-z]+="[a-z_]+")\}`)
	count := 0
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			count++
			if rule.Alert == "" || rule.Annotations.Summary == "" {
				t.Errorf("the rule %q has no name or no summary", rule.Expr)
			}
			for _, metric := range name.FindAllString(rule.Expr, -1) {
				if !strings.Contains(shown, "\n"+metric+" ") && !strings.Contains(shown, "\n"+metric+"{") {
					t.Errorf("%s asks for %s, which there is not", rule.Alert, metric)
				}
			}
			for _, of := range label.FindAllStringSubmatch(rule.Expr, -1) {
				if !regexp.MustCompile(of[1] + `\{[^}]*` + of[2]).MatchString(shown) {
					t.Errorf("%s asks for %s with %s, which is not shown from the start", rule.Alert, of[1], of[2])
				}
			}
		}
	}
	if count == 0 {
		t.Error("there are no rules")
	}
}
