// Package bounds is the table of what one organization may have, so that none
// can take what the others need. Settings, the store and the command line all
// read this one table.
package bounds

import "strings"

// Kind is one bound.
type Kind int

// The bounds, in the order in which people see them.
const (
	Webhooks Kind = iota
	URLs
	Invitations
	Tokens
	Held
	Parked
	StoredBytes
	Reads
	Pending
	Kinds // how many there are
)

// Row says what a bound is.
type Row struct {
	Kind    Kind
	Key     string // of the setting
	Default int64  // 0 is no bound; [ByOrigin]: see there
	Bytes   bool   // it counts bytes
	Counts  string // what it counts, as a plural
}

// ByOrigin stands for a bound that depends on who made the organization: 0 for
// one that was made on the machine, [FromAPI] for one that was made over the API.
const ByOrigin = -1

// FromAPI is how many bytes an organization may store that was made over the API.
const FromAPI = 1 << 30

// Table is every bound, by kind.
var Table = [Kinds]Row{
	Webhooks:    {Webhooks, "limits.webhooks", 500, false, "webhooks"},
	URLs:        {URLs, "limits.urls", 100, false, "URLs of one webhook"},
	Invitations: {Invitations, "limits.invitations", 1000, false, "open invitations"},
	Tokens:      {Tokens, "limits.tokens", 1000, false, "open tokens"},
	Held:        {Held, "limits.held", 10_000, false, "events that wait for a receipt"},
	Parked:      {Parked, "limits.parked", 1_000_000, false, "deliveries that wait for a disabled webhook"},
	StoredBytes: {StoredBytes, "limits.stored_bytes", ByOrigin, true, "bytes of event bodies and answers"},
	Reads:       {Reads, "limits.reads", 4, false, "reads at a time"},
	Pending:     {Pending, "publish.max_pending", 1_000_000, false, "pending deliveries"},
}

// Flag is the flag of `sealpost org limits` that sets the bound for one
// organization.
func (r Row) Flag() string {
	_, name, _ := strings.Cut(r.Key, ".")
	return strings.ReplaceAll(strings.TrimPrefix(name, "max_"), "_", "-")
}

// Values are the bounds of an organization, by kind; 0 is no bound.
type Values [Kinds]int64

// Defaults are the bounds where nothing else is said.
func Defaults() (v Values) {
	for _, row := range Table {
		v[row.Kind] = row.Default
	}
	return v
}

// For settles what depends on where the organization was made.
func (v Values) For(onMachine bool) Values {
	for kind, value := range v {
		if value != ByOrigin {
			continue
		}
		if v[kind] = FromAPI; onMachine {
			v[kind] = 0
		}
	}
	return v
}

// Past reports whether so much is more than the bound allows.
func (v Values) Past(kind Kind, use int64) bool { return v[kind] != 0 && use > v[kind] }

// Near reports whether so much is 80 % of the bound or more.
func (v Values) Near(kind Kind, use int64) bool { return v[kind] != 0 && use >= v[kind]-v[kind]/5 }

// Close is an organization that uses 80 % of a bound or more.
type Close struct {
	Organization string // slug
	ID           string // of the organization
	Kind         Kind
	Use, Limit   int64 // of what the bound counts; of deliveries, no more than one past the bound is counted
}

// Reached reports whether nothing more can be added.
func (c Close) Reached() bool { return c.Use >= c.Limit }
