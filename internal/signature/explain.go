package signature

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Inquiry is a request and what helps to explain it.
type Inquiry struct {
	Request
	Computed     string           // what the receiver's own code computed; "" when that isn't the question
	Stored       []byte           // the body as it was sent; nil when not known
	ShowExpected bool             // put the right value into the result
	Now          func() time.Time // the clock of the search; nil is time.Now
}

// maxOthers bounds the headers that are searched for a stray signature.
const maxOthers = 32

// Explain judges a request exactly as [Verify] does, and adds the causes of a
// mismatch. With a computed value it says what that value is, too. The bounds
// [MaxTrials] and [MaxSearch] hold for all of it.
func Explain(q Inquiry) Result {
	h, faults := readHeaders(q.Headers)
	result := q.verify(h, faults)
	if q.Now == nil {
		q.Now = time.Now
	}
	e := &explainer{Inquiry: q, h: h, result: &result, budget: budget{trials: MaxTrials, now: q.Now, end: q.Now().Add(MaxSearch)}}
	e.forms = &bodyForms{body: q.Body, stored: q.Stored, going: e.budget.going}
	e.alone = q.Computed != "" && h.hex == "" && !h.triple && len(faults) == 0
	switch {
	case e.alone:
		e.explainBody()
	case result.Signature != Valid:
		e.explainReceived()
	}
	if q.Computed != "" {
		e.explainComputed()
	}
	if q.ShowExpected {
		result.Expected = e.expected()
	}
	return result
}

// explainer collects causes into a result; it never touches the verdict.
type explainer struct {
	Inquiry
	h      headers
	result *Result
	budget budget
	forms  *bodyForms // of the body given
	alone  bool       // nothing was received, and only the computed value is asked about
}

func (e *explainer) add(causes ...Cause) { e.result.Causes = append(e.result.Causes, causes...) }

// prove adds one proven cause a fault, all with the evidence of the one hit. A
// body that is known to differ has its cause already, which gains the evidence.
func (e *explainer) prove(subject string, faults []fault) {
	whats := make([]string, 0, len(faults))
	for _, f := range faults {
		whats = append(whats, f.what)
	}
	evidence := fmt.Sprintf("%s is exactly what comes out %s", subject, strings.Join(whats, " and "))
	for _, f := range faults {
		known := slices.IndexFunc(e.result.Causes, func(c Cause) bool { return c.Code == CodeBodyDiffers || c.Code == CodeBodyRewritten })
		if f.code == CodeBodyDiffers && known >= 0 {
			e.result.Causes[known].Evidence += "; " + evidence
			continue
		}
		e.add(proven(f.code, "%s", evidence))
	}
}

// explainReceived says why the received signature isn't the right one.
func (e *explainer) explainReceived() {
	scheme, value, name := e.result.Scheme, e.h.hex, HeaderSignature
	if scheme == SchemeStandard {
		value, name = e.h.standardText, HeaderStandard
	}
	if e.Computed != "" { // the other half is for the other question
		defer e.budget.halve()()
	}
	before := e.budget.trials
	if e.explainBody() {
		defer e.relate() // after the search, which needs the time more
	}
	if e.otherScheme() {
		return
	}
	targets := targetsOf(value, scheme, false)
	space := newSpace(scheme, e.h.id, e.h.timestampText, e.forms, e.Secrets)
	space.targets = targets
	if faults, hit := space.search(&e.budget); hit {
		e.prove("the value of "+name, faults)
		return
	}
	if e.otherHeader(space, name) {
		return
	}
	e.suspect(name, value, targets)
	tried := fmt.Sprintf("none of %d values recomputed is the one received", before-e.budget.trials)
	if value == "" {
		tried = name + " is missing, and no other header carries a right value"
	}
	if e.budget.spent() {
		tried += "; the search ended at its bound"
	}
	e.add(suspected(CodeUnknown, "%s", tried))
}

