package signature

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"time"

	"sealpost/internal/secret"
)

// Verdicts on the signature and on the time of signing.
const (
	Valid   = "valid"
	Invalid = "invalid"
	Missing = "missing"
	// Unjudged is the verdict on a scheme for which no key was given. It changes nothing.
	Unjudged = "unjudged"

	Fresh  = "fresh"
	Stale  = "stale"
	Future = "future"
	None   = "none" // the scheme carries no time, or none was asked about
)

// DefaultTolerance is how far a timestamp may be off either way; the value
// that Standard Webhooks libraries use.
const DefaultTolerance = 5 * time.Minute

// Candidate is a secret that may have signed, with a name for people.
type Candidate struct {
	Name    string // "the current secret of orders", …: what completes "with"
	Secret  secret.Text
	Accept  bool      // a match with it is valid; others only serve explanations
	Retired time.Time // when rotation ended it; zero for a secret that lives
}

// Request is what a receiver got and how to judge it.
type Request struct {
	Headers   map[string][]string // names in any case
	Body      []byte
	Secrets   []Candidate
	Scheme    Scheme        // "" is auto
	Tolerance time.Duration // negative: any age is fine
	At        time.Time     // the time to judge freshness by
}

// Result is the verdict.
type Result struct {
	Valid     bool            `json:"valid"`
	Signature string          `json:"signature"`          // of the scheme below: valid, invalid, missing or unjudged
	Freshness string          `json:"freshness"`          // fresh, stale, future or none
	Scheme    Scheme          `json:"scheme"`             // the first one that is not valid, else the first one judged
	Causes    []Cause         `json:"causes"`             // not nil; empty when valid, unless a computed value was asked about
	Expected  string          `json:"expected,omitempty"` // the right value, when [Inquiry] asks for it
	Schemes   []SchemeVerdict `json:"schemes,omitempty"`  // each scheme that the request carries

	Secret string        `json:"-"` // name of the candidate that matched
	Age    time.Duration `json:"-"` // of the timestamp; negative in the future
}

// SchemeVerdict is the verdict on one scheme that the request carries.
type SchemeVerdict struct {
	Scheme    Scheme `json:"scheme"`
	Signature string `json:"signature"` // valid, invalid, missing or unjudged
	Freshness string `json:"freshness"` // fresh, stale, future or none

	Secret string        `json:"-"` // name of the candidate that matched
	Age    time.Duration `json:"-"` // of the timestamp; negative in the future

	carried carried
	key     []byte // of the candidate that matched
}

// valid reports whether the scheme speaks for the request.
func (v *SchemeVerdict) valid() bool {
	return v.Signature == Valid && (v.Freshness == Fresh || v.Freshness == None)
}

// Verify judges a request. It never fails: whatever is wrong with the input is
// part of the verdict. An empty secret verifies nothing.
func Verify(r Request) Result { return r.verify(readHeaders(r.Headers)) }

// verify judges each scheme, and sums up: the request is valid if every scheme
// that could be judged is.
func (r *Request) verify(h *headers) Result {
	result := Result{Causes: []Cause{}}
	judged := false
	valid := true
	for _, s := range r.schemes(h) {
		v, causes := r.judge(h, s)
		result.Schemes = append(result.Schemes, v)
		for _, c := range causes {
			if !slices.Contains(result.Causes, c) {
				result.Causes = append(result.Causes, c)
			}
		}
		judged = judged || v.Signature != Unjudged
		valid = valid && (v.Signature == Unjudged || v.valid())
	}
	result.Valid = judged && valid
	lead := result.lead()
	result.Scheme, result.Signature, result.Freshness, result.Secret, result.Age = lead.Scheme, lead.Signature, lead.Freshness, lead.Secret, lead.Age
	if result.Valid {
		result.Causes = []Cause{}
	}
	return result
}

// schemes returns the schemes to judge: the one that was asked for, or each that
// the request carries.
func (r *Request) schemes(h *headers) (found []Scheme) {
	if slices.Contains(Schemes(), r.Scheme) {
		return []Scheme{r.Scheme}
	}
	for _, s := range Schemes() {
		if c := h.read(s); c.present {
			found = append(found, s)
		}
	}
	if found == nil {
		return []Scheme{SchemeSignature} // nothing is there; say so of our own header
	}
	return found
}

