package webhook

import (
	"fmt"

	"sealpost/internal/bounds"
)

// LimitReached refuses what would take an organization past one of its bounds:
// it uses so much of value, and the call needs more.
func LimitReached(kind bounds.Kind, value, use int64) *Error {
	row := bounds.Table[kind]
	return Errorf(CodeLimitReached, fmt.Sprintf("%s allows %d %s; the organization has %d", row.Key, value, row.Counts, use)).
		For(Reason(row.Key)).
		WithHint(fmt.Sprintf("make room first, or raise the bound on the server's machine: `sealpost org limits ORG --%s N`", row.Flag()))
}

// TooManyURLs refuses a webhook with more URLs than it may have.
func TooManyURLs(value, use int64) *Error {
	row := bounds.Table[bounds.URLs]
	return Errorf(CodeLimitReached, fmt.Sprintf("%s allows %d %s; this one would have %d", row.Key, value, row.Counts, use)).
		For(Reason(row.Key)).
		WithHint(fmt.Sprintf("use fewer URLs, or raise the bound on the server's machine: `sealpost org limits ORG --%s N`", row.Flag()))
}
