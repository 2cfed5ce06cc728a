package main

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"sealpost/internal/webhook"
)

// TestDeliveriesThatAreGone: pruned, or not in a backup that was restored, since they
// were listed, they end neither a bulk retry nor a list that is followed.
func TestDeliveriesThatAreGone(t *testing.T) {
	var errs bytes.Buffer
	a := &app{streams: streams{err: &errs}, env: []string{"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "s.db")}, now: time.Now}
	newRoot(a)
	l, err := a.local(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nothing was written
	retried, err := a.retryPaced(t.Context(), l, []string{"dlv_1_1", "dlv_2_1"}, 0)
	if err != nil || len(retried) != 0 || !bytes.Contains(errs.Bytes(), []byte("2 left out")) {
		t.Errorf("retried %v (%v), told: %s", retried, err, errs.String())
	}
	f := &follower{query: webhook.DeliveryQuery{Organization: a.organization()}, seen: map[string]stand{"dlv_1_1": {state: webhook.Pending}}}
	if news, err := f.news(t.Context(), l); err != nil || len(news) != 0 || len(f.seen) != 0 {
		t.Errorf("%d news of it, %d known (%v)", len(news), len(f.seen), err)
	}
}
