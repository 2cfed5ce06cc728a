package deliver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"sealpost/internal/signature"
	"sealpost/internal/webhook"
)

// MaxResponse is how much of an answer's body is read, in bytes.
const MaxResponse = 64 << 10

// target is a URL of a lane's receiver, parsed once.
type target struct {
	text string
	url  *url.URL
	err  error

	host  string // and port
	named bool   // its host is a name, not an address
}

// newTarget parses a URL.
func newTarget(text string) *target {
	to := &target{text: text}
	if to.url, to.err = webhook.ParseURL(text); to.err == nil {
		to.host = hostKey(to.url)
		_, err := netip.ParseAddr(to.url.Hostname())
		to.named = err != nil
	}
	return to
}

// work attempts a delivery, and then the lane's next one, for as long as the
// lane has something that may start.
func (e *Engine) work(l *lane, work *webhook.Work) {
	for work != nil {
		goesOn := e.attempt(l, work)
		e.mu.Lock()
		work = nil
		if goesOn {
			if work = e.next(l); work == nil {
				e.refill(l)
			} else {
				e.serve(l) // the window may have grown
			}
		}
		e.feedStarved()
		e.mu.Unlock()
	}
}

// feedStarved lets lanes that found no room try again, for as long as there is
// some. Called with the lock held.
func (e *Engine) feedStarved() {
	for !e.recorder.full() {
		l := e.room.first()
		if l == nil {
			return
		}
		ticket := l.ticket
		if e.serve(l); l.ticket == ticket {
			l.ticket = 0 // it wants nothing any more
		}
	}
}

// attempt carries out one attempt from looking up the receiver to handing the
// outcome to the recorder. It reports whether the lane goes on.
func (e *Engine) attempt(l *lane, work *webhook.Work) bool {
	receiver, outcome, err := e.handle(l, work)
	var poison *unsendable
	switch {
	case err == nil:
		e.end(l, work, func() {
			l.stalls = 0
			l.heed(outcome)
			l.learn(outcome)
		})
	case errors.As(err, &poison):
		e.end(l, work, func() {}) // it says nothing about the receiver
		outcome = poison.outcome(work, e.opts.Now())
	case errors.Is(err, errOvertaken):
		e.end(l, work, func() {
			l.drop(work)
			l.plan(e.opts.Now()) // look what it is now
		})
		return true
	case errors.Is(err, errFloor), errors.Is(err, errCrowded):
		e.giveBack(l, work)
		return true // to set its timer
	case errors.Is(err, errShutdown):
		e.end(l, work, func() { l.drop(work) }) // it goes back unharmed
		return false
	case errors.Is(err, errAsleep):
		e.end(l, work, func() {
			l.sleep(work)
			if work.Revision != e.revision.Load() { // it may have been enabled since it was looked up
				e.rouse(l)
			}
		})
		return false
	default:
		e.end(l, work, func() {
			l.sleep(work) // all is on file
			l.asleep = false
			l.plan(e.opts.Now())
			l.stall("looking up a delivery", err)
		})
		return true // to set its timer
	}
	e.tell(Observation{Work: work, Receiver: receiver, Outcome: outcome, Panic: poison.panicked()})
	e.recorder.record(outcome)
	return true
}

// handle is what concerns one delivery alone, and touches nothing that others
// share: a panic in it ends that delivery, as an [unsendable] one.
func (e *Engine) handle(l *lane, work *webhook.Work) (receiver *webhook.Receiver, outcome *webhook.Outcome, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = panicked(value)
		}
	}()
	receiver, to, signer, err := e.receiver(l, work)
	if err == nil && work.Bytes == nil {
		work.Bytes, err = e.store.Payload(e.life, work.Key.Event)
		if err == nil && work.Bytes == nil {
			err = &unsendable{why: "the event's bytes are gone from the database"}
		}
	}
	if err != nil {
		return receiver, nil, err
	}
	answer, cut := e.post(work, to, signer)
	if cut {
		return receiver, nil, errShutdown
	}
	decided := Decide(e.opts.Policy, work, answer, e.opts.Now(), random())
	if err := decided.Check(); err != nil { // the recorder would never be rid of it
		return receiver, nil, &unsendable{why: err.Error()}
	}
	return receiver, &decided, nil
}

