package webhook

import (
	"encoding/json"
	"math"
	"time"
	"unicode/utf8"

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
	Missed      int             `json:"missed,omitempty"` // disabled webhooks that got no delivery past limits.parked
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
		Transaction: e.Subject, Deliveries: e.Deliveries, Missed: e.Missed, Pruned: e.Pruned,
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
	Floor    string        `json:"retryAfter,omitempty"`
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
	Exact    []byte  `json:"response_base64,omitempty"` // only of an answer that is not UTF-8
}

// View shows the delivery; body tells whether what receivers answered is shown
// too.
func (d *Delivery) View(body bool) DeliveryView {
	v := DeliveryView{
		ID: d.ID, Event: d.EventID, Type: d.Type, Webhook: d.Webhook, URL: d.URL, State: d.State, Reason: d.Reason,
		Created: Timestamp(d.Created), Attempts: make([]AttemptView, len(d.Attempts)),
	}
	if !d.Due.IsZero() {
		v.Next = Timestamp(d.Due)
	}
	if !d.Floor.IsZero() {
		v.Floor = Timestamp(d.Floor.Time)
	}
	for i, a := range d.Attempts {
		v.Attempts[i] = AttemptView{N: a.N, At: Timestamp(a.At), Status: a.Status, Duration: float64(a.Duration.Microseconds()) / 1000, Error: a.Error}
		if body && a.Response != nil {
			text := string(a.Response)
			v.Attempts[i].Response = &text
			if !utf8.ValidString(text) {
				v.Attempts[i].Exact = a.Response
			}
		}
	}
	return v
}

// Outside returns the view as clients of the API see it: texts of errors are
// without addresses, which may be those of the daemon's own network. Unless
// urls is true, the path and query of URLs are hidden too, see [HideURL].
func (v DeliveryView) Outside(urls bool) DeliveryView {
	shown := HideAddresses
	if !urls {
		v.URL = HideURL(v.URL)
		shown = func(text string) string { return HideAddresses(HideURLs(text)) }
	}
	v.Reason = shown(v.Reason)
	for i := range v.Attempts {
		v.Attempts[i].Error = shown(v.Attempts[i].Error)
	}
	return v
}

// Event is the event that a view shows, as far as it shows it.
func (v *EventView) Event() Event {
	e := Event{ID: v.ID, Type: v.Type, Subject: v.Transaction, State: v.State, Accepted: readTime(v.Timestamp), Deliveries: v.Deliveries, Missed: v.Missed, Pruned: v.Pruned}
	if v.Body != nil {
		e.Bytes = MarshalMembers([]Member{{"body", v.Body}})
	}
	if v.Hold != nil {
		e.Hold = &Hold{TransactionHash: v.Hold.TransactionHash, Until: readTime(v.Hold.Until), Behind: v.Hold.Behind, Receipt: v.Hold.Receipt}
	}
	return e
}

// Delivery is the delivery that a view shows, as far as it shows it.
func (v *DeliveryView) Delivery() Delivery {
	d := Delivery{
		ID: v.ID, EventID: v.Event, Type: v.Type, Webhook: v.Webhook, URL: v.URL, State: v.State, Reason: v.Reason,
		Created: readTime(v.Created), Due: readTime(v.Next), Floor: RetryAfter{readTime(v.Floor)},
	}
	for _, a := range v.Attempts {
		t := Attempt{N: a.N, At: readTime(a.At), Duration: time.Duration(math.Round(a.Duration*1000)) * time.Microsecond, Status: a.Status, Error: a.Error}
		if a.Response != nil {
			t.Response = []byte(*a.Response)
		}
		if a.Exact != nil {
			t.Response = a.Exact
		}
		d.Attempts = append(d.Attempts, t)
		d.Count = t.N // a list holds the last attempt alone, and old ones may have been pruned
	}
	return d
}

func readTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}
