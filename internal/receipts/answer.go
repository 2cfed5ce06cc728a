package receipts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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

var errUnanswered = errors.New("the node left the call out of its answer")

type response struct {
	ID     json.RawMessage `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    json.Number `json:"code"`
		Message string      `json:"message"`
	} `json:"error"`
}

func (r *response) answer() answer {
	switch {
	case r.Error != nil:
		return answer{err: fmt.Errorf("the node says (%s) %q", r.Error.Code.String(), r.Error.Message)}
	case r.Result == nil:
		return answer{err: errors.New("the node's answer has neither result nor error")}
	}
	return answer{result: r.Result}
}

// parseBatch orders the answers of a batch by the numbers of its calls, from 1.
// Numbers that nobody asked for are passed over; of two answers to one call
// none counts.
func parseBatch(body []byte, calls int) ([]answer, error) {
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '[' {
		if !json.Valid(body) {
			return nil, errors.New("the node's answer is not JSON")
		}
		return nil, refusal(fmt.Sprintf("one answer to %d calls", calls))
	}
	var responses []response
	if err := json.Unmarshal(body, &responses); err != nil {
		return nil, fmt.Errorf("the node's answer is not JSON-RPC: %s", err.Error())
	}
	answers := make([]answer, calls)
	for i := range answers {
		answers[i].err = errUnanswered
	}
	seen := make([]bool, calls)
	for i := range responses {
		id, err := strconv.Atoi(string(responses[i].ID))
		if err != nil || id < 1 || id > calls {
			continue
		}
		if answers[id-1] = responses[i].answer(); seen[id-1] {
			answers[id-1] = answer{err: errors.New("the node answers a call twice")}
		}
		seen[id-1] = true
	}
	return answers, nil
}

func parseSingle(body []byte, id int) answer {
	var r response
	if err := json.Unmarshal(body, &r); err != nil {
		return answer{err: fmt.Errorf("the node's answer is not JSON-RPC: %s", err.Error())}
	}
	if r.Error == nil && string(r.ID) != strconv.Itoa(id) {
		return answer{err: fmt.Errorf("the node answers call %q where %d was asked", string(r.ID), id)}
	}
	return r.answer()
}

// quantity reads a number as Ethereum writes them, 0x and hex digits.
func (a answer) quantity() (uint64, error) {
	if a.err != nil {
		return 0, a.err
	}
	var text string
	if err := json.Unmarshal(a.result, &text); err != nil {
		return 0, fmt.Errorf("%s is not a quantity", string(a.result))
	}
	return quantity(text)
}

func quantity(text string) (uint64, error) {
	digits, found := strings.CutPrefix(text, "0x")
	n, err := strconv.ParseUint(digits, 16, 64)
	if !found || err != nil || n > 1<<53 {
		return 0, fmt.Errorf("%q is not a quantity", text)
	}
	return n, nil
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
	var given struct {
		Hash   string  `json:"transactionHash"`
		Block  *string `json:"blockNumber"`
		Status string  `json:"status"`
	}
	if err := json.Unmarshal(a.result, &given); err != nil {
		return Finding{Err: fmt.Errorf("the receipt of %s does not fit: %s", hash, err.Error())}
	}
	if !strings.EqualFold(given.Hash, hash) {
		return Finding{Err: fmt.Errorf("asked for %s, the node answers for %q", hash, given.Hash)}
	}
	if given.Block == nil { // some nodes show what is in no block yet
		return Finding{}
	}
	block, err := quantity(*given.Block)
	if err != nil {
		return Finding{Err: fmt.Errorf("the receipt of %s: blockNumber: %w", hash, err)}
	}
	status, err := quantity(given.Status)
	if err != nil || status > 1 {
		return Finding{Err: fmt.Errorf("the receipt of %s: status %q is neither 0x1 nor 0x0", hash, given.Status)}
	}
	return Finding{Outcome: &webhook.ReceiptOutcome{Receipt: webhook.Receipt{BlockNumber: block, TransactionHash: hash}, Reverted: status == 0}}
}
