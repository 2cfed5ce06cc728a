package webhook

import (
	"encoding/json"

	"sealpost/internal/ecmajson"
)

// EventView is an event as JSON, over HTTP and from the command line alike.
type EventView struct {
	ID          string          `json:"id"`
	Timestamp   string          `json:"timestamp"`
	Type        string          `json:"type"`
	State       EventState      `json:"state"`
	Transaction string          `json:"transaction,omitempty"`
	Deliveries  int             `json:"deliveries"`
	Hold        *HoldView       `json:"hold,omitempty"`
	Pruned      bool            `json:"pruned,omitempty"`
	Body        json.RawMessage `json:"body,omitempty"`
}

// HoldView is what a held event waits for.
type HoldView struct {
	TransactionHash string   `json:"transactionHash,omitempty"`
	Until           string   `json:"until"`
	Behind          bool     `json:"behind,omitempty"`
	Receipt         *Receipt `json:"receipt,omitempty"`
}

// View shows the event; body tells whether its body is shown too.
func (e *Event) View(body bool) EventView {
	v := EventView{
		ID: e.ID, Timestamp: Timestamp(e.Accepted), Type: e.Type, State: e.State,
		Transaction: e.Subject, Deliveries: e.Deliveries, Pruned: e.Pruned,
	}
	if e.Hold != nil {
		v.Hold = &HoldView{TransactionHash: e.Hold.TransactionHash, Until: Timestamp(e.Hold.Until), Behind: e.Hold.Behind, Receipt: e.Hold.Receipt}
	}
	if body && e.Bytes != nil {
		_ = ecmajson.Members(e.Bytes, func(key, value []byte) error { // stored bytes were read before
			if string(key) == "body" {
				v.Body = value
			}
			return nil
		})
	}
	return v
}

// DeliveryView is a delivery as JSON, over HTTP and from the command line
// alike.
type DeliveryView struct {
	ID       string        `json:"id"`
	Event    string        `json:"event"`
	Type     string        `json:"type"`
	Webhook  string        `json:"webhook"`
	URL      string        `json:"url"`
	State    DeliveryState `json:"state"`
	Reason   string        `json:"reason,omitempty"`
	Created  string        `json:"created"`
	Next     string        `json:"next,omitempty"`
	Attempts []AttemptView `json:"attempts"`
}

// AttemptView is an attempt as JSON.
type AttemptView struct {
	N        int     `json:"n"`
	At       string  `json:"at"`
	Status   int     `json:"status"`
	Duration float64 `json:"duration_ms"`
	Error    string  `json:"error"`
	Response *string `json:"response,omitempty"`
}

// View shows the delivery; body tells whether what receivers answered is shown
// too.
func (d *Delivery) View(body bool) DeliveryView {
	v := DeliveryView{
		ID: d.Key.String(), Event: d.EventID, Type: d.Type, Webhook: d.Webhook, URL: d.URL, State: d.State, Reason: d.Reason,
		Created: Timestamp(d.Created), Attempts: make([]AttemptView, len(d.Attempts)),
	}
	if !d.Due.IsZero() {
		v.Next = Timestamp(d.Due)
	}
	for i, a := range d.Attempts {
		v.Attempts[i] = AttemptView{N: a.N, At: Timestamp(a.At), Status: a.Status, Duration: float64(a.Duration.Microseconds()) / 1000, Error: a.Error}
		if body && a.Response != nil {
			text := string(a.Response)
			v.Attempts[i].Response = &text
		}
	}
	return v
}
