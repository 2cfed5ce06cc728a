package signature

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// context is how much of a body is shown around a difference, in bytes.
const context = 24

// relate looks for the program that makes the body given of the one that was
// sent, and turns the cause that they differ into the finer one.
func (e *explainer) relate() {
	sent := &bodyForms{body: e.Stored, going: e.budget.going}
	sent.each(func(f bodyForm) bool {
		if !bytes.Equal(f.data, e.Body) {
			return true
		}
		at := slices.IndexFunc(e.result.Causes, func(c Cause) bool { return c.Code == CodeBodyDiffers })
		e.result.Causes[at] = proven(CodeBodyRewritten, "a program made the body given of the one that was sent: it is %s; %s",
			strings.TrimPrefix(f.fault().what, "over "), e.result.Causes[at].Evidence)
		return false
	})
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
