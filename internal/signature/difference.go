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
	at := slices.IndexFunc(e.result.Causes, func(c Cause) bool { return c.Code == CodeBodyDiffers })
	if at < 0 {
		return
	}
	who := e.culprit()
	if who == "" {
		return
	}
	cause := proven(CodeBodyRewritten, "a program made the body given of the one that was sent: %s; %s", who, e.result.Causes[at].Evidence)
	if _, kind := writersOf(e.Stored, e.Body); rawBody(kind) != "" {
		cause.Fix = rawBody(kind)
	}
	e.result.Causes[at] = cause
}

// culprit says what the body given is, compared with the one that was sent.
func (e *explainer) culprit() string {
	if names, _ := writersOf(e.Stored, e.Body); names != nil {
		what := "it is what " + alternatives(names) + " writes"
		if faults := differences(e.Stored, e.Body); faults != nil {
			whats := make([]string, 0, len(faults))
			for _, f := range faults {
				whats = append(whats, f.what)
			}
			what += ", with " + strings.Join(whats, ", ")
		}
		return what
	}
	found := ""
	spare := newBudget() // bounded by itself: the search is over
	sent := &bodyForms{body: e.Stored, computed: true, budget: &spare}
	sent.each(func(f bodyForm) bool {
		if bytes.Equal(f.data, e.Body) {
			if faults := f.faults(); len(faults) > 0 {
				found = "it is " + strings.TrimPrefix(faults[0].what, "over ")
			}
		}
		return found == ""
	})
	return found
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
