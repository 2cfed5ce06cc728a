package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// conn is a connection to a receiver. One exchange at a time uses it.
type conn struct {
	transport *Transport
	place     place
	raw       net.Conn // what was dialled
	stream    net.Conn // what is spoken on: raw, or TLS over it
	reader    *bufio.Reader
	left      int64     // bytes that may still be read; bounds an answer's header
	broken    error     // why nothing can be read any more
	born      time.Time // when it was made
	since     time.Time // when it became idle
}

func newConn(t *Transport, at place, raw, stream net.Conn) *conn {
	c := &conn{transport: t, place: at, raw: raw, stream: stream, born: time.Now()}
	c.reader = bufio.NewReader(c)
	return c
}

// Read reads from the stream, within what is left.
func (c *conn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.stream.Read(p)
	c.left -= int64(n)
	if err != nil {
		c.broken = err
	}
	return n, err
}

// close ends the connection at once: TLS's farewell could block.
func (c *conn) close() { _ = c.raw.Close() }

// quiet reports whether a connection that is not in use still stands and has
// nothing to say, neither on the socket nor in what TLS took from it along with the
// last answer: it reads ahead, past the record that it was asked for.
func (c *conn) quiet() bool {
	if !quiet(c.raw) {
		return false
	}
	if c.stream == c.raw {
		return true
	}
	if err := c.stream.SetReadDeadline(time.Unix(1, 0)); err != nil { // so that the socket is left alone
		return false
	}
	var one [1]byte
	_, err := c.stream.Read(one[:])
	return errors.Is(err, os.ErrDeadlineExceeded) && c.stream.SetReadDeadline(time.Time{}) == nil
}

// exchange writes a request and reads the head of its answer.
func (c *conn) exchange(r *http.Request, m *message) (*http.Response, error) {
	ctx := r.Context()
	x := &exchange{Context: ctx, conn: c, stop: context.AfterFunc(ctx, c.close)}
	x.sent = c.send(m)
	response, err := c.answer(r)
	if err != nil {
		failed := x.sent.err() // before the closing makes it fail as well
		x.end(false)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if failed != nil && !alerted(err) { // an alert tells why the other side hung up
			err = failed // which is why there is no answer
		}
		return nil, err
	}
	x.status = response.StatusCode
	x.reusable = !r.Close && !response.Close && response.StatusCode != http.StatusSwitchingProtocols
	if response.Body == http.NoBody {
		x.end(true)
		return response, nil
	}
	response.Body = &body{exchange: x, content: response.Body}
	return response, nil
}

// answer reads the head of an answer, past interim ones (RFC 9110, section 15.2).
func (c *conn) answer(r *http.Request) (*http.Response, error) {
	c.left = c.transport.MaxHeader
	for {
		response, err := http.ReadResponse(c.reader, r)
		switch {
		case err != nil && c.left <= 0:
			return nil, &BadAnswerError{fmt.Errorf("the answer's header exceeded %d bytes", c.transport.MaxHeader)}
		case err != nil && errors.Is(c.broken, io.EOF):
			return nil, io.ErrUnexpectedEOF // whatever sense the beginning makes
		case err != nil && c.broken != nil:
			return nil, c.broken
		case err != nil:
			return nil, &BadAnswerError{errors.New(nature(err))}
		case response.StatusCode < 100:
			return nil, &BadAnswerError{fmt.Errorf("malformed HTTP status code %03d", response.StatusCode)}
		}
		if interim := response.StatusCode < 200; !interim || response.StatusCode == http.StatusSwitchingProtocols {
			c.left = math.MaxInt64 // the body is bounded by who reads it
			return response, nil
		}
	}
}

// nature says what is wrong with an answer without a word of the answer's own,
// which net/http likes to quote: this goes into logs, and who repeats what it
// was sent has the request in its answer.
func nature(err error) string {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "net/"), "http: ")
	if own := strings.IndexAny(text, "\":;"); own >= 0 {
		text = text[:own]
	}
	return strings.TrimSpace(text)
}

// BadAnswerError is an answer that is no HTTP, or too much of it.
type BadAnswerError struct{ cause error }

func (e *BadAnswerError) Error() string { return "wire: " + e.cause.Error() }

// Unwrap returns what is wrong with it.
func (e *BadAnswerError) Unwrap() error { return e.cause }

// ReasonCode is the code under which attempts tell of it.
func (*BadAnswerError) ReasonCode() string { return "bad_answer" }

// sending is what became of a request on its way out.
type sending struct {
	failure error
	done    chan struct{} // nil when it is done
}

// send writes a request. What fits the kernel's buffers is simply written; a
// larger one is written beside the reading, since a receiver may answer
// without having read it all.
func (c *conn) send(m *message) *sending {
	s := &sending{}
	if len(m.bytes) <= kept {
		_, s.failure = c.stream.Write(m.bytes)
		m.free()
		return s
	}
	s.done = make(chan struct{})
	go func() {
		defer close(s.done)
		_, s.failure = c.stream.Write(m.bytes)
	}()
	return s
}

// err returns why sending failed, once it has.
func (s *sending) err() error {
	if s.finished() {
		return s.failure
	}
	return nil
}

func (s *sending) finished() bool {
	if s.done == nil {
		return true
	}
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// exchange is one request and its answer on a connection.
type exchange struct {
	context.Context
	conn     *conn
	stop     func() bool // calls the deadline off; false when it has struck
	sent     *sending
	status   int // 0 while there is no answer
	reusable bool
	over     bool
}

// end gives the connection back when whole tells that the answer was read to
// its end and nothing speaks against it, and closes it otherwise.
func (x *exchange) end(whole bool) {
	if x.over {
		return
	}
	x.over = true
	x.settle(whole)
	inTime := x.stop()
	if whole && inTime && x.reusable && x.sent.finished() && x.sent.failure == nil && x.conn.reader.Buffered() == 0 {
		x.conn.transport.put(x.conn)
		return
	}
	x.conn.close()
}

// settle lets a request go out whole that was promised success before: many
// answer first and read then, and closing would take from them what they said they
// have. Who hangs up instead, or never reads, wants no more of it: the promise stands.
func (x *exchange) settle(whole bool) {
	if x.status < 200 || x.status > 299 || x.sent.finished() {
		return
	}
	if !whole {
		go func() { _, _ = io.CopyN(io.Discard, x.conn.stream, spill) }() // who echoes waits to be read; ends with the connection
	}
	<-x.sent.done // or the deadline, which closes the connection
}

// spill bounds what is read of an answer nobody wants more of, in bytes.
const spill = 8 << 20

// body is an answer's body. Reading it to the end gives the connection back;
// closing it before closes the connection.
type body struct {
	exchange *exchange
	content  io.ReadCloser
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.content.Read(p)
	if err != nil {
		if !errors.Is(err, io.EOF) && b.exchange.Err() != nil {
			err = context.Cause(b.exchange)
		}
		b.exchange.end(errors.Is(err, io.EOF))
	}
	return n, err
}

func (b *body) Close() error {
	b.exchange.end(false)
	return nil
}
