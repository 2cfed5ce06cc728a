package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
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
	Name    string // "current", "previous", a webhook's name, …
	Secret  secret.Text
	Accept  bool // a match with it is valid; others only serve explanations
	Retired time.Time
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
	Causes    []Cause `json:"causes"`

	Secret string        `json:"-"` // name of the candidate that matched
	Age    time.Duration `json:"-"` // of the timestamp; negative in the future
}

// Cause says why a verdict is negative.
type Cause struct {
	Code      string `json:"code"`
	Certainty string `json:"certainty"` // proven or suspected
	Evidence  string `json:"evidence"`
	Fix       string `json:"fix"`
}

// How sure a cause is.
const (
	Proven    = "proven"
	Suspected = "suspected"
)

// Verify judges a request. It never fails: whatever is wrong with the input is
// part of the verdict.
func Verify(r Request) Result {
	h, faults := readHeaders(r.Headers)
	scheme := r.Scheme
	if scheme == "" || scheme == SchemeAuto {
		scheme = SchemeSignature
		if h.standard != nil {
			scheme = SchemeStandard
		}
	}
	result := Result{Scheme: scheme, Signature: Invalid, Freshness: None, Causes: faults}
	switch scheme {
	case SchemeStandard:
		r.verifyStandard(h, &result)
	default:
		r.verifyHex(h, &result)
	}
	result.Valid = result.Signature == Valid && (result.Freshness == Fresh || result.Freshness == None)
	if result.Valid {
		result.Causes = nil
	}
	if result.Causes == nil {
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
	for _, c := range r.Secrets {
		mac := hmac.New(sha256.New, c.Secret.Key())
		mac.Write(r.Body)
		if hmac.Equal(mac.Sum(nil), got) && c.Accept {
			result.Signature, result.Secret = Valid, c.Name
			return
		}
	}
}

func (r *Request) verifyStandard(h headers, result *Result) {
	switch {
	case h.standard == nil:
		result.Signature = Missing
		return
	case h.id == "" || h.timestampText == "":
		result.Signature = Missing
		result.Causes = append(result.Causes, Cause{"triple_incomplete", Proven,
			"webhook-signature came without webhook-id or webhook-timestamp", "pass all three headers on"})
		return
	}
	for _, c := range r.Secrets {
		mac := hmac.New(sha256.New, c.Secret.Key())
		mac.Write([]byte(h.id + "." + h.timestampText + "."))
		mac.Write(r.Body)
		sum := mac.Sum(nil)
		for _, got := range h.standard {
			if hmac.Equal(sum, got) && c.Accept {
				result.Signature, result.Secret = Valid, c.Name
			}
		}
		if result.Signature == Valid {
			break
		}
	}
	if r.Tolerance < 0 {
		return
	}
	result.Age = r.At.Sub(time.Unix(h.timestamp, 0))
	switch {
	case !h.timestampOK:
		result.Freshness = Stale
		result.Causes = append(result.Causes, Cause{"timestamp_unreadable", Proven,
			fmt.Sprintf("webhook-timestamp is %q, not Unix seconds", bounded(h.timestampText)), "send the time in whole seconds since 1970"})
	case result.Age > r.Tolerance:
		result.Freshness = Stale
		result.Causes = append(result.Causes, Cause{"timestamp_stale", Proven,
			fmt.Sprintf("signed %s before %s; the tolerance is %s", result.Age.Round(time.Second), r.At.UTC().Format(time.RFC3339), r.Tolerance),
			"check the receiver's clock, or that the request was not held up; judge a recorded request with --at or --tolerance none"})
	case result.Age < -r.Tolerance:
		result.Freshness = Future
		result.Causes = append(result.Causes, Cause{"timestamp_future", Proven,
			fmt.Sprintf("signed %s after %s; the tolerance is %s", (-result.Age).Round(time.Second), r.At.UTC().Format(time.RFC3339), r.Tolerance),
			"check the receiver's clock"})
	default:
		result.Freshness = Fresh
	}
}

// headers are the signature headers of a request, read strictly.
type headers struct {
	hex           string
	id            string
	timestampText string
	timestamp     int64
	timestampOK   bool
	standard      [][]byte // decoded v1 signatures; nil without the header
}

// maxHeader bounds a header's value, in bytes; maxSignatures how many
// signatures are looked at.
const (
	maxHeader     = 4096
	maxSignatures = 16
)

// readHeaders finds the signature headers, whatever the case of their names.
// A header given twice is a fault: a proxy and a receiver could each believe
// another one.
func readHeaders(all map[string][]string) (h headers, faults []Cause) {
	value := func(name string) string {
		var found []string
		for key, values := range all {
			if strings.EqualFold(key, name) {
				found = append(found, values...)
			}
		}
		switch {
		case len(found) == 0:
			return ""
		case len(found) > 1:
			faults = append(faults, Cause{"header_repeated", Proven, fmt.Sprintf("%s stands there %d times", name, len(found)), "send each signature header once"})
			return ""
		case len(found[0]) > maxHeader:
			faults = append(faults, Cause{"header_too_long", Proven, fmt.Sprintf("%s has %d bytes", name, len(found[0])), "a signature is far shorter"})
			return ""
		}
		return strings.TrimSpace(found[0])
	}
	h.hex = value(HeaderSignature)
	h.id = value(HeaderID)
	h.timestampText = value(HeaderTimestamp)
	h.timestamp, h.timestampOK = parseTimestamp(h.timestampText)
	if text := value(HeaderStandard); text != "" {
		h.standard = ParseStandard(text)
	}
	return h, faults
}

// ParseStandard reads the value of webhook-signature: signatures separated by
// spaces, each a version, a comma and base64. It returns the decoded v1
// signatures, at most 16; other versions and what can't be read are left out.
// The result is not nil.
func ParseStandard(value string) [][]byte {
	found := [][]byte{}
	for part := range strings.FieldsSeq(value) {
		encoded, v1 := strings.CutPrefix(part, Version)
		if !v1 || len(found) == maxSignatures {
			continue
		}
		if sum, err := base64.StdEncoding.Strict().DecodeString(encoded); err == nil && len(sum) == sha256.Size {
			found = append(found, sum)
		}
	}
	return found
}

// parseTimestamp reads Unix seconds: digits only, no sign, no leading zero.
func parseTimestamp(text string) (seconds int64, ok bool) {
	if len(text) == 0 || len(text) > 11 || text[0] == '0' {
		return 0, false
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		seconds = seconds*10 + int64(c-'0')
	}
	return seconds, true
}

func bounded(s string) string {
	const most = 80
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
