package receipts

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"sealpost/internal/webhook"
)

// Finding is what a node says of one transaction: nothing yet (neither Outcome
// nor Err), its receipt, or something that can't be believed.
type Finding struct {
	Outcome *webhook.ReceiptOutcome
	Err     error
}

// answer is one call's.
type answer struct {
	result json.RawMessage
	err    error
}

type response struct {
	ID     json.RawMessage `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    json.RawMessage `json:"code"`
		Message string          `json:"message"`
	} `json:"error"`
}

func (r *response) answer() answer {
	switch {
	case r.Error != nil:
		code, _ := strconv.Atoi(string(r.Error.Code))
		return answer{err: faultf(Refused, "the node says (%d) %q", code, r.Error.Message)}
	case r.Result == nil:
		return answer{err: faultf(BadAnswer, "the node's answer has neither result nor error")}
	}
	return answer{result: r.Result}
}

// parseBatch orders the answers of a batch by the numbers of its calls, from 1.
// Numbers that nobody asked for are passed over; of two answers to one call
// none counts.
func parseBatch(body []byte, calls int) ([]answer, error) {
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '[' {
		if !json.Valid(body) {
			return nil, faultf(BadAnswer, "the node's answer is not JSON")
		}
		return nil, &Fault{Kind: Refused, text: "one answer to " + strconv.Itoa(calls) + " calls", batch: true}
	}
	var responses []response
	if err := json.Unmarshal(body, &responses); err != nil {
		return nil, faultf(BadAnswer, "the node's answer is not JSON-RPC: %s", err.Error())
	}
	answers := make([]answer, calls)
	for i := range answers {
		answers[i].err = faultf(BadAnswer, "the node left the call out of its answer")
	}
	seen := make([]bool, calls)
	for i := range responses {
		id, err := strconv.Atoi(string(responses[i].ID))
		if err != nil || id < 1 || id > calls {
			continue
		}
		if answers[id-1] = responses[i].answer(); seen[id-1] {
			answers[id-1] = answer{err: faultf(BadAnswer, "the node answers a call twice")}
		}
		seen[id-1] = true
	}
	return answers, nil
}

func parseSingle(body []byte, id int) answer {
	var r response
	if err := json.Unmarshal(body, &r); err != nil {
		return answer{err: faultf(BadAnswer, "the node's answer is not JSON-RPC: %s", err.Error())}
	}
	if r.Error == nil && string(r.ID) != strconv.Itoa(id) {
		return answer{err: faultf(BadAnswer, "the node answers another call than it was asked")}
	}
	return r.answer()
}

// quantity reads a result that is a number.
func (a answer) quantity() (uint64, error) {
	if a.err != nil {
		return 0, a.err
	}
	text, given, err := member(a.result)
	if err == nil && !given {
		err = faultf(BadAnswer, "null is not a quantity")
	}
	if err != nil {
		return 0, err
	}
	return quantity(text)
}

// quantity reads a number as Ethereum's JSON-RPC writes it, in one way only: 0x
// and lower-case hex digits, without a zero in front. Who writes it otherwise
// is not believed to mean anything.
func quantity(text string) (uint64, error) {
	digits, found := strings.CutPrefix(text, "0x")
	n, err := strconv.ParseUint(digits, 16, 64)
	if !found || err != nil || n > 1<<53 || digits != strconv.FormatUint(n, 16) {
		return 0, faultf(BadAnswer, "%q is not a quantity", text)
	}
	return n, nil
}

// member reads a text, which null and what is absent are none of.
func member(raw json.RawMessage) (text string, given bool, err error) {
	if raw == nil || string(raw) == "null" {
		return "", false, nil
	}
	if raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		return "", false, faultf(BadAnswer, "a string is needed, and it is none")
	}
	return text, true, nil
}

// receipt reads the receipt of the transaction that was asked for; null is a
// transaction that the node does not know or that is in no block.
func (a answer) receipt(hash string) Finding {
	if a.err != nil {
		return Finding{Err: a.err}
	}
	if string(a.result) == "null" {
		return Finding{}
	}
	outcome, err := receipt(a.result, hash)
	if err != nil {
		return Finding{Err: about("the receipt of "+hash, err)}
	}
	return Finding{Outcome: outcome}
}

func receipt(raw json.RawMessage, hash string) (*webhook.ReceiptOutcome, error) {
	// Names count to the letter, which they don't with a struct: of a Status
	// after the status it would take the last.
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, faultf(BadAnswer, "it is no object")
	}
	of, _, err := member(members["transactionHash"])
	if err != nil {
		return nil, about("transactionHash", err)
	}
	if !strings.EqualFold(of, hash) {
		return nil, faultf(BadAnswer, "the node answers for another transaction, %q", of)
	}
	number, given, err := member(members["blockNumber"])
	if err == nil && !given { // some nodes show what is in no block yet
		return nil, nil
	}
	block := uint64(0)
	if err == nil {
		block, err = quantity(number)
	}
	if err != nil {
		return nil, about("blockNumber", err)
	}
	status, _, err := member(members["status"])
	if err != nil {
		return nil, about("status", err)
	}
	if status != "0x1" && status != "0x0" {
		return nil, faultf(BadAnswer, "status %q is neither 0x1 nor 0x0", status)
	}
	return &webhook.ReceiptOutcome{Receipt: webhook.Receipt{BlockNumber: block, TransactionHash: hash}, Reverted: status == "0x0"}, nil
}
