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
)

// Inquiry is a request and what helps to explain it.
type Inquiry struct {
	Request
	Computed     string   // what the receiver's own code computed; "" when that isn't the question
	Stored       []byte   // the body as it was sent; nil when not known
	Samples      [][]byte // bodies whose keys stand in the order of sending
	ShowExpected bool     // put the right value into the result
	Framework    string   // the receiver's framework, by its name in [Frameworks]; "" when not known
}

// maxOthers bounds the headers that are searched for a stray signature.
const maxOthers = 32

// Explain judges a request exactly as [Verify] does, and adds the causes of a
// mismatch. With a computed value it says what that value is, too. The bounds
// [MaxTrials] and [MaxWork] hold for all of it, so the result is the same on
// every machine.
func Explain(q Inquiry) Result {
	h := readHeaders(q.Headers)
	result := q.verify(h)
	e := &explainer{Inquiry: q, h: h, result: &result, budget: newBudget()}
	e.forms = &bodyForms{body: q.Body, stored: q.Stored, orders: ordersOf(append(slices.Clone(q.Samples), q.Stored)), budget: &e.budget}
	lead := e.verdict(result.Scheme)
	e.alone = q.Computed != "" && !lead.carried.present && len(result.Causes) == 0
	failing := e.failing()
	switch {
	case e.alone:
		e.explainBody()
	case len(failing) > 0:
		e.explainReceived(failing)
	}
	if q.Computed != "" {
		e.explainComputed()
	}
	framed(result.Causes, q.Framework)
	if q.ShowExpected {
		result.Expected = e.expected()
	}
	return result
}

// explainer collects causes into a result; it never touches the verdict.
type explainer struct {
	Inquiry
	h      *headers
	result *Result
	budget budget
	forms  *bodyForms // of the body given
	alone  bool       // nothing was received, and only the computed value is asked about
}

func (e *explainer) add(causes ...Cause) {
	for _, c := range causes {
		if !slices.Contains(e.result.Causes, c) {
			e.result.Causes = append(e.result.Causes, c)
		}
	}
}

func (e *explainer) verdict(s Scheme) *SchemeVerdict {
	for i := range e.result.Schemes {
		if e.result.Schemes[i].Scheme == s {
			return &e.result.Schemes[i]
		}
	}
	return nil
}

// failing returns the schemes whose signature is not valid, the simplest content
// first: what it tells of body and key helps with the others.
func (e *explainer) failing() (found []*SchemeVerdict) {
	for _, s := range []Scheme{SchemeSignature, SchemeGitHub, SchemeStripe, SchemeStandard, SchemeSvix, SchemeEd25519} {
		if v := e.verdict(s); v != nil && v.Signature != Valid && v.Signature != Unjudged {
			found = append(found, v)
		}
	}
	return found
}

// prove adds one proven cause a fault, all with the evidence of the one hit. A
// body that is known to differ has its cause already, which gains the evidence.
func (e *explainer) prove(subject string, faults []fault) {
	whats := make([]string, 0, len(faults))
	for _, f := range faults {
		if f.what != "" && !slices.Contains(whats, f.what) {
			whats = append(whats, f.what)
		}
	}
	evidence := fmt.Sprintf("%s is exactly what comes out %s", subject, strings.Join(whats, " and "))
	for _, f := range faults {
		known := slices.IndexFunc(e.result.Causes, func(c Cause) bool { return c.Code == CodeBodyDiffers || c.Code == CodeBodyRewritten })
		if f.code == CodeBodyDiffers && known >= 0 {
			e.result.Causes[known].Evidence += "; " + evidence
			continue
		}
		c := proven(f.code, "%s", evidence)
		if f.fix != "" {
			c.Fix = f.fix
		}
		e.add(c)
	}
}

// explainReceived says why the received signatures are not the right ones.
func (e *explainer) explainReceived(failing []*SchemeVerdict) {
	if e.Computed != "" { // the other half is for the other question
		defer e.budget.share(2)()
	}
	if e.explainBody() {
		defer e.relate()
	}
	anchor := e.others()
	for i, v := range failing {
		if anchor != nil && e.explainedBy(anchor, v) {
			continue
		}
		restore := e.budget.share(len(failing) - i)
		if found := e.explainScheme(v, anchor); found != nil {
			anchor = found
		}
		restore()
	}
}