var (
	errAsleep    = errors.New("the webhook is disabled or deleted")
	errCrowded   = errors.New("the host has as many requests under way as it may have")
	errFloor     = errors.New("the receiver wants no attempt yet")
	errOvertaken = errors.New("the delivery was changed meanwhile")
)

// receiver looks up where the work goes and what signs it. The lane keeps the
// answer until something changes.
func (e *Engine) receiver(l *lane, work *webhook.Work) (*webhook.Receiver, *target, *signature.Signer, error) {
	revision := e.revision.Load()
	if work.Revision != revision {
		claimed, err := e.store.Claimed(e.life, work.Key, work.Claim)
		if err != nil {
			return nil, nil, nil, err
		}
		if !claimed {
			return nil, nil, nil, errOvertaken
		}
		work.Revision = revision
	}
	now := e.opts.Now().Round(0) // what secrets last by is the clock on the wall
	e.mu.Lock()
	changes := l.floor.changes
	known := l.receiver != nil && l.revision == revision && !now.Before(l.looked) && (l.expires.IsZero() || now.Before(l.expires))
	e.mu.Unlock()
	if !known {
		fresh, err := e.store.Receiver(e.life, l.webhook)
		if err != nil {
			return nil, nil, nil, err
		}
		signer, expires := newSigner(fresh.Secrets, now)
		e.mu.Lock()
		if revision >= l.revision { // or another attempt has looked after a later change
			l.receiver, l.signer, l.looked, l.expires, l.revision = fresh, signer, now, expires, revision
			l.targets = make(map[string]*target)
			if l.health = fresh.Health; l.standing == unknown && !l.health.Since.IsZero() {
				l.become(failing) // under a former process
			}
			l.adopt(fresh.RetryAfter, changes)
		}
		e.mu.Unlock()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if l.receiver.Deleted || l.receiver.Disabled {
		return nil, nil, nil, errAsleep
	}
	if l.floor.until.In(now) || l.floor.alone && l.floor.probe != work {
		return nil, nil, nil, errFloor
	}
	to := l.targets[work.Type]
	if to == nil {
		to = newTarget(l.receiver.URLFor(work.Type))
		l.targets[work.Type] = to
	}
	if !e.admit(l, work) {
		return nil, nil, nil, errCrowded
	}
	return l.receiver, to, l.signer, nil
}

// newSigner picks the secrets that sign now: the newest one, and during a
// rotation's overlap the previous one too, which then makes the Signature
// header. expires is when that changes.
func newSigner(secrets []webhook.SigningSecret, now time.Time) (signer *signature.Signer, expires time.Time) {
	var keys signature.Keys
	for _, s := range secrets {
		switch {
		case s.Ends.IsZero():
			keys.Standard = append(keys.Standard, s.Value.Key())
			if keys.Hex == nil {
				keys.Hex = s.Value.Key()
			}
		case s.Ends.After(now):
			keys.Standard = append(keys.Standard, s.Value.Key())
			keys.Hex = s.Value.Key()
			expires = s.Ends
		}
	}
	return signature.NewSigner(keys), expires
}

// end frees the place that work took in its lane and lets then say, with the
// lock held, what becomes of it.
func (e *Engine) end(l *lane, work *webhook.Work, then func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l.inFlight--
	e.room.taken[l.standing]--
	then()
	if l.floor.probe == work {
		l.floor.probe = nil
	}
	l.release(work)
	e.leave(l, work)
}

// sleep forgets a lane's queues, and the work at hand: they are on file, and
// read again when the webhook is enabled. What is in flight or not recorded
// yet stays known, so that it is not taken up twice.
func (l *lane) sleep(work *webhook.Work) {
	l.asleep, l.spilled = true, true
	l.naps++
	l.drop(work)
	for _, work := range l.held {
		l.release(work) // brings who waits behind it into the queue
	}
	for work := l.first.pop(); work != nil; work = l.first.pop() {
		l.engine.queued -= len(work.Bytes)
		l.drop(work)
	}
	for _, work := range slices.Concat(l.due, l.early, l.held) {
		l.drop(work)
	}
	l.due, l.early, l.held, l.nextDue, l.cursor = nil, nil, nil, time.Time{}, 0
	for subject, waiting := range l.busy {
		for _, work := range waiting {
			l.drop(work)
		}
		l.busy[subject] = nil
	}
	l.aside = 0
	l.timer.Stop()
}

// learn adapts the lane's window to how the receiver fares, and notes on the
// outcome what the file has to hear of the webhook's health.
func (l *lane) learn(o *webhook.Outcome) {
	if to := l.targets[o.Work.Type]; to != nil && to.named && resolved(o.Attempt) {
		l.engine.names.resolved(l.webhook, o.Attempt.At)
	}
	if o.State == webhook.Delivered {
		l.become(proven)
		if l.failures > 0 || l.doubtful || !l.health.Since.IsZero() {
			o.Recovered, l.health, l.doubtful = true, webhook.Health{}, false
		}
		l.failures = 0
		most := l.engine.opts.WebhookMaxInFlight
		if l.receiver.Limits.MaxInFlight > 0 {
			most = l.receiver.Limits.MaxInFlight
		}
		l.window = min(l.window*2, most)
		return
	}
	l.failures++
	l.become(failing)
	if l.failures >= patience {
		l.window = 1
	}
	if next := l.health.Failed(o.Attempt.At); next != l.health && counts(o.Attempt, l.engine.names.doResolve(l.webhook, o.Attempt.At)) {
		o.Failed, l.health = true, next
	}
	if o.State == webhook.Dead {
		o.Judge = l.engine.opts.DisableAfter
	}
}

// post sends one request and reads a bounded answer, all under one deadline.
// cut is true when the engine's end cut it short before anything was known.
func (e *Engine) post(work *webhook.Work, to *target, signer *signature.Signer) (answer Answer, cut bool) {
	began := e.opts.Now()
	answer.N, answer.At, answer.URL = work.Attempts+1, began, to.text
	if to.err != nil {
		answer.Error = "url_syntax: the stored URL can't be read"
		return answer, false
	}
	ctx, cancel := context.WithTimeout(e.life, e.opts.Timeout)
	defer cancel()
	response, err := e.client.Do(NewRequest(ctx, to.url, e.opts.UserAgent, signer.Sign(work.EventID, began, work.Bytes), work.Bytes))
	if err != nil {
		answer.Duration = e.opts.Now().Sub(began)
		answer.Error = Explain(err, e.opts.Timeout)
		return answer, errors.Is(context.Cause(ctx), errShutdown)
	}
	answer.Status = response.StatusCode
	if redirects(answer.Status) {
		answer.Error = "redirect: redirects are not followed" // where to is the receiver's word, and may be secret
	}
	answer.RetryAfter = ParseRetryAfter(response.Header.Get("Retry-After"), e.opts.Now())
	answer.Response, answer.Cut = readBounded(response.Body)
	_ = response.Body.Close() // the status has decided; a large request goes out whole before
	answer.Duration = e.opts.Now().Sub(began)
	return answer, false
}

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

var buffers = sync.Pool{New: func() any { return new([MaxResponse + 1]byte) }}

// readBounded reads at most [MaxResponse] bytes. cut tells that there was
// more, or that it ended early.
func readBounded(body io.Reader) (kept []byte, cut bool) {
	buffer := buffers.Get().(*[MaxResponse + 1]byte)
	defer buffers.Put(buffer)
	var n int
	var err error
	for n < len(buffer) && err == nil { // io.ReadFull has one error for both ends
		var more int
		more, err = body.Read(buffer[n:])
		n += more
	}
	if cut = !errors.Is(err, io.EOF); n > MaxResponse {
		n, cut = MaxResponse, true
	}
	if n > 0 {
		kept = bytes.Clone(buffer[:n])
	}
	return kept, cut
}

// Explain names a failed request by a code and a text, the code stable. The
// guard's refusals carry their own; nothing of the request is repeated.
func Explain(err error, timeout time.Duration) string {
	var refused interface{ ReasonCode() string }
	if errors.As(err, &refused) {
		return refused.ReasonCode() + ": " + inner(err)
	}
	return classify(err, timeout)
}

// maxError bounds the text of an error, in bytes.
const maxError = 1000

// inner strips what net/http puts in front of an error: method and URL. The rest
// is one printable line of a bounded length: a receiver's certificate, whoever
// signed it, has a say in it.
func inner(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return line(err.Error())
}

// line makes one printable line of a bounded length of a text.
func line(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "") + "…"
	}
	return text
}

// SignFor returns what signs for a receiver at a time.
func SignFor(r *webhook.Receiver, now time.Time) *signature.Signer {
	signer, _ := newSigner(r.Secrets, now)
	return signer
}
