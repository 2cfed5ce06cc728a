package webhook

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
		faults = append(faults, "status "+quote(status)+" is neither success nor reverted")
	}
	if faults != nil {
		return ReceiptOutcome{}, &Error{Code: CodeBadRequest, Messages: faults}
	}
	return ReceiptOutcome{Receipt{blockNumber, transactionHash}, status == "reverted"}, nil
}