// others adds the schemes that are valid, as facts, and returns what they show:
// the key and the body that signed them.
func (e *explainer) others() (anchor *trial) {
	var names []string
	overlap := false
	for i := range e.result.Schemes {
		v := &e.result.Schemes[i]
		if v.Signature != Valid {
			overlap = overlap || v.Scheme == SchemeSignature && v.Signature == Invalid
			continue
		}
		names = append(names, v.Scheme.Header())
		if v.key != nil && anchor == nil {
			anchor = &trial{key: v.key, body: e.Body, digest: rightDigest}
		}
	}
	if e.Scheme != "" && e.Scheme != SchemeAuto && len(names) == 0 {
		for _, s := range Schemes() { // those that were not asked about
			r := e.Request
			r.Tolerance = -1
			if v, _ := r.judge(e.h, s); s != e.Scheme && v.Signature == Valid {
				names = append(names, s.Header())
				if v.key != nil && anchor == nil {
					anchor = &trial{key: v.key, body: e.Body, digest: rightDigest}
				}
			}
		}
	}
	if len(names) > 0 {
		e.add(proven(CodeSchemeOther, "%s of the same request is right, so the body is the one that was signed", strings.Join(names, " and ")))
	}
	if v := e.verdict(SchemeStandard); overlap && v != nil && v.Signature == Valid {
		e.add(suspected(CodeSecretOverlap, "webhook-signature is valid and Signature is not: in a rotation Signature keeps the old secret until the overlap ends, and %s may be the new one", v.Secret))
	}
	return anchor
}

// explainedBy reports whether a scheme's value comes out the same way as
// another one's did: then the causes are the same.
func (e *explainer) explainedBy(anchor *trial, v *SchemeVerdict) bool {
	if anchor.plain(e.Body) || v.carried.text == "" {
		return false
	}
	want := hmacSum(sha256.New, anchor.key, v.carried.head(), anchor.body)
	return e.budget.spend(len(anchor.body)) && slices.ContainsFunc(v.carried.sums, func(sum []byte) bool { return bytes.Equal(sum, want) })
}

// explainScheme searches for the cause of one scheme. It returns the key and the
// body that gave the value, when they are known.
func (e *explainer) explainScheme(v *SchemeVerdict, anchor *trial) *trial {
	name := v.Scheme.Header()
	if v.Scheme == SchemeEd25519 {
		e.add(suspected(CodeUnknown, "the signature v1a of webhook-signature does not fit the public key that was given; no other body or content is tried for Ed25519"))
		return nil
	}
	if v.carried.text == "" && anchor != nil {
		return nil // missing, and the right header of another scheme is told already
	}
	before := e.budget.trials
	targets := targetsOf(v.carried.text, v.Scheme, false)
	space := newSpace(e.around(v.carried), e.ids(), e.forms, e.Secrets)
	space.targets, space.anchor = targets, anchor
	if faults, hit := space.search(&e.budget); hit != nil {
		e.prove("the value of "+name, faults)
		return hit
	}
	if e.otherHeader(space, name) {
		return nil
	}
	e.suspect(name, v.carried.text, targets)
	tried := fmt.Sprintf("no cause found for %s (%d combinations tried)", name, before-e.budget.trials)
	if v.carried.text == "" {
		tried = name + " is missing, and no other header carries a right value"
	}
	if e.budget.spent() {
		tried += "; the search ended at its bound"
	}
	e.add(suspected(CodeUnknown, "%s", tried))
	return nil
}

// explainBody reports, and adds, that the body is not the one that was sent.
func (e *explainer) explainBody() bool {
	if e.Stored == nil || bytes.Equal(e.Stored, e.Body) {
		return false
	}
	e.add(proven(CodeBodyDiffers, "%s", firstDifference(e.Stored, e.Body)))
	return true
}

