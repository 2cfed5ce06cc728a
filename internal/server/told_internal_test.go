package server

import (
	"testing"
	"time"

	"sealpost/internal/webhook"
)

// TestOneLineAMinute counts requests that fail for the same reason.
func TestOneLineAMinute(t *testing.T) {
	var told toldOf
	start := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		after    time.Duration
		reason   webhook.Reason
		requests int64 // 0: no line
	}{
		{0, webhook.ReasonDiskFull, 1},
		{time.Second, webhook.ReasonDiskFull, 0},
		{time.Second, webhook.ReasonLocked, 1},
		{2 * time.Second, "", 1},
		{2 * time.Second, "", 1},
		{59 * time.Second, webhook.ReasonDiskFull, 0},
		{60 * time.Second, webhook.ReasonDiskFull, 3},
		{61 * time.Second, webhook.ReasonDiskFull, 0},
		{-time.Hour, webhook.ReasonDiskFull, 2}, // the clock was set back
	} {
		requests, tell := told.tell(step.reason, start.Add(step.after))
		if requests != step.requests || tell != (step.requests > 0) {
			t.Errorf("%s, %q: a line %t for %d requests, want %d", step.after, step.reason, tell, requests, step.requests)
		}
	}
}
