package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"sealpost/internal/secret"
)

// Scheme is a way of signing.
type Scheme string

// The schemes. Auto takes the triple when the request carries it, and the
// Signature header otherwise.
const (
	SchemeAuto      Scheme = "auto"
	SchemeSignature Scheme = "signature"
	SchemeStandard  Scheme = "standard"
)

// Verdicts on the signature and on the time of signing.
const (
	Valid   = "valid"
	Invalid = "invalid"
	Missing = "missing"

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
	Valid     bool    `json:"valid"`
	Signature string  `json:"signature"` // valid, invalid or missing
	Freshness string  `json:"freshness"` // fresh, stale, future or none
	Scheme    Scheme  `json:"scheme"`
	Causes    []Cause `json:"causes"`             // not nil; empty when valid, unless a computed value was asked about
	Expected  string  `json:"expected,omitempty"` // the right value, when [Inquiry] asks for it

	Secret string        `json:"-"` // name of the candidate that matched
	Age    time.Duration `json:"-"` // of the timestamp; negative in the future
}

// Verify judges a request. It never fails: whatever is wrong with the input is
// part of the verdict. An empty secret verifies nothing.
func Verify(r Request) Result {
	h, faults := readHeaders(r.Headers)
	return r.verify(h, faults)
}

func (r *Request) verify(h headers, faults []Cause) Result {
	result := Result{Scheme: r.Scheme, Signature: Invalid, Freshness: None, Causes: faults}
	if result.Scheme != SchemeSignature && result.Scheme != SchemeStandard {
		result.Scheme = SchemeSignature
		if h.triple {
			result.Scheme = SchemeStandard
		}
	}
	if result.Scheme == SchemeStandard {
		r.verifyStandard(h, &result)
	} else {
		r.verifyHex(h, &result)
	}
	result.Valid = result.Signature == Valid && (result.Freshness == Fresh || result.Freshness == None)
	if result.Valid || result.Causes == nil {
		result.Causes = []Cause{}
	}
	return result
}

func (r *Request) verifyHex(h headers, result *Result) {
	if h.hex == "" {
		result.Signature = Missing
		return
	}
	got, err := hex.DecodeString(h.hex)
	if err != nil || h.hex != strings.ToLower(h.hex) {
		return
	}
	r.match(result, [][]byte{got}, nil)
}

func (r *Request) verifyStandard(h headers, result *Result) {
	switch {
	case h.standardText == "":
		result.Signature = Missing
		return
	case h.id == "" || h.timestampText == "":
		result.Signature = Missing
		result.Causes = append(result.Causes, proven(CodeTripleIncomplete, "webhook-signature came without webhook-id or webhook-timestamp"))
		return
	}
	r.match(result, h.standard, []byte(h.id+"."+h.timestampText+"."))
	if r.Tolerance >= 0 {
		r.judgeTime(h.timestampText, result)
	}
}

// match looks for a secret that gives one of the sums over head and body.
func (r *Request) match(result *Result, sums [][]byte, head []byte) {
	for _, c := range r.Secrets {
		key := c.Secret.Key()
		if !c.Accept || len(key) == 0 {
			continue
		}
		want := hmacSum(sha256.New, key, head, r.Body)
		for _, got := range sums {
			if hmac.Equal(want, got) {
				result.Signature, result.Secret = Valid, c.Name
				return
			}
		}
	}
}

// judgeTime sets the freshness. A time that can't be read is never fresh.
func (r *Request) judgeTime(text string, result *Result) {
	seconds, ok := parseTimestamp(text)
	if !ok {
		result.Freshness = Stale
		cause := proven(CodeTimestampUnreadable, "webhook-timestamp is %q, not Unix seconds", bounded(text))
		if isMillis(text) {
			cause = proven(CodeTimestampMilliseconds, "webhook-timestamp is %s: 13 digits are milliseconds, seconds have 10", text)
		}
		result.Causes = append(result.Causes, cause)
		return
	}
	result.Age = r.At.Sub(time.Unix(seconds, 0))
	by := r.At.UTC().Format(time.RFC3339)
	switch {
	case result.Age > r.Tolerance:
		result.Freshness = Stale
		result.Causes = append(result.Causes, proven(CodeTimestampStale, "signed %s before %s; the tolerance is %s", result.Age.Round(time.Second), by, r.Tolerance))
	case result.Age < -r.Tolerance:
		result.Freshness = Future
		result.Causes = append(result.Causes, proven(CodeTimestampFuture, "signed %s after %s; the tolerance is %s", (-result.Age).Round(time.Second), by, r.Tolerance))
	default:
		result.Freshness = Fresh
	}
}

// bounded shortens text from outside for a message.
func bounded(s string) string {
	const most = 80
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
