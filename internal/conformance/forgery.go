package conformance

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"sealpost/internal/signature"
)

// Forgery is one way in which a delivery is not what its sender would send.
type Forgery string

// The forgeries. Each leaves everything else of the delivery right.
const (
	None      Forgery = ""
	Signature Forgery = "signature" // one digit of each signature is changed
	Body      Forgery = "body"      // one character of the body is changed after signing
	Timestamp Forgery = "timestamp" // signed an hour ago, and rightly so
	Secret    Forgery = "secret"    // signed with a random secret
)

// Forgeries are the names that people may choose from.
func Forgeries() []string {
	return []string{string(Signature), string(Body), string(Timestamp), string(Secret)}
}

// Staleness is how old a stale timestamp is. Receivers admit 5 minutes as a rule.
const Staleness = time.Hour

// message is what is signed and sent.
type message struct {
	id   string
	at   time.Time
	body []byte
	key  []byte
}

// forged signs the message with a forgery in it. It returns the headers and the bytes to
// send.
func (m message) forged(kind Forgery) (signature.Headers, []byte, error) {
	switch kind {
	case Timestamp:
		m.at = m.at.Add(-Staleness)
	case Secret:
		m.key = make([]byte, 32)
		if _, err := rand.Read(m.key); err != nil {
			return signature.Headers{}, nil, err
		}
	case None, Signature, Body:
	default:
		return signature.Headers{}, nil, fmt.Errorf("%q is no forgery", kind)
	}
	headers := signature.NewSigner(signature.Keys{Hex: m.key, Standard: [][]byte{m.key}}).Sign(m.id, m.at, m.body)
	switch kind {
	case Signature:
		headers.Signature = changed(headers.Signature, 0)
		headers.Standard = changed(headers.Standard, len(signature.Version))
	case Body:
		m.body = changedBody(m.body)
	}
	return headers, m.body, nil
}

// changed is a signature with another character at a place. It stays valid hex or base64.
func changed(value string, place int) string {
	text := []byte(value)
	if text[place] == '0' {
		text[place] = '1'
	} else {
		text[place] = '0'
	}
	return string(text)
}

// changedBody is a body with its last digit changed. It is valid JSON as before; a body
// without a digit gets a space at its end.
func changedBody(body []byte) []byte {
	text := bytes.Clone(body)
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] >= '1' && text[i] <= '9' {
			text[i] = '1' + (text[i]-'1'+1)%9
			return text
		}
	}
	return append(text, ' ')
}

// Forger sends requests through a client, with a forgery in each.
type Forger struct {
	Client Doer
	Kind   Forgery
	Key    []byte // signs
}

// Do forges the request and sends it.
func (f Forger) Do(r *http.Request) (*http.Response, error) {
	source, err := r.GetBody()
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(source)
	if err != nil {
		return nil, err
	}
	seconds, err := strconv.ParseInt(r.Header.Get(signature.HeaderTimestamp), 10, 64)
	if err != nil {
		return nil, err
	}
	headers, body, err := message{r.Header.Get(signature.HeaderID), time.Unix(seconds, 0), body, f.Key}.forged(f.Kind)
	if err != nil {
		return nil, err
	}
	r.Header.Set(signature.HeaderSignature, headers.Signature)
	r.Header.Set(signature.HeaderTimestamp, headers.Timestamp)
	r.Header.Set(signature.HeaderStandard, headers.Standard)
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, _ = r.GetBody()
	return f.Client.Do(r)
}
