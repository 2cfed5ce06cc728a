package catalog

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sealpost/internal/ecmajson"
)

// ErrUnknownFlow is returned for a flow that does not exist.
var ErrUnknownFlow = errors.New("unknown flow")

// Flow is a card purchase as a sequence of events.
type Flow struct {
	Name        string
	Description string
	Steps       []string // event types, in the order in which they are sent
}

// Step is one event of a flow.
type Step struct {
	Type string // transaction.created, …
	Body []byte // canonical; fits the type
	Note string // what it tells, in a few words
}

// beat is one step of a script: amounts are shares of the scene's amount in
// percent, fifths of it, so that each is whole dollars and exact in the local
// currency as well.
type beat struct {
	action     string
	status     string
	amount     int64  // what the transaction is for after this step
	authorized int64  // what is authorized after this step; noAuthorization for none
	update     int64  // the change; for updated only
	declined   string // reason; empty for none
	note       string
}

// noAuthorization stands for a force capture's missing authorizedAmount.
const noAuthorization = -1 << 40

// script is a flow with its beats.
type script struct {
	name, description string
	beats             []beat
}

// scripts are all flows. What holds between beats (amounts that add up) is
// what flow_test.go's state machine checks.
var scripts = []script{
	{"purchase", "A purchase is authorized and then settled for the same amount.", []beat{
		{action: "created", status: "pending", amount: 100, authorized: 100, note: "authorized"},
		{action: "completed", status: "completed", amount: 100, authorized: 100, note: "settled"},
	}},
	{"declined", "A purchase is refused; nothing is charged and nothing follows.", []beat{
		{action: "created", status: "declined", amount: 100, authorized: 0, declined: "INSUFFICIENT_FUNDS", note: "refused"},
	}},
	{"reversal", "A purchase is authorized, and the merchant gives all of it back before it settles.", []beat{
		{action: "created", status: "pending", amount: 100, authorized: 100, note: "authorized"},
		{action: "updated", status: "reversed", amount: 0, authorized: 0, update: -100, note: "given back in full"},
	}},
	{"declined-increment", "A purchase is authorized, raising it is refused, and it settles for what was authorized first.", []beat{
		{action: "created", status: "pending", amount: 100, authorized: 100, note: "authorized"},
		{action: "updated", status: "declined", amount: 100, authorized: 100, update: 40, declined: "INSUFFICIENT_FUNDS", note: "the increment is refused"},
		{action: "completed", status: "completed", amount: 100, authorized: 100, note: "settled for the first amount"},
	}},
	{"partial-capture", "A purchase settles for less than was authorized; the rest is free again.", []beat{
		{action: "created", status: "pending", amount: 100, authorized: 100, note: "authorized"},
		{action: "completed", status: "completed", amount: 60, authorized: 100, note: "settled for less"},
	}},
	{"over-capture", "A purchase settles for more than was authorized, as with a tip.", []beat{
		{action: "created", status: "pending", amount: 100, authorized: 100, note: "authorized"},
		{action: "completed", status: "completed", amount: 120, authorized: 100, note: "settled for more"},
	}},
	{"force-capture", "A purchase settles with no authorization before it, as on board of a plane.", []beat{
		{action: "completed", status: "completed", amount: 100, authorized: noAuthorization, note: "settled without an authorization"},
	}},
	{"refund", "A merchant pays back a settled purchase: a transaction of its own, with negative amounts.", []beat{
		{action: "created", status: "pending", amount: -100, authorized: -100, note: "refund announced"},
		{action: "completed", status: "completed", amount: -100, authorized: -100, note: "refund settled"},
	}},
}

// Flows describes all flows.
func Flows() []Flow {
	flows := make([]Flow, len(scripts))
	for i, s := range scripts {
		flows[i] = Flow{Name: s.name, Description: s.description}
		for _, b := range s.beats {
			flows[i].Steps = append(flows[i].Steps, "transaction."+b.action)
		}
	}
	return flows
}

// Flow makes the events of a flow: one transaction, one card, one merchant,
// all of them decided by the seed.
func (c *Catalog) Flow(name string, seed uint64) ([]Step, error) {
	i := slices.IndexFunc(scripts, func(s script) bool { return s.name == name })
	if i < 0 {
		names := make([]string, len(scripts))
		for i, s := range scripts {
			names[i] = s.name
		}
		return nil, fmt.Errorf("%w %s; there are %s", ErrUnknownFlow, show(name), strings.Join(names, ", "))
	}
	setting := newScene(seed, anywhere)
	steps := make([]Step, len(scripts[i].beats))
	for n, b := range scripts[i].beats {
		typ := "transaction." + b.action
		body := c.types[typ].root().compose(nil, "", setting.play(b))
		steps[n] = Step{Type: typ, Body: body, Note: b.note}
	}
	return steps, nil
}

// play makes the values of one beat.
func (s scene) play(b beat) map[string]any {
	share := func(percent int64) int64 { return s.cents * percent / 100 }
	values := s.values()
	maps.Copy(values, map[string]any{
		"spend.amount":           share(b.amount),
		"spend.localAmount":      s.local(share(b.amount)),
		"spend.authorizedAmount": share(b.authorized),
		"spend.status":           b.status,
	})
	if b.authorized == noAuthorization {
		delete(values, "spend.authorizedAmount")
	}
	if b.action == "updated" {
		values["spend.authorizationUpdateAmount"] = share(b.update)
		values["spend.authorizedAt"] = stamp(s.at.Add(time.Hour))
	}
	if b.declined != "" {
		values["spend.declinedReason"] = b.declined
	}
	return values
}

// compose writes an object with those fields for which there is a value, in
// the schema's order.
func (n *node) compose(dst []byte, path string, values map[string]any) []byte {
	dst = append(dst, '{')
	start := len(dst)
	for _, c := range n.children {
		inside := under(path, c.name)
		value, found := values[inside]
		if !found && c.children == nil {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(ecmajson.AppendString(dst, c.name), ':')
		if found {
			dst = append(dst, encode(value)...)
			continue
		}
		dst = c.compose(dst, inside, values)
	}
	return append(dst, '}')
}