// otherHeader looks for the value in headers where it doesn't belong. There it
// must be right but for its content and its writing: one step off is enough.
func (e *explainer) otherHeader(s *space, due string) bool {
	names := slices.Sorted(maps.Keys(e.h.all))
	for _, name := range names[:min(len(names), maxOthers)] {
		if strings.EqualFold(name, due) {
			continue
		}
		for _, value := range e.h.all[name][:min(len(e.h.all[name]), 4)] {
			if len(value) > maxHeader {
				continue
			}
			elsewhere := *s
			elsewhere.targets = targetsOf(value, s.scheme, true)
			elsewhere.cheap = slices.DeleteFunc(slices.Clone(s.cheap), func(v variation) bool { return v.axis == axisKey })
			elsewhere.forms, elsewhere.late = nil, nil
			if faults, hit := elsewhere.search(&e.budget); hit != nil {
				e.prove("the value of "+bounded(name), append([]fault{{code: CodeHeaderOther, what: "where " + due + " is due"}}, faults...))
				return true
			}
		}
	}
	return false
}

// explainComputed says what the receiver's own code did.
func (e *explainer) explainComputed() {
	scheme := e.result.Scheme
	if e.Scheme == "" || e.Scheme == SchemeAuto {
		if text := strings.TrimSpace(e.Computed); e.verdict(SchemeSignature) != nil && isHex(text) {
			scheme = SchemeSignature // hex is meant for this one
		}
	}
	const subject = "the computed value"
	c := e.h.read(scheme)
	e.forms.computed = true
	e.forms.complete = false
	space := newSpace(e.around(c), e.ids(), e.forms, e.Secrets)
	space.targets = targetsOf(e.Computed, scheme, true)
	all := e.budget.trials
	faults, hit := space.search(&e.budget)
	switch {
	case hit != nil && len(faults) > 0:
		e.prove(subject, faults)
	case hit != nil && e.alone:
		e.add(proven(CodeComputedRight, "%s is right for this body and this secret; no signature was given to hold it against", subject))
	case hit != nil && e.result.Signature == Valid:
		e.add(proven(CodeComputedRight, "%s is right, and so is the one received: the comparison is at fault", subject))
	case hit != nil:
		e.add(proven(CodeComputedRight, "%s is right for this body and this secret; the one received is not", subject))
	case len(space.targets) == 0:
		e.add(malformed(subject, e.Computed))
	default:
		if e.alone {
			e.suspectBody()
			e.suspectSecrets()
		}
		e.add(suspected(CodeComputedUnknown, "no known mistake gives the computed value (%d combinations tried)", all-e.budget.trials))
	}
}

// around adds id and timestamp of the triple to a scheme that signs none: code may
// have signed them all the same.
func (e *explainer) around(c carried) *carried {
	if id, _ := c.scheme.triple(); id == "" {
		c.id, _ = e.h.value(HeaderID)
		if c.at == "" && c.scheme != SchemeStripe {
			c.at, _ = e.h.value(HeaderTimestamp)
		}
	}
	return &c
}

// ids returns the ids that the request carries under other names.
func (e *explainer) ids() (found []string) {
	for _, name := range []string{HeaderID, HeaderSvixID, "x-request-id", "x-webhook-id", "request-id", "idempotency-key"} {
		if text, _ := e.h.value(name); text != "" {
			found = append(found, text)
		}
	}
	return found
}

// expected is the right value for the body that was given.
func (e *explainer) expected() string {
	right, _ := keyForms(e.Secrets)
	c := e.h.read(e.result.Scheme)
	if len(right) == 0 || e.result.Scheme == SchemeEd25519 || !c.complete() {
		return ""
	}
	sum := hmacSum(sha256.New, right[0].key, c.head(), e.Body)
	switch e.result.Scheme {
	case SchemeGitHub:
		return "sha256=" + hex.EncodeToString(sum)
	case SchemeStripe:
		return "t=" + c.at + ",v1=" + hex.EncodeToString(sum)
	case SchemeSignature:
		return hex.EncodeToString(sum)
	}
	return Version + base64.StdEncoding.EncodeToString(sum)
}
