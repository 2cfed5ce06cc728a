package conformance

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/signature"
)

// Doer sends requests; the guard's client is one.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// The schemes that a check can send.
const (
	SchemeBoth      = "both"
	SchemeSignature = "signature" // the header Signature alone
	SchemeStandard  = "standard"  // the triple of Standard Webhooks alone
)

// MaxAnswer is how much of each answer is kept, in bytes.
const MaxAnswer = 1 << 10

// Checker checks one receiver. All fields are needed.
type Checker struct {
	Client    Doer
	URL       *url.URL
	Key       []byte // signs
	Scheme    string
	Timeout   time.Duration // of one request, from dial to the answer's end
	UserAgent string
	Now       func() time.Time
	// Event makes an event: a new id, and the bytes to send.
	Event func() (id string, body []byte)
}

// Run sends all cases and returns what came of each. tell is called before each case.
func (c Checker) Run(ctx context.Context, tell func(Case)) (results []Result, err error) {
	first := message{key: c.Key}
	first.id, first.body = c.Event()
	for i, one := range Cases(c.Scheme) {
		if i > 0 && results[0].Status == 0 {
			results = append(results, Result{Case: one, Verdict: Skipped, Why: "the good delivery got no answer"})
			continue
		}
		tell(one)
		m := message{key: c.Key}
		switch {
		case i == 0 || one.repeats:
			m = first
		default:
			m.id, m.body = c.Event()
		}
		if one.huge {
			m.body = hugeBody(m.id)
		}
		m.at = c.Now()
		r := Result{Case: one}
		if err := c.send(ctx, m, &r); err != nil {
			return results, err
		}
		if ctx.Err() != nil {
			return results, context.Cause(ctx)
		}
		r.judge(i > 0 && !accepted(results[0].Status))
		results = append(results, r)
	}
	return results, nil
}

// send sends one message and notes the answer.
func (c Checker) send(ctx context.Context, m message, r *Result) error {
	headers, body, err := m.forged(r.forgery)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	request := deliver.NewRequest(ctx, c.URL, c.UserAgent, headers, body)
	switch c.Scheme {
	case SchemeSignature:
		for _, name := range []string{signature.HeaderID, signature.HeaderTimestamp, signature.HeaderStandard} {
			request.Header.Del(name)
		}
	case SchemeStandard:
		request.Header.Del(signature.HeaderSignature)
	}
	if r.contentType != "" {
		request.Header.Set("Content-Type", r.contentType)
	}
	began := c.Now()
	response, err := c.Client.Do(request)
	if err != nil {
		r.Duration, r.Error = c.Now().Sub(began), deliver.Explain(err, c.Timeout)
		return nil
	}
	defer response.Body.Close() //nolint:errcheck // the status is what counts
	r.Status = response.StatusCode
	r.Answer, _ = io.ReadAll(io.LimitReader(response.Body, MaxAnswer))
	r.Duration = c.Now().Sub(began)
	return nil
}