// explainBody reports, and adds, that the body is not the one that was sent.
func (e *explainer) explainBody() bool {
	if e.Stored == nil || bytes.Equal(e.Stored, e.Body) {
		return false
	}
	e.add(proven(CodeBodyDiffers, "%s", firstDifference(e.Stored, e.Body)))
	return true
}

// otherScheme reports, and adds, that the other scheme's headers are right.
func (e *explainer) otherScheme() bool {
	r := e.Request
	r.Scheme = SchemeSignature
	if e.result.Scheme == SchemeSignature {
		r.Scheme = SchemeStandard
	}
	if r.verify(e.h, nil).Signature != Valid {
		return false
	}
	e.add(proven(CodeSchemeOther, "the same request is rightly signed in the scheme %s", r.Scheme))
	return true
}

// otherHeader looks for the value in headers where it doesn't belong. There it
// must be right but for its content and its writing: one step off is enough.
func (e *explainer) otherHeader(s *space, due string) bool {
	names := slices.Sorted(maps.Keys(e.Headers))
	for _, name := range names[:min(len(names), maxOthers)] {
		if strings.EqualFold(name, due) {
			continue
		}
		for _, value := range e.Headers[name][:min(len(e.Headers[name]), 4)] {
			if len(value) > maxHeader {
				continue
			}
			elsewhere := *s
			elsewhere.targets = targetsOf(value, e.result.Scheme, true)
			elsewhere.cheap = slices.DeleteFunc(slices.Clone(s.cheap), func(v variation) bool { return v.axis == axisKey })
			elsewhere.forms, elsewhere.late = nil, nil
			if faults, hit := elsewhere.search(&e.budget); hit {
				e.prove("the value of "+bounded(name), append([]fault{{CodeHeaderOther, "where " + due + " is due"}}, faults...))
				return true
			}
		}
	}
	return false
}

// explainComputed says what the receiver's own code did.
func (e *explainer) explainComputed() {
	scheme := e.result.Scheme
	if auto := e.Scheme != SchemeSignature && e.Scheme != SchemeStandard; auto && e.h.hex != "" {
		if _, err := hex.DecodeString(strings.TrimSpace(e.Computed)); err == nil {
			scheme = SchemeSignature // both are there; hex is meant for this one
		}
	}
	const subject = "the computed value"
	space := newSpace(scheme, e.h.id, e.h.timestampText, e.forms, e.Secrets)
	space.targets = targetsOf(e.Computed, scheme, true)
	all := e.budget.trials
	faults, hit := space.search(&e.budget)
	switch {
	case hit && len(faults) > 0:
		e.prove(subject, faults)
	case hit && e.alone:
		e.add(proven(CodeComputedRight, "%s is right for this body and this secret; no signature was given to hold it against", subject))
	case hit && e.result.Signature == Valid:
		e.add(proven(CodeComputedRight, "%s is right, and so is the one received: the comparison is at fault", subject))
	case hit:
		e.add(proven(CodeComputedRight, "%s is right for this body and this secret; the one received is not", subject))
	case len(space.targets) == 0:
		e.add(proven(CodeValueMalformed, "%s has %d characters and spells neither hex nor base64 of a sum", subject, len(e.Computed)))
	default:
		if e.alone {
			e.suspectBody()
			e.suspectSecrets()
		}
		e.add(suspected(CodeComputedUnknown, "none of %d values recomputed is the computed one", all-e.budget.trials))
	}
}

// expected is the right value for the body that was given.
func (e *explainer) expected() string {
	right, _ := keyForms(e.Secrets)
	if len(right) == 0 {
		return ""
	}
	if e.result.Scheme == SchemeSignature {
		return Hex(right[0].key, e.Body)
	}
	if e.h.id == "" || e.h.timestampText == "" {
		return ""
	}
	sum := hmacSum(sha256.New, right[0].key, []byte(e.h.id+"."+e.h.timestampText+"."), e.Body)
	return Version + base64.StdEncoding.EncodeToString(sum)
}
