package listen

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"sealpost/internal/signature"
)

// MaxBody bounds the body of a request, and of the answer that a forward target
// gives, in bytes.
const MaxBody = 2 << 20

const (
	maxAtOnce  = 64               // requests that are read at the same time
	writeLimit = 30 * time.Second // for a client to take an answer
)

// Forwarder sends a request, which names no URL, to the one place that it is for.
// It follows no redirect.
type Forwarder interface {
	Do(*http.Request) (*http.Response, error)
}

// Options say how a receiver behaves.
type Options struct {
	Secrets   []signature.Candidate // none: nothing is verified
	Scheme    signature.Scheme      // auto verifies every scheme that a request carries
	Tolerance time.Duration         // of the timestamp; negative takes any
	Answers   []Answer              // in order, the last one stays; none is [OK]
	Reject    bool                  // refuses what does not verify, as a receiver must; see refusal
	Forward   Forwarder             // asks who answers instead; nil is nobody
	Now       func() time.Time
	Tell      func(*Received) // called for one request at a time, before it is answered
}

// Received is one request, what its signatures are worth, and the answer.
type Received struct {
	N            int // from 1
	At           time.Time
	Method, Path string // Path with its query
	Headers      http.Header
	Body         []byte
	Checks       []signature.Result // one for each scheme; nil when nothing was verified
	Answer       Answer
	ForwardError string // why the forward target gave no answer
}

// Verified reports whether there was something to verify with, and Valid
// whether all of it was right.
func (r *Received) Verified() bool { return r.Checks != nil }

// Valid reports whether every signature that counts is right.
func (r *Received) Valid() bool {
	return r.Verified() && !slices.ContainsFunc(r.Checks, func(c signature.Result) bool { return !c.Valid })
}

// Receiver is an [http.Handler]. What hangs or drips ends when the sender
// leaves or the server's base context ends. GET and HEAD are answered 200 and don't count:
// somebody asks whether it is up.
type Receiver struct {
	opts  Options
	slots chan struct{}
	mu    sync.Mutex // guards n and given, and lets Tell run once at a time
	n     int
	given int // answers of the list that were given
}

// New makes a receiver.
func New(opts Options) *Receiver {
	if len(opts.Answers) == 0 {
		opts.Answers = []Answer{OK()}
	}
	return &Receiver{opts: opts, slots: make(chan struct{}, maxAtOnce)}
}

func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		_, _ = io.WriteString(w, "ready\n")
		return
	}
	got, reply := rc.take(w, r)
	if got == nil {
		return
	}
	answer(w, r, got.Answer, reply)
}

// take reads, verifies and tells of a request. It returns nil when the request
// could not be read and was refused.
func (rc *Receiver) take(w http.ResponseWriter, r *http.Request) (*Received, *reply) {
	rc.slots <- struct{}{} // bounds the memory; whoever is slow to send is cut by the server's deadline
	defer func() { <-rc.slots }()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		status := http.StatusBadRequest
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, http.StatusText(status), status)
		return nil, nil
	}
	got := &Received{At: rc.opts.Now(), Method: r.Method, Path: r.RequestURI, Headers: r.Header, Body: body}
	got.Checks = rc.verify(got)
	refused := rc.refusal(got)
	var answered *reply
	if rc.opts.Forward != nil && refused == 0 {
		answered, err = rc.forward(r, body)
		if err != nil {
			got.ForwardError = err.Error()
			answered = &reply{status: http.StatusBadGateway}
		}
		got.Answer = Answer{Status: answered.status, RetryAfter: -1}
	}
	rc.mu.Lock()
	defer rc.mu.Unlock()
	switch {
	case refused != 0:
		got.Answer = Answer{Status: refused, RetryAfter: -1}
	case rc.opts.Forward == nil:
		got.Answer = rc.opts.Answers[min(rc.given, len(rc.opts.Answers)-1)]
		rc.given++
	}
	rc.n++
	got.N = rc.n
	rc.opts.Tell(got)
	return got, answered
}

// refusal is the status with which a receiver refuses a request: 415 for another content
// type than JSON, 401 for a signature or a timestamp that is not right. 0 is none.
func (rc *Receiver) refusal(got *Received) int {
	if !rc.opts.Reject {
		return 0
	}
	if media, _, err := mime.ParseMediaType(got.Headers.Get("Content-Type")); err != nil || media != "application/json" {
		return http.StatusUnsupportedMediaType
	}
	if !got.Valid() {
		return http.StatusUnauthorized
	}
	return 0
}

// verify judges a request by each scheme that it carries, or by the one asked
// for; a bad signature comes with its causes.
func (rc *Receiver) verify(got *Received) []signature.Result {
	if len(rc.opts.Secrets) == 0 {
		return nil
	}
	schemes := []signature.Scheme{rc.opts.Scheme}
	if rc.opts.Scheme == signature.SchemeAuto {
		schemes = schemes[:0]
		if got.Headers.Get(signature.HeaderSignature) != "" {
			schemes = append(schemes, signature.SchemeSignature)
		}
		if got.Headers.Get(signature.HeaderStandard) != "" || len(schemes) == 0 {
			schemes = append(schemes, signature.SchemeStandard)
		}
	}
	results := make([]signature.Result, 0, len(schemes))
	for _, scheme := range schemes {
		results = append(results, signature.Explain(signature.Inquiry{Request: signature.Request{
			Headers: got.Headers, Body: got.Body, Secrets: rc.opts.Secrets, Scheme: scheme, Tolerance: rc.opts.Tolerance, At: got.At}}))
	}
	return results
}

// reply is what a forward target answered.
type reply struct {
	status  int
	headers http.Header
	body    []byte
}

// hopByHop are the headers of a connection, not of a message (RFC 9110, 7.6.1).
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// endToEnd are the headers that a message keeps on its way.
func endToEnd(h http.Header) http.Header {
	kept := h.Clone()
	for _, line := range h.Values("Connection") {
		for name := range strings.SplitSeq(line, ",") {
			kept.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hopByHop {
		kept.Del(name)
	}
	return kept
}

// forward hands the request on, bytes and headers as they came. The body can't
// be rewound, so the client never sends it twice by itself.
func (rc *Receiver) forward(r *http.Request, body []byte) (*reply, error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	out := (&http.Request{Method: r.Method, Header: endToEnd(r.Header), ContentLength: int64(len(body)), Body: http.NoBody}).WithContext(ctx)
	if len(body) > 0 {
		out.Body = io.NopCloser(bytes.NewReader(body))
	}
	response, err := rc.opts.Forward.Do(out)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(response.Body, MaxBody+1))
	if err != nil {
		return nil, err
	}
	if len(text) > MaxBody {
		return nil, errors.New("the answer is larger than 2 MiB")
	}
	headers := endToEnd(response.Header)
	headers.Del("Content-Length") // the server counts for itself
	return &reply{response.StatusCode, headers, text}, nil
}
