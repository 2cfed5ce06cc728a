package webhook

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// MissingQuery asks for events that webhooks missed.
type MissingQuery struct {
	To     []string // names of the only webhooks; nil for all
	Cursor string   // where the call before ended
}

// Progress is how far a call over many events has come.
type Progress struct {
	Matched int    `json:"matched"` // deliveries that it was about
	Done    int    `json:"done"`    // of those, how many were made
	Next    string `json:"next"`    // where the next call goes on; empty at the end
}

// DecodeMissing reads {missing, to?}. missing must be true. Other members are
// refused: one that narrows the call and is passed over would send too much. All
// faults are messages of the one [Error].
func DecodeMissing(body []byte) (q MissingQuery, err error) {
	var members map[string]json.RawMessage // a struct would take MISSING for missing
	if err := UnmarshalObject(body, &members); err != nil {
		return q, err
	}
	var faults []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if name != "missing" && name != "to" {
			faults = append(faults, fmt.Sprintf("the member %q is not known here", name))
		}
	}
	if string(members["missing"]) != "true" {
		faults = append(faults, "missing is not true; it says that what webhooks missed is sent")
	}
	if raw, given := members["to"]; given {
		var names []*string
		if json.Unmarshal(raw, &names) != nil || len(names) == 0 || slices.Contains(names, nil) {
			faults = append(faults, "to is not a list of webhooks' names")
		} else {
			for _, name := range names {
				q.To = append(q.To, *name)
			}
		}
	}
	if faults != nil {
		return q, &Error{Code: CodeBadRequest, Messages: faults}
	}
	return q, nil
}
