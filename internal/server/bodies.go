package server

import (
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"sealpost/internal/webhook"
)

// DefaultBodies bounds the bodies of requests in memory, in bytes, over all clients.
const DefaultBodies = 32 << 20

// How the budget treats clients once it is used up.
const (
	stalled      = 200 * time.Millisecond // a body whose next piece takes longer gives way to others
	bodyPatience = 2 * time.Second        // how long a request waits for room
	maxWaiting   = 64                     // requests that wait for room at a time; further ones are refused at once
)

// errBusy refuses a request because the bodies of others fill the memory that
// there is for them, or because its own came too slowly meanwhile.
var errBusy = webhook.Errorf(webhook.CodeUnavailable, "the bodies of requests fill the memory that is set aside for them").
	WithHint("try again; the setting request_memory is the bound").For(webhook.ReasonMemory)

// bodies is the daemon's one budget for request bodies.
//
// A request takes room for the next piece of its body before it reads the piece,
// and gives all of it back at the end of its answer. So what clients announce
// costs nothing, only what they send. Who finds no room
// takes it from the client whose next piece takes longest, once that is
// stalled; otherwise the request waits, and is refused when its patience is over.
// When requests that wait hold all that is used, nothing would come free: the
// one that began to wait last is refused at once, for the others' sake.
type bodies struct {
	most int // bytes
	log  *slog.Logger

	mu      sync.Mutex
	held    int                   // bytes
	leaving int                   // of them, held by those that were cut and have not noticed yet
	reading map[*reading]struct{} // those that wait for their client
	waiting []*reading            // those that wait for room, in order
	freed   chan struct{}         // closed when there is more room
	told    time.Time             // when the log was last told
}

func newBodies(most int, log *slog.Logger) *bodies {
	if most == 0 {
		most = DefaultBodies
	}
	return &bodies{most: most, log: log, reading: map[*reading]struct{}{}, freed: make(chan struct{})}
}

// reading is the body of one request.
type reading struct {
	budget *bodies
	cut    func()    // ends a read that is under way
	held   int       // bytes
	since  time.Time // when it began to wait for the next piece
	gone   bool      // it was cut
}

// room is how much of the budget a reading may fill. Its last quarter is for first
// pieces: small bodies have room however many large ones there are.
func (b *bodies) room(r *reading) int {
	if r.held > 0 {
		return b.most - b.most/4
	}
	return b.most
}

// take has a reading hold n more bytes.
func (b *bodies) take(r *reading, n int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.room(r) {
		return errBusy
	}
	delete(b.reading, r)
	for began := (time.Time{}); b.held+n > b.room(r); {
		if r.gone {
			return errBusy
		}
		now := time.Now()
		if began.IsZero() {
			if began = now; len(b.waiting) >= maxWaiting {
				return b.refuse(now)
			}
			b.waiting = append(b.waiting, r)
			defer b.leave(r)
		}
		until := began.Add(bodyPatience)
		if !now.Before(until) {
			return b.refuse(now)
		}
		if ripe := b.makeRoom(b.held-b.leaving+n-b.room(r), now); ripe.Before(until) {
			until = ripe
		}
		if b.stuck(r) {
			return b.refuse(now)
		}
		b.wait(until.Sub(now))
	}
	if r.gone {
		return errBusy
	}
	b.held, r.held, r.since = b.held+n, r.held+n, time.Now()
	b.reading[r] = struct{}{}
	return nil
}

// makeRoom cuts stalled readings, the slowest first, until n bytes will be free. It
// returns when the next one is stalled if that is not enough.
func (b *bodies) makeRoom(n int, now time.Time) (ripe time.Time) {
	for n > 0 {
		slowest := b.slowest()
		if slowest == nil {
			break
		}
		if ripe = slowest.since.Add(stalled); now.Before(ripe) {
			return ripe
		}
		n -= slowest.held
		b.drop(slowest)
	}
	return now.Add(bodyPatience)
}

// slowest is the reading that has waited longest for its client's next piece.
func (b *bodies) slowest() (slowest *reading) {
	for r := range b.reading {
		if slowest == nil || r.since.Before(slowest.since) {
			slowest = r
		}
	}
	return slowest
}

func (b *bodies) drop(r *reading) {
	r.gone = true
	b.leaving += r.held
	delete(b.reading, r)
	r.cut()
}

