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
