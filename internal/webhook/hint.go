package webhook

import "strings"

// advice is the hint of every fault of a code whose first message begins so. The API
// does not carry hints, so a client of it finds the same advice here.
var advice = []struct {
	code   Code
	begins string
	hint   string
}{
	{CodeNotFound, "no webhook ", "`sealpost webhook list` shows their names"},
	{CodeNotFound, "no event ", "`sealpost event list` shows the ids"},
	{CodeNotFound, "no delivery ", "a delivery id begins with dlv_; `sealpost delivery list` shows them"},
	{CodeBadRequest, "the cursor ", "take it from the page before, as it is"},
	{CodeInvalidURL, "", "receivers are public https URLs; `sealpost help egress` tells how to make an exception"},
	{CodeNameConflict, "there is a webhook ", "choose another name, or change it with `sealpost webhook update`"},
	{CodeEventConflict, "the event id ", "an id names one event for good; publish the new one under another"},
	{CodeRotationInProgress, "", "wait until then, or drop the old secret at once with --now"},
	{CodePreconditionFailed, "", "read it again and repeat the change"},
}

// Advise returns the error with the hint that belongs to its code and its first message;
// a hint that it has already stays.
func (e *Error) Advise() *Error {
	if e.Hint != "" || len(e.Messages) == 0 {
		return e
	}
	for _, a := range advice {
		if a.code == e.Code && strings.HasPrefix(e.Messages[0], a.begins) {
			e.Hint = a.hint
			break
		}
	}
	return e
}
