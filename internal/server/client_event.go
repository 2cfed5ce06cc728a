package server

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"sealpost/internal/admin"
	"sealpost/internal/webhook"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Publish is [admin.Service.Publish]. An event without an id is given one
// here, so that sending it again after a lost answer is sending it once.
func (c *Client) Publish(ctx context.Context, batch []admin.PublishParams) ([]webhook.Publishing, error) {
	results := make([]webhook.Publishing, len(batch))
	for i, p := range batch {
		result, err := c.publish(ctx, p)
		if err != nil {
			switch webhook.CodeOf(err) {
			case webhook.CodeUnavailable, webhook.CodeUnauthorized, webhook.CodeInternal:
				return nil, err
			}
		}
		result.Err = err
		results[i] = result
	}
	return results, nil
}

func (c *Client) publish(ctx context.Context, p admin.PublishParams) (webhook.Publishing, error) {
	d := p.Draft
	if d.Whole != nil {
		return webhook.Publishing{}, webhook.Errorf(webhook.CodeBadRequest, "a whole event can be published on the database file only").
			WithHint("publish its body with --data, or work on the file")
	}
	if d.ID == "" {
		d.ID = webhook.NewEventID(time.Now())
	}
	members := []webhook.Member{{Key: "id", Value: d.ID}, {Key: "resource", Value: d.Resource}, {Key: "action", Value: d.Action}}
	query := url.Values{}
	switch {
	case d.Receipt != nil:
		members = append(members, webhook.Member{Key: "receipt", Value: d.Receipt})
	case d.Watch != "":
		members = append(members, webhook.Member{Key: "receipt", Value: map[string]string{"transactionHash": d.Watch}})
	case d.Await:
		query.Set("receipt", "await")
	}
	for _, name := range p.To {
		query.Add("to", name)
	}
	members = append(members, webhook.Member{Key: "body", Value: json.RawMessage(d.Body)})
	body, header, err := c.do(ctx, call{method: http.MethodPost, path: "/api/event", query: query, body: webhook.MarshalMembers(members), again: true})
	if err != nil {
		return webhook.Publishing{ID: d.ID}, err
	}
	result, err := decodePublishing(d.ID, body)
	result.Unwatched = header.Get(headerUnwatched) != ""
	return result, err
}

// decodePublishing reads what a server says of an event. An answer that does not
// name it is of something else than sealpost, and nothing is known to be stored.
// An empty id takes any.
func decodePublishing(id string, body []byte) (webhook.Publishing, error) {
	out := struct {
		ID         string
		Deliveries int
		Missed     int
		State      webhook.EventState
	}{State: webhook.Accepted}
	if err := json.Unmarshal(body, &out); err != nil {
		return webhook.Publishing{}, badAnswer(err)
	}
	if out.ID == "" || id != "" && out.ID != id {
		return webhook.Publishing{}, badAnswer(fmt.Errorf("it is of the event %q, not %q", out.ID, id))
	}
	return webhook.Publishing{ID: out.ID, Count: out.Deliveries, Missed: out.Missed, State: out.State}, nil
}

// Event is [admin.Service.Event]. The event's bytes are not the stored ones,
// but hold the same body.
func (c *Client) Event(ctx context.Context, _, id string) (webhook.Event, error) {
	body, _, err := c.do(ctx, call{method: http.MethodGet, path: "/api/event/" + url.PathEscape(id), again: true})
	if err != nil {
		return webhook.Event{}, err
	}
	var view webhook.EventView
	if err := json.Unmarshal(body, &view); err != nil {
		return webhook.Event{}, badAnswer(err)
	}
	return view.Event(), nil
}

// Events is [admin.Service.Events].
func (c *Client) Events(ctx context.Context, q webhook.EventQuery) ([]webhook.Event, string, error) {
	var out page[webhook.EventView]
	query := queryOf("type", q.Type, "state", string(q.State), "transaction", q.Transaction, "cursor", q.Cursor, "limit", limitText(q.Limit), "since", sinceText(q.Since))
	body, _, err := c.do(ctx, call{method: http.MethodGet, path: "/api/event", query: query, again: true})
	if err != nil {
		return nil, "", err
	}
	if err := json.Unmarshal(body, &out); err != nil {
		return nil, "", badAnswer(err)
	}
	events := make([]webhook.Event, len(out.Data))
	for i := range out.Data {
		events[i] = out.Data[i].Event()
	}
	return events, out.Next, nil
}

