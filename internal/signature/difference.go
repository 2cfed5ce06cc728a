package signature

import (
	"bytes"
	"fmt"
)

// context is how much of a body is shown around a difference, in bytes.
const context = 24

// difference says where the body given departs from the one that was sent, and
// which program makes the one of the other, if any does.
func (e *explainer) difference() Cause {
	where := firstDifference(e.Stored, e.Body)
	for _, f := range bodyForms(e.Stored, nil, e.budget.going) {
		if bytes.Equal(f.data, e.Body) {
			return proven(CodeBodyRewritten, "the body given can be made of the one that was sent: it is what comes out %s; %s", f.fault().what, where)
		}
	}
	return proven(CodeBodyDiffers, "%s", where)
}

// firstDifference shows both bodies around the first byte that differs.
func firstDifference(sent, given []byte) string {
	at := 0
	for at < min(len(sent), len(given)) && sent[at] == given[at] {
		at++
	}
	return fmt.Sprintf("sent are %d bytes, given %d; the first difference is at byte %d: sent %s, given %s", len(sent), len(given), at, around(sent, at), around(given, at))
}

func around(body []byte, at int) string {
	if at >= len(body) {
		return fmt.Sprintf("nothing after %q", body[max(0, len(body)-context):])
	}
	return fmt.Sprintf("%q", body[max(0, at-context):min(len(body), at+context)])
}
