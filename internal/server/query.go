package server

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sealpost/internal/typo"
	"sealpost/internal/webhook"
)

// parameters say what a route takes in its query. Only routes where a parameter that is
// passed over would send an event that should wait, or to whom it should not go, look at
// them all; every other route goes on ignoring those that it does not know.
type parameters struct {
	known  map[string]bool // the names; true for one that may be given several times
	inBody []string        // members of the body, which belong there
}

var (
	publishParameters = parameters{known: map[string]bool{"receipt": false, "to": true}, inBody: []string{"id", "resource", "action", "body", "order"}}
	receiptParameters = parameters{inBody: []string{"transactionHash", "blockNumber", "status"}}
)

// check refuses a query that can't be read, names that the route does not know, names
// that stand twice where once is all, and empty values.
func (p parameters) check(r *http.Request) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return webhook.Errorf(webhook.CodeBadRequest, fmt.Sprintf("the query can't be read: %v", err))
	}
	var faults []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		several, known := p.known[name]
		switch values := query[name]; {
		case !known:
			faults = append(faults, p.unknown(name))
		case slices.Contains(values, ""):
			faults = append(faults, fmt.Sprintf("the query parameter %s is empty", name))
		case len(values) > 1 && !several:
			faults = append(faults, fmt.Sprintf("the query parameter %s is given %d times", name, len(values)))
		}
	}
	if faults == nil {
		return nil
	}
	return &webhook.Error{Code: webhook.CodeBadRequest, Messages: faults}
}

// longestNamed bounds how much of an unknown name is told, in bytes.
const longestNamed = 64

func (p parameters) unknown(name string) string {
	names := slices.Sorted(maps.Keys(p.known))
	shown := name
	if len(shown) > longestNamed {
		shown = shown[:longestNamed] + "…"
	}
	message := fmt.Sprintf("there is no query parameter %q here", shown)
	if slices.Contains(p.inBody, name) {
		return message + "; it belongs into the body"
	}
	if len(name) > longestNamed {
		return message
	}
	if likely := typo.Nearest(name, names); likely != "" {
		return message + "; did you mean " + likely + "?"
	}
	if likely := typo.Nearest(name, p.inBody); likely != "" {
		return message + "; did you mean " + likely + ", which belongs into the body?"
	}
	if names == nil {
		return message + "; it takes none"
	}
	return message + "; there are " + strings.Join(names, " and ")
}