// leave takes a reading from those that wait for room.
func (b *bodies) leave(r *reading) {
	b.waiting = slices.DeleteFunc(b.waiting, func(other *reading) bool { return other == r })
}

// stuck reports whether all that is held is held by readings that wait, and r is the last
// of them.
func (b *bodies) stuck(r *reading) bool {
	held, last := 0, (*reading)(nil)
	for _, w := range b.waiting {
		if held += w.held; w.held > 0 {
			last = w
		}
	}
	return last == r && held == b.held
}

// wait lets go of the lock until there is more room, or time is up.
func (b *bodies) wait(most time.Duration) {
	freed := b.freed
	b.mu.Unlock()
	timer := time.NewTimer(most)
	select {
	case <-freed:
	case <-timer.C:
	}
	timer.Stop()
	b.mu.Lock()
}

// refuse tells the log, once a minute at most.
func (b *bodies) refuse(now time.Time) error {
	if now.Sub(b.told) >= time.Minute {
		b.told = now
		b.log.Warn("the bodies of requests fill the memory that is set aside for them: requests are refused", slog.Int("bytes", b.held), slog.Int("request_memory", b.most))
	}
	return errBusy
}

// give gives back n bytes of a reading's.
func (b *bodies) give(r *reading, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free(r, n)
}

func (b *bodies) free(r *reading, n int) {
	if n == 0 {
		return
	}
	b.held -= n
	r.held -= n
	if r.gone {
		b.leaving -= n
	}
	if len(b.waiting) > 0 {
		close(b.freed)
		b.freed = make(chan struct{})
	}
}

// ended says that a reading does not wait for its client any more. It reports
// whether it was cut.
func (b *bodies) ended(r *reading) (cut bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.reading, r)
	return r.gone
}

// release gives back all that a reading holds. Afterwards nobody cuts it.
func (b *bodies) release(r *reading) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.reading, r)
	b.free(r, r.held)
}

// all reads a body of at most so many bytes; length is what it says of itself, or -1. Each
// piece is also written to seen, unless that is nil.
func (r *reading) all(body io.Reader, length int64, most int, seen io.Writer) ([]byte, error) {
	end := most + 1 // one byte more than there may be, so that the end is found without growing
	if length >= 0 && length < int64(most) {
		end = int(length) + 1
	}
	size := min(end, firstPiece)
	if err := r.budget.take(r, size); err != nil {
		return nil, err
	}
	text := make([]byte, 0, size)
	for {
		n, err := body.Read(text[len(text):cap(text)])
		if seen != nil {
			_, _ = seen.Write(text[len(text) : len(text)+n]) // a hash
		}
		text = text[:len(text)+n]
		switch {
		case len(text) > most:
			r.budget.ended(r)
			return nil, tooLarge(most)
		case err == io.EOF: //nolint:errorlint // readers return it as it is
			r.budget.ended(r)
			return text, nil
		case err != nil:
			if r.budget.ended(r) {
				return nil, errBusy
			}
			return nil, webhook.Errorf(webhook.CodeBadRequest, "the body could not be read whole")
		case len(text) == cap(text):
			if text, err = r.grow(text, nextPiece(cap(text), end)); err != nil {
				return nil, err
			}
		}
	}
}

// nextPiece is how much room follows on a size: all that may come, when the step after that
// would be a small one.
func nextPiece(size, end int) int {
	if size *= growth; size < end/2 {
		return size
	}
	return max(end, size/growth+1)
}

// grow moves what has come to a larger place.
func (r *reading) grow(text []byte, size int) ([]byte, error) {
	if err := r.budget.take(r, size); err != nil {
		return nil, err
	}
	grown := append(make([]byte, 0, size), text...)
	r.budget.give(r, cap(text))
	return grown, nil
}

// exchange is a request and its answer.
type exchange struct {
	http.ResponseWriter
	reading    reading
	connection *connection // nil: connections have no bound
	working    bool        // see work
	turn       *turn       // of a read; nil for others
}

// Unwrap serves [http.ResponseController].
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// cut ends a read of the body that is under way.
func (x *exchange) cut() {
	_ = http.NewResponseController(x.ResponseWriter).SetReadDeadline(time.Now().Add(-time.Second)) // without deadlines it ends by itself
}
