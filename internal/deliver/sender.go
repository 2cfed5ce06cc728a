package deliver

import (
	"context"
	"net/http"
	"time"

	"sealpost/internal/signature"
	"sealpost/internal/webhook"
)

// Doer sends requests; the guard's client is one.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Sender makes one attempt: it signs the bytes, posts them and reads a bounded answer.
// The engine and [Foreground] share it, so both send the same request.
type Sender struct {
	Client    Doer
	Timeout   time.Duration // of one attempt, from dial to last body byte
	UserAgent string
	Now       func() time.Time
}

// send posts the work's bytes to a URL and returns what was answered. ended is why ctx,
// or the attempt's own deadline, ended before there was an answer; nil when neither did.
func (s Sender) send(ctx context.Context, work *webhook.Work, to *target, signer *signature.Signer) (answer Answer, ended error) {
	began := s.Now()
	answer.N, answer.At, answer.URL = work.Attempts+1, began, to.text
	if to.err != nil {
		answer.Error = "url_syntax: the stored URL can't be read"
		return answer, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	response, err := s.Client.Do(NewRequest(ctx, to.url, s.UserAgent, signer.Sign(work.EventID, began, work.Bytes), work.Bytes))
	if err != nil {
		answer.Duration = s.Now().Sub(began)
		answer.Error = Explain(err, s.Timeout)
		return answer, context.Cause(ctx)
	}
	answer.Status = response.StatusCode
	if redirects(answer.Status) {
		answer.Error = "redirect: redirects are not followed" // the Location is the receiver's text, and may be secret
	}
	answer.RetryAfter = ParseRetryAfter(response.Header.Get("Retry-After"), s.Now())
	answer.Response, answer.Cut = readBounded(response.Body)
	_ = response.Body.Close() // the status has decided; a large request goes out whole before
	answer.Duration = s.Now().Sub(began)
	return answer, nil
}
