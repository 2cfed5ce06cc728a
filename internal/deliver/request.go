package deliver

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"

	"sealpost/internal/signature"
)

// NewRequest makes the request of one attempt: the exact body, both signature
// schemes, and nothing that would make a client send it twice by itself.
func NewRequest(ctx context.Context, to *url.URL, userAgent string, signed signature.Headers, body []byte) *http.Request {
	r := (&http.Request{
		Method: http.MethodPost, URL: to, Host: to.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Content-Type":            {"application/json"},
			"User-Agent":              {userAgent},
			signature.HeaderSignature: {signed.Signature},
			canonicalID:               {signed.ID},
			canonicalTimestamp:        {signed.Timestamp},
			canonicalStandard:         {signed.Standard},
		},
		ContentLength: int64(len(body)),
		Body:          io.NopCloser(bytes.NewReader(body)),
		GetBody:       func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
	}).WithContext(ctx)
	return r
}

var (
	canonicalID        = http.CanonicalHeaderKey(signature.HeaderID)
	canonicalTimestamp = http.CanonicalHeaderKey(signature.HeaderTimestamp)
	canonicalStandard  = http.CanonicalHeaderKey(signature.HeaderStandard)
)