// GiveReceipt is [admin.Service.GiveReceipt]. The same receipt twice is one.
func (c *Client) GiveReceipt(ctx context.Context, organization, id string, given webhook.GivenReceipt) (webhook.Event, error) {
	members := []webhook.Member{{Key: "status", Value: "none"}}
	switch o := given.Outcome; {
	case o != nil:
		members = []webhook.Member{{Key: "transactionHash", Value: o.TransactionHash}, {Key: "blockNumber", Value: o.BlockNumber}, {Key: "status", Value: o.Status()}}
	case given.Watch != "":
		members = []webhook.Member{{Key: "transactionHash", Value: given.Watch}}
	}
	body, _, err := c.do(ctx, call{method: http.MethodPost, path: "/api/event/" + url.PathEscape(id) + "/receipt", body: webhook.MarshalMembers(members), again: true})
	if err != nil {
		return webhook.Event{}, err
	}
	var view webhook.EventView
	if err := json.Unmarshal(body, &view); err != nil {
		return webhook.Event{}, badAnswer(err)
	}
	if view.ID == "" { // an older server says only that it is done
		return c.Event(ctx, organization, id)
	}
	return view.Event(), nil
}

// Resend is [admin.Service.Resend].
func (c *Client) Resend(ctx context.Context, _, id string, to []string) (webhook.Publishing, error) {
	body, _, err := c.do(ctx, call{method: http.MethodPost, path: "/api/event/" + url.PathEscape(id) + "/resend", query: url.Values{"to": to}})
	if err != nil {
		return webhook.Publishing{}, err
	}
	return decodePublishing("", body) // the answer has our id, where id may be a provider's
}

// ListDeliveries is [admin.Service.ListDeliveries].
func (c *Client) ListDeliveries(ctx context.Context, q webhook.DeliveryQuery) ([]webhook.Delivery, string, error) {
	var out page[webhook.DeliveryView]
	query := queryOf("event", q.Event, "webhook", q.Webhook, "type", q.Type, "state", string(q.State), "cursor", q.Cursor, "limit", limitText(q.Limit), "since", sinceText(q.Since))
	body, _, err := c.do(ctx, call{method: http.MethodGet, path: "/api/delivery", query: query, again: true})
	if err != nil {
		return nil, "", err
	}
	if err := json.Unmarshal(body, &out); err != nil {
		return nil, "", badAnswer(err)
	}
	found := make([]webhook.Delivery, len(out.Data))
	for i := range out.Data {
		found[i] = out.Data[i].Delivery()
	}
	return found, out.Next, nil
}

// Delivery is [admin.Service.Delivery].
func (c *Client) Delivery(ctx context.Context, _, id string) (webhook.Delivery, error) {
	return c.delivery(ctx, call{method: http.MethodGet, path: "/api/delivery/" + url.PathEscape(id), again: true})
}

// Retry is [admin.Service.Retry].
func (c *Client) Retry(ctx context.Context, _, id string) (webhook.Delivery, error) {
	return c.delivery(ctx, call{method: http.MethodPost, path: "/api/delivery/" + url.PathEscape(id) + "/retry"})
}

// CancelDelivery is [admin.Service.CancelDelivery].
func (c *Client) CancelDelivery(ctx context.Context, _, id string) (webhook.Delivery, error) {
	return c.delivery(ctx, call{method: http.MethodPost, path: "/api/delivery/" + url.PathEscape(id) + "/cancel"})
}

func (c *Client) delivery(ctx context.Context, in call) (webhook.Delivery, error) {
	body, _, err := c.do(ctx, in)
	if err != nil {
		return webhook.Delivery{}, err
	}
	var view webhook.DeliveryView
	if err := json.Unmarshal(body, &view); err != nil {
		return webhook.Delivery{}, badAnswer(err)
	}
	return view.Delivery(), nil
}

// queryOf makes query parameters of names and values, leaving out empty ones.
func queryOf(pairs ...string) url.Values {
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	return query
}

func sinceText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
