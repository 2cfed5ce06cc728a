package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/webhook"
)

// followTime is how long deliveries are waited for, unless --timeout says.
const followTime = 5 * time.Minute

// follow waits until every delivery of an event has ended.
func (a *app) follow(ctx context.Context, b backend, id string) error {
	working := a.progress("waiting for deliveries to end")
	defer working.end()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		deliveries, err := a.deliveriesOf(ctx, b, id, false)
		if err != nil {
			return err
		}
		pending := 0
		for _, d := range deliveries {
			if d.State == webhook.Pending {
				pending++
			}
		}
		if pending == 0 {
			return nil
		}
		working.at(len(deliveries)-pending, len(deliveries))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// heldTick is how often a held event is looked at while it is waited for.
const heldTick = 250 * time.Millisecond

// release waits until an event is not held any more, and says what came of it.
func (a *app) release(ctx context.Context, b backend, result webhook.Publishing) (webhook.Publishing, error) {
	working := a.progress("waiting for the receipt")
	defer working.end()
	tick := time.NewTicker(heldTick)
	defer tick.Stop()
	for {
		event, err := b.Event(ctx, a.organization(), result.ID)
		if err != nil {
			return result, err
		}
		if result.State, result.Count, result.Missed = event.State, event.Deliveries, event.Missed; event.State != webhook.Held {
			return result, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return result, context.Cause(ctx)
		}
	}
}

// deliveriesOf lists an event's deliveries, whole with all their attempts.
func (a *app) deliveriesOf(ctx context.Context, b backend, id string, whole bool) (all []webhook.Delivery, err error) {
	q := webhook.DeliveryQuery{Organization: a.organization(), Event: id, Limit: webhook.MaxPage}
	for {
		found, next, err := b.ListDeliveries(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
		if next == "" {
			break
		}
		q.Cursor = next
	}
	for i := range all {
		if whole && all[i].Count > 0 {
			if all[i], err = b.Delivery(ctx, a.organization(), all[i].ID); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// published is an event that was published, and what has come of it.
type published struct {
	id         string
	eventType  string
	note       string // what a step of a flow tells
	state      webhook.EventState
	count      int  // deliveries that it has; they may not all be readable
	missed     int  // disabled webhooks that want it and got none
	unserved   bool // on a file that no daemon serves
	deliveries []webhook.Delivery
	expected   []expectation
	refused    bool // a refusal is expected
}

// learn reads what has come of an event.
func (a *app) learn(p *published, b backend, result webhook.Publishing) (err error) {
	p.id, p.state, p.count, p.missed = result.ID, result.State, result.Count, result.Missed
	if result.Count > 0 {
		// A publisher may not list; then what it published is all that is shown.
		p.deliveries, err = a.deliveriesOf(context.Background(), b, result.ID, true)
		if webhook.CodeOf(err) == webhook.CodeNoPermission {
			err = nil
		}
	}
	return err
}

// unwanted reports whether no webhook wants the event.
func (p *published) unwanted() bool {
	return p.count == 0 && p.missed == 0 && p.state == webhook.Accepted
}

// failed reports whether a delivery has failed for good, and was not to be refused.
func (p *published) failed() bool {
	for i, d := range p.deliveries {
		if d.State == webhook.Cancelled || d.State == webhook.Dead && !p.refusedAsExpected(i) {
			return true
		}
	}
	return false
}

// refusedAsExpected reports whether a delivery was to be refused, and its receiver
// answered: the expectations then judge the answer.
func (p *published) refusedAsExpected(i int) bool {
	d := p.deliveries[i]
	return p.refused && d.State == webhook.Dead && len(d.Attempts) > 0 && d.Attempts[len(d.Attempts)-1].Status != 0
}

// disappoints reports whether a delivery is not as it was expected.
func (p *published) disappoints(i int) bool {
	return slices.ContainsFunc(p.expected, func(e expectation) bool { return e.delivery == i && !e.met })
}

// parked names the webhooks whose delivery waits for them to be enabled: it has
// neither arrived nor failed.
func (p *published) parked() (names []string) {
	for _, d := range p.deliveries {
		if d.State == webhook.Parked {
			names = append(names, d.Webhook)
		}
	}
	return names
}

// attemptJSON and deliveryJSON are shapes that scripts rely on.
type attemptJSON struct {
	N        int     `json:"n"`
	Status   int     `json:"status"`
	Duration float64 `json:"duration_ms"`
	Error    string  `json:"error"`
	Response *string `json:"response,omitempty"` // the first KiB of the answer's body; absent when there is none to show
}

type deliveryJSON struct {
	ID       string        `json:"id"`
	Webhook  string        `json:"webhook"`
	URL      string        `json:"url"`
	State    string        `json:"state"`
	Attempts []attemptJSON `json:"attempts"`
}

type publishedJSON struct {
	ID           string            `json:"id"`
	Deliveries   []deliveryJSON    `json:"deliveries"`
	Missed       int               `json:"missed,omitempty"` // disabled webhooks that want it and got no delivery
	Expectations []expectationJSON `json:"expectations,omitempty"`
}

// printPublished prints an event's id and its deliveries.
func (a *app) printPublished(p *published) error {
	if a.json() {
		return a.printJSON(p.view())
	}
	if err := a.print("%s", p.id); err != nil {
		return err
	}
	for i, d := range p.deliveries {
		a.say("  %s", a.deliveryLine(&d))
		if d.State == webhook.Dead || p.disappoints(i) {
			for _, line := range answers(&d) {
				a.say("    %s", line)
			}
		}
	}
	if p.unserved && slices.ContainsFunc(p.deliveries, func(d webhook.Delivery) bool { return d.State == webhook.Pending }) {
		a.say("no daemon runs; `sealpost serve` lets it go out")
	}
	return nil
}

// view is the event in the shape that scripts rely on.
func (p *published) view() publishedJSON {
	deliveries := p.deliveries
	rows := make([]deliveryJSON, len(deliveries))
	for i, d := range deliveries {
		rows[i] = deliveryJSON{ID: d.ID, Webhook: d.Webhook, URL: d.URL, State: string(d.State), Attempts: make([]attemptJSON, len(d.Attempts))}
		for j, t := range d.Attempts {
			rows[i].Attempts[j] = attemptJSON{N: t.N, Status: t.Status, Duration: milliseconds(t.Duration), Error: t.Error}
			if t.Response != nil {
				text := answerText(t.Response)
				rows[i].Attempts[j].Response = &text
			}
		}
	}
	return publishedJSON{p.id, rows, p.missed, viewExpectations(p.expected, rows)}
}

// deliveryLine tells of one delivery in a line.
func (a *app) deliveryLine(d *webhook.Delivery) string {
	color := styleName
	switch d.State {
	case webhook.Delivered:
		color = styleGood
	case webhook.Dead, webhook.Cancelled:
		color = styleError
	}
	name := d.Webhook
	if name == "" {
		name = "→"
	}
	line := fmt.Sprintf("%s %s %s", name, d.URL, a.style(color, string(d.State)))
	if n := len(d.Attempts); n > 0 {
		last := d.Attempts[n-1]
		line += fmt.Sprintf(" after %d attempt%s, the last one %s in %s", n, plural(n), deliver.Describe(last), took(last.Duration))
	}
	if d.Reason != "" && d.State != webhook.Dead {
		line += " (" + d.Reason + ")"
	}
	return strings.TrimSpace(line)
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
