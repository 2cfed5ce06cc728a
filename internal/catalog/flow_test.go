package catalog

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sealpost/internal/ecmajson"
)

// spendOf is what a receiver reads of a step.
type spendOf struct {
	ID    string
	Spend struct {
		CardID        string `json:"cardId"`
		MerchantName  string
		Amount        int64
		LocalAmount   int64
		LocalCurrency string
		ExchangeRate  *float64
		Authorized    *int64 `json:"authorizedAmount"`
		Status        string
		Reason        *string `json:"declinedReason"`
		Update        *int64  `json:"authorizationUpdateAmount"`
	}
}

// receiver is the state machine that an integrator would write: it takes
// events of one transaction and refuses what can't be.
type receiver struct {
	state string // "", pending, reversed, declined, completed
	held  int64  // authorized and not yet settled
	paid  int64  // what the card's holder has paid; negative: got back
}

// take returns what is wrong with an event, or "".
func (r *receiver) take(typ string, e spendOf) string {
	s := e.Spend
	switch typ {
	case "transaction.created":
		switch {
		case r.state != "":
			return "created twice"
		case s.Status == "declined" && s.Reason == nil:
			return "declined for no reason"
		case s.Status == "declined":
			r.state = "declined"
			return ""
		case *s.Authorized != s.Amount:
			return "authorized something else"
		}
		r.state, r.held = "pending", s.Amount
	case "transaction.updated":
		if r.state != "pending" {
			return "updated when " + r.state
		}
		next := r.held + *s.Update
		switch s.Status {
		case "declined":
			if s.Reason == nil || *s.Update <= 0 {
				return "a declined update is a refused increment, for a reason"
			}
			next = r.held
		case "reversed":
			if *s.Update >= 0 {
				return "a reversal is negative"
			}
			if next == 0 {
				r.state = "reversed"
			}
		}
		if s.Amount != next || *s.Authorized != next {
			return "the update does not add up"
		}
		r.held = next
	case "transaction.completed":
		switch {
		case r.state != "" && r.state != "pending":
			return "completed when " + r.state
		case r.state == "" && s.Authorized != nil:
			return "a force capture has no authorized amount"
		case r.state == "pending" && (s.Authorized == nil || *s.Authorized != r.held):
			return "the authorized amount is not what was authorized"
		}
		r.state, r.paid, r.held = "completed", s.Amount, 0
	}
	return ""
}

// TestFlows plays every flow, for any seed, against the schemas and against
// the state machine, and looks at where it ends.
func TestFlows(t *testing.T) {
	c := must(New(Options{}))
	ends := map[string]func(r receiver, first int64) bool{
		"purchase":           func(r receiver, first int64) bool { return r.state == "completed" && r.paid == first },
		"declined":           func(r receiver, _ int64) bool { return r.state == "declined" && r.paid == 0 && r.held == 0 },
		"reversal":           func(r receiver, _ int64) bool { return r.state == "reversed" && r.paid == 0 && r.held == 0 },
		"declined-increment": func(r receiver, first int64) bool { return r.state == "completed" && r.paid == first },
		"partial-capture":    func(r receiver, first int64) bool { return r.state == "completed" && r.paid > 0 && r.paid < first },
		"over-capture":       func(r receiver, first int64) bool { return r.state == "completed" && r.paid > first },
		"force-capture":      func(r receiver, first int64) bool { return r.state == "completed" && r.paid == first && first > 0 },
		"refund":             func(r receiver, first int64) bool { return r.state == "completed" && r.paid == first && first < 0 },
	}
	if len(Flows()) != len(ends) {
		t.Fatalf("there are %d flows, want %d", len(Flows()), len(ends))
	}
	for _, flow := range Flows() {
		t.Run(flow.Name, rapid.MakeCheck(func(t *rapid.T) {
			steps, err := c.Flow(flow.Name, rapid.Uint64().Draw(t, "seed"))
			if err != nil {
				t.Fatal(err)
			}
			var r receiver
			var first spendOf
			var types []string
			for i, step := range steps {
				types = append(types, step.Type)
				if faults := c.Validate(step.Type, step.Body); faults != nil || !ecmajson.Exact(step.Body) || step.Note == "" {
					t.Fatalf("step %d, %s (%s): %v", i, step.Body, step.Note, faults)
				}
				var e spendOf
				if err := json.Unmarshal(step.Body, &e); err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					first = e
				}
				if e.ID != first.ID || e.Spend.CardID != first.Spend.CardID || e.Spend.MerchantName != first.Spend.MerchantName {
					t.Fatalf("step %d is of another transaction, card or merchant", i)
				}
				if fault := r.take(step.Type, e); fault != "" {
					t.Fatalf("step %d: %s: %s", i, fault, step.Body)
				}
				rate := float64(e.Spend.LocalAmount) / float64(e.Spend.Amount)
				if x := e.Spend.ExchangeRate; x != nil && (rate < *x*0.999999 || rate > *x*1.000001) {
					t.Fatalf("step %d: %v is not %v: %s", i, rate, *x, step.Body)
				}
			}
			if !slices.Equal(types, flow.Steps) || flow.Description == "" {
				t.Fatalf("steps are %v, the flow says %v", types, flow.Steps)
			}
			if !ends[flow.Name](r, first.Spend.Amount) {
				t.Fatalf("it ends as %+v after %d", r, first.Spend.Amount)
			}
		}))
	}
}

func TestFlowRepeats(t *testing.T) {
	c := must(New(Options{}))
	one, again, two := must(c.Flow("purchase", 1)), must(c.Flow("purchase", 1)), must(c.Flow("purchase", 2))
	if string(one[0].Body) != string(again[0].Body) || string(one[0].Body) == string(two[0].Body) {
		t.Error("a seed does not decide the flow")
	}
	if _, err := c.Flow("purchases", 1); !errors.Is(err, ErrUnknownFlow) {
		t.Errorf("the error is %v", err)
	}
}