// lead is the verdict that stands for all: the first one that is not valid, else
// the first one that was judged. The triple comes first, which says the most.
func (r *Result) lead() SchemeVerdict {
	order := []Scheme{SchemeStandard, SchemeSignature, SchemeSvix, SchemeStripe, SchemeGitHub, SchemeEd25519}
	pick := func(wanted func(SchemeVerdict) bool) *SchemeVerdict {
		for _, s := range order {
			for i := range r.Schemes {
				if r.Schemes[i].Scheme == s && wanted(r.Schemes[i]) {
					return &r.Schemes[i]
				}
			}
		}
		return nil
	}
	for _, wanted := range []func(SchemeVerdict) bool{
		func(v SchemeVerdict) bool { return v.Signature != Unjudged && v.Signature != Valid },
		func(v SchemeVerdict) bool { return v.Signature != Unjudged && !v.valid() },
		func(v SchemeVerdict) bool { return v.Signature != Unjudged },
		func(SchemeVerdict) bool { return true },
	} {
		if found := pick(wanted); found != nil {
			return *found
		}
	}
	return SchemeVerdict{}
}

// judge gives the verdict on one scheme, and the faults that are facts.
func (r *Request) judge(h *headers, s Scheme) (v SchemeVerdict, causes []Cause) {
	c := h.read(s)
	v = SchemeVerdict{Scheme: s, Signature: Invalid, Freshness: None, carried: c}
	causes = h.faultsOf(s)
	switch {
	case !r.canJudge(s):
		v.Signature = Unjudged
		if s == SchemeEd25519 {
			causes = append(causes, suspected(CodeAsymmetric, "webhook-signature has a signature v1a, of Ed25519; no public key was given to verify it with"))
		}
		return v, causes
	case c.text == "" || !c.present:
		v.Signature = Missing
		return v, causes
	case !c.complete():
		v.Signature = Missing
		causes = append(causes, incomplete(c))
		return v, causes
	}
	r.match(&v)
	if r.Tolerance >= 0 && c.at != "" {
		causes = append(causes, r.judgeTime(&v)...)
	}
	return v, causes
}

func incomplete(c carried) Cause {
	id, at := c.scheme.triple()
	if id == "" {
		return proven(CodeTripleIncomplete, "%s has no time: t= is missing, or stands there twice", c.scheme.Header())
	}
	return proven(CodeTripleIncomplete, "%s came without %s or %s", c.scheme.Header(), id, at)
}

// canJudge reports whether a key for the scheme was given. No secret at all
// judges everything, as invalid.
func (r *Request) canJudge(s Scheme) bool {
	public, other := false, false
	for i := range r.Secrets {
		if !r.Secrets[i].Accept {
			continue
		}
		if IsPublicKey(r.Secrets[i].Secret.Reveal()) {
			public = true
		} else {
			other = true
		}
	}
	if s == SchemeEd25519 {
		return public
	}
	return other || !public
}

// match looks for a key that gives one of the sums.
func (r *Request) match(v *SchemeVerdict) {
	head := v.carried.head()
	for i := range r.Secrets {
		c := &r.Secrets[i]
		if !c.Accept {
			continue
		}
		if v.Scheme == SchemeEd25519 {
			public := c.publicKey()
			for _, sum := range v.carried.sums {
				if public != nil && ed25519.Verify(public, slices.Concat(head, r.Body), sum) {
					v.Signature, v.Secret = Valid, c.Name
					return
				}
			}
			continue
		}
		key := c.key()
		if key == nil {
			continue
		}
		want := hmacSum(sha256.New, key, head, r.Body)
		for _, got := range v.carried.sums {
			if hmac.Equal(want, got) {
				v.Signature, v.Secret, v.key = Valid, c.Name, key
				return
			}
		}
	}
}

// judgeTime sets the freshness. A time that can't be read is never fresh.
func (r *Request) judgeTime(v *SchemeVerdict) []Cause {
	text := v.carried.at
	name := "the time of " + HeaderStripe
	if _, at := v.Scheme.triple(); at != "" {
		name = at
	}
	seconds, ok := parseTimestamp(text)
	if !ok {
		v.Freshness = Stale
		if isMillis(text) {
			return []Cause{proven(CodeTimestampMilliseconds, "%s is %s: 13 digits are milliseconds, seconds have 10", name, text)}
		}
		return []Cause{proven(CodeTimestampUnreadable, "%s is %q, not Unix seconds", name, bounded(text))}
	}
	v.Age = r.At.Sub(time.Unix(seconds, 0))
	by := r.At.UTC().Format(time.RFC3339)
	switch {
	case v.Age > r.Tolerance:
		v.Freshness = Stale
		return []Cause{proven(CodeTimestampStale, "signed %s before %s; the tolerance is %s", v.Age.Round(time.Second), by, r.Tolerance)}
	case v.Age < -r.Tolerance:
		v.Freshness = Future
		return []Cause{proven(CodeTimestampFuture, "signed %s after %s; the tolerance is %s", (-v.Age).Round(time.Second), by, r.Tolerance)}
	}
	v.Freshness = Fresh
	return nil
}

// bounded shortens text from outside for a message.
func bounded(s string) string {
	const most = 80
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
