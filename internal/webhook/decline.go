package webhook

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxReason bounds the reason of a declined transaction, in characters.
const maxReason = 200

// Decline is why a platform declined a transaction.
type Decline struct {
	Transaction string // id
	Reason      string
}

// DecodeDecline reads {transactionId, reason}. Other members are passed over.
// All faults are messages of the one [Error].
func DecodeDecline(body []byte) (d Decline, err error) {
	var members map[string]json.RawMessage // a struct would take REASON for reason
	if err := UnmarshalObject(body, &members); err != nil {
		return d, err
	}
	var faults []string
	text := func(name string) (s string) {
		raw, given := members[name]
		switch {
		case !given:
			faults = append(faults, name+" is missing")
		case !isString(raw) || json.Unmarshal(raw, &s) != nil:
			faults = append(faults, fmt.Sprintf("%s is %s; a string is needed", name, kind(raw)))
		case s == "":
			faults = append(faults, name+" is empty")
		}
		return s
	}
	d.Transaction, d.Reason = text("transactionId"), text("reason")
	if len(d.Transaction) > MaxEventID {
		faults = append(faults, fmt.Sprintf("transactionId has more than %d characters", MaxEventID))
	}
	if n := utf8.RuneCountInString(d.Reason); n > maxReason {
		faults = append(faults, fmt.Sprintf("reason has %d characters; at most %d are taken", n, maxReason))
	}
	if i := strings.IndexFunc(d.Reason, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		r, _ := utf8.DecodeRuneInString(d.Reason[i:])
		faults = append(faults, fmt.Sprintf("reason has the character U+%04X, which can't be printed", r))
	}
	if faults != nil {
		return d, &Error{Code: CodeBadRequest, Messages: faults}
	}
	return d, nil
}
