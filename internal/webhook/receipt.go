package webhook

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"sealpost/internal/ecmajson"
)

// Receipt is the on-chain result that belongs to a transaction event, as
// receivers see it.
type Receipt struct {
	BlockNumber     uint64 `json:"blockNumber"`
	TransactionHash string `json:"transactionHash"`
}

// ValidTransactionHash reports whether s is 0x and 64 hex digits, the text
// form of an Ethereum transaction hash.
func ValidTransactionHash(s string) bool {
	if len(s) != 66 || s[0] != '0' || s[1] != 'x' {
		return false
	}
	for i := 2; i < len(s); i++ {
		if c := s[i]; !isDigit(c) && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// ReceiptOutcome is what became of a transaction on chain.
type ReceiptOutcome struct {
	Receipt
	Reverted bool
}

// Status is the outcome in a word: success or reverted.
func (o ReceiptOutcome) Status() string {
	if o.Reverted {
		return "reverted"
	}
	return "success"
}

// givenReceipt are the members that a receipt came with; nil where one is absent
// or null.
type givenReceipt struct {
	hash   *string
	block  *uint64
	status *string
}

// readReceipt reads a receipt, and no more than that. Names count to the
// letter, which encoding/json does not do: of BlockNumber beside blockNumber it
// would take whichever comes last, and the caller may have meant the other.
func readReceipt(raw []byte, outcome bool) (given givenReceipt, err error) {
	var faults []string
	_, err = ecmajson.AppendMembers(make([]byte, 0, len(raw)), raw, func(key, value []byte) error {
		name := string(key)
		switch {
		case name != "transactionHash" && name != "blockNumber" && (name != "status" || !outcome):
			faults = append(faults, quote(name)+" is not a member of it")
		case string(value) == "null":
		case name == "blockNumber":
			block, err := strconv.ParseUint(string(value), 10, 64)
			if err != nil {
				faults = append(faults, "blockNumber is "+quote(string(value))+"; a whole number is needed")
			}
			given.block = &block
		case !isString(value):
			faults = append(faults, fmt.Sprintf("%s is %s; a string is needed", name, kind(value)))
		case name == "status":
			status := plain(value)
			given.status = &status
		default:
			hash := plain(value)
			given.hash = &hash
		}
		return nil
	})
	if err == nil && faults != nil {
		err = &Error{Code: CodeBadRequest, Messages: faults}
	}
	return given, err
}

// GivenReceipt is what somebody says of the receipt of an event that waits for
// one. Exactly one of the members is set.
type GivenReceipt struct {
	Outcome *ReceiptOutcome // the receipt
	Watch   string          // hash of the transaction to watch for
	None    bool            // there is none: send the event without
}

// DecodeGivenReceipt reads what is given by hand: {transactionHash, blockNumber,
// status}, {transactionHash} alone, or {status: "none"}.
func DecodeGivenReceipt(body []byte) (g GivenReceipt, err error) {
	given, err := readReceipt(body, true)
	var fault *Error
	if err != nil && !errors.As(err, &fault) {
		return g, JSONFault(err)
	}
	if err != nil {
		return g, err
	}
	switch {
	case given.status != nil && *given.status == "none":
		if given.hash != nil || given.block != nil {
			return g, Errorf(CodeBadRequest, "status none says that there is no receipt; transactionHash and blockNumber don't go with it")
		}
		return GivenReceipt{None: true}, nil
	case given.hash != nil && given.block == nil && given.status == nil:
		if !ValidTransactionHash(*given.hash) {
			return g, Errorf(CodeBadRequest, "transactionHash "+quote(*given.hash)+" is not 0x and 64 hex digits")
		}
		return GivenReceipt{Watch: *given.hash}, nil
	}
	var missing []string
	for name, absent := range map[string]bool{"transactionHash": given.hash == nil, "blockNumber": given.block == nil, "status": given.status == nil} {
		if absent {
			missing = append(missing, name+" is missing")
		}
	}
	if missing != nil {
		slices.Sort(missing)
		return g, &Error{Code: CodeBadRequest, Messages: missing}
	}
	outcome, err := NewReceiptOutcome(*given.hash, *given.block, *given.status)
	return GivenReceipt{Outcome: &outcome}, err
}

// NewReceiptOutcome judges a receipt that was given by hand; all that is wrong
// with it is in the [Error].
func NewReceiptOutcome(transactionHash string, blockNumber uint64, status string) (ReceiptOutcome, error) {
	var faults []string
	if !ValidTransactionHash(transactionHash) {
		faults = append(faults, "transactionHash "+quote(transactionHash)+" is not 0x and 64 hex digits")
	}
	if blockNumber > 1<<53 {
		faults = append(faults, "blockNumber is above 2^53")
	}
	if status != "success" && status != "reverted" {
		faults = append(faults, "status "+quote(status)+" is none of success, reverted and none")
	}
	if faults != nil {
		return ReceiptOutcome{}, &Error{Code: CodeBadRequest, Messages: faults}
	}
	return ReceiptOutcome{Receipt{blockNumber, transactionHash}, status == "reverted"}, nil
}

// Watched is an event that waits for the receipt of a known transaction.
type Watched struct {
	Seq             int64
	Organization    string // id
	ID              string
	TransactionHash string
}
