package webhook

import (
	"strings"
	"testing"
)

// TestReceiptByHand: what does not fit to the letter is refused, for a receipt
// decides whether an event goes out at all.
func TestReceiptByHand(t *testing.T) {
	hash := "0x" + strings.Repeat("ab", 32)
	fits := `{"transactionHash":"` + hash + `","blockNumber":5,"status":"reverted"}`
	decode := func(text []byte) (o ReceiptOutcome, err error) {
		given, err := DecodeGivenReceipt(text)
		if given.Outcome != nil {
			o = *given.Outcome
		}
		return o, err
	}
	got, err := decode([]byte(fits))
	if err != nil || got.TransactionHash != hash || got.BlockNumber != 5 || !got.Reverted {
		t.Errorf("%+v %v", got, err)
	}
	twice := strings.Replace(fits, `"blockNumber"`, `"blockNumber":4,"blockNumber"`, 1)
	if got, err := decode([]byte(twice)); err != nil || got.BlockNumber != 5 {
		t.Errorf("of a key given twice the last counts: %+v %v", got, err)
	}
	for text, want := range map[string]string{
		fits + ` garbage`:  "not JSON",
		fits + fits:        "not JSON",
		`null`:             "object",
		`[]`:               "object",
		`{}`:               "blockNumber is missing; status is missing; transactionHash is missing",
		`{"blockNumber":5`: "not JSON",
		strings.Replace(fits, `"blockNumber"`, `"blockNumber":5,"BLOCKNUMBER"`, 1): `"BLOCKNUMBER" is not a member`,
		strings.Replace(fits, `"status"`, `"Status"`, 1):                           `"Status" is not a member`,
		strings.Replace(fits, `5`, `-5`, 1):                                        `blockNumber is "-5"`,
		strings.Replace(fits, `5`, `5.5`, 1):                                       `blockNumber is "5.5"`,
		strings.Replace(fits, `5`, `"5"`, 1):                                       "whole number",
		strings.Replace(fits, `5`, `null`, 1):                                      "blockNumber is missing",
		strings.Replace(fits, `5`, `9007199254740993000`, 1):                       "2^53",
		strings.Replace(fits, `"reverted"`, `"failed"`, 1):                         `"failed" is none of success, reverted and none`,
		strings.Replace(fits, `"reverted"`, `"none"`, 1):                           "don't go with it",
		`{"transactionHash":"0xab"}`:                                               "64 hex digits",
		`{"transactionHash":"` + hash + `","status":"success"}`:                    "blockNumber is missing",
		strings.Replace(fits, `"reverted"`, `1`, 1):                                "status is a number",
		strings.Replace(fits, hash, hash[1:], 1):                                   "64 hex digits",
	} {
		if got, err := decode([]byte(text)); CodeOf(err) != CodeBadRequest || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v %v, not %q", text, got, err, want)
		}
	}
	if g, err := DecodeGivenReceipt([]byte(`{"status":"none"}`)); err != nil || !g.None {
		t.Errorf("%+v %v", g, err)
	}
	if g, err := DecodeGivenReceipt([]byte(`{"transactionHash":"` + hash + `"}`)); err != nil || g.Watch != hash || g.Outcome != nil {
		t.Errorf("%+v %v", g, err)
	}
	draft := `{"resource":"a","action":"b","body":{},"receipt":{"transactionHash":"` + hash + `","blockNumber":1,"BlockNumber":2}}`
	if d, err := DecodeDraft([]byte(draft)); err == nil || !strings.Contains(err.Error(), `"BlockNumber" is not a member`) {
		t.Errorf("%+v %v", d, err)
	}
}
