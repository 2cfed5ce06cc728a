package metrics_test

import (
	"strings"
	"testing"

	"sealpost/internal/metrics"
	"sealpost/internal/webhook"
)

// TestNode: a node is shown when there is one to watch, and only then.
func TestNode(t *testing.T) {
	m := metrics.New(options(nil, nil))
	if text := read(t, m); strings.Contains(text, "sealpost_receipt") {
		t.Errorf("a node that nobody asked for:\n%s", text)
	}
	m.ExpectNode("unreachable", "wrong_chain")
	m.NodeState(97)
	m.ReceiptAttached(webhook.ReceiptOutcome{Reverted: true})
	check := func(wants ...string) {
		t.Helper()
		text := read(t, m)
		for _, want := range wants {
			if !strings.Contains(text, want+"\n") {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
	}
	check("sealpost_receipt_node_up 1", "sealpost_receipt_node_head 97", `sealpost_receipts_total{status="reverted"} 1`,
		`sealpost_receipts_total{status="success"} 0`, `sealpost_receipt_node_faults_total{fault="unreachable"} 0`)
	m.NodeFault("wrong_chain")
	check("sealpost_receipt_node_up 0", `sealpost_receipt_node_faults_total{fault="wrong_chain"} 1`)
}
