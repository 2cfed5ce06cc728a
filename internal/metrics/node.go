package metrics

import "sealpost/internal/webhook"

// ExpectNode shows what is counted of an Ethereum node from the start, so that
// rates begin at zero. Without it nothing of a node is shown.
func (m *Metrics) ExpectNode(faults ...string) {
	m.registry.MustRegister(m.receipts, m.faults, m.node, m.head)
	m.receipts.WithLabelValues("success")
	m.receipts.WithLabelValues("reverted")
	for _, fault := range faults {
		m.faults.WithLabelValues(fault)
	}
}

// NodeState notes that the node could be used.
func (m *Metrics) NodeState(head uint64) {
	m.node.Set(1)
	m.head.Set(float64(head))
}

// NodeFault notes that the node could not be used.
func (m *Metrics) NodeFault(fault string) {
	m.node.Set(0)
	m.faults.WithLabelValues(fault).Inc()
}

// ReceiptAttached counts a receipt.
func (m *Metrics) ReceiptAttached(o webhook.ReceiptOutcome) {
	m.receipts.WithLabelValues(o.Status()).Inc()
}
