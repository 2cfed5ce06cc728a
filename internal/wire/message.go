package wire

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"
)

// message is a request as it goes over the wire, head and body in one piece,
// so that it leaves in one packet where it fits.
type message struct{ bytes []byte }

// kept bounds the buffers that are used again, in bytes.
const kept = 16 << 10

var buffers = sync.Pool{New: func() any { return &message{make([]byte, 0, 2<<10)} }}

// newMessage writes a request down and closes its body. The length of the body
// must be known (RFC 9112, section 6.2).
func newMessage(r *http.Request) (*message, error) {
	m := buffers.Get().(*message)
	err := m.write(r)
	if r.Body != nil {
		if closed := r.Body.Close(); err == nil {
			err = closed
		}
	}
	if err != nil {
		m.free()
		return nil, err
	}
	return m, nil
}

// free gives the buffer back.
func (m *message) free() {
	if cap(m.bytes) <= kept {
		m.bytes = m.bytes[:0]
		buffers.Put(m)
	}
}

func (m *message) write(r *http.Request) error {
	at, err := placeOf(r.URL)
	if err != nil {
		return err
	}
	host := at.host
	if r.Host != "" {
		if host, err = httpguts.PunycodeHostPort(r.Host); err != nil {
			return fmt.Errorf("wire: the host %q: %w", r.Host, err)
		}
	}
	uri := Target(r.URL)
	if host == "" || r.URL.Opaque != "" || !httpguts.ValidHostHeader(host) || !strings.HasPrefix(uri, "/") || !visible(uri) || !httpguts.ValidHeaderFieldName(r.Method) {
		return fmt.Errorf("wire: %s %s at %q can't be written as a request", r.Method, uri, host)
	}
	b := m.bytes
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, uri...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, host...)
	b = append(b, "\r\n"...)
	if r.ContentLength > 0 || r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, r.ContentLength, 10)
		b = append(b, "\r\n"...)
	}
	if b, err = appendFields(b, r.Header); err != nil {
		return err
	}
	if r.Close {
		b = append(b, "Connection: close\r\n"...)
	}
	b = append(b, "\r\n"...)
	m.bytes, err = appendBody(b, r)
	return err
}

// framing are the fields that the transport writes itself.
func framing(name string) bool {
	switch name {
	case "Host", "Content-Length", "Transfer-Encoding", "Trailer", "Connection":
		return true
	}
	return false
}

// appendFields writes the header, its names in order.
func appendFields(b []byte, h http.Header) ([]byte, error) {
	var room [16]string
	names := room[:0]
	for name := range h {
		if !framing(http.CanonicalHeaderKey(name)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, fmt.Errorf("wire: %q is no name of a header field", name)
		}
		for _, value := range h[name] {
			if !httpguts.ValidHeaderFieldValue(value) {
				return nil, fmt.Errorf("wire: the value of the header field %s can't be written", name) // it may be secret
			}
			b = append(b, name...)
			b = append(b, ": "...)
			b = append(b, value...)
			b = append(b, "\r\n"...)
		}
	}
	return b, nil
}

// appendBody writes the body, which has to have the length that was said.
func appendBody(b []byte, r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		if r.ContentLength != 0 {
			return b, fmt.Errorf("wire: a request of %d bytes comes without a body", r.ContentLength)
		}
		return b, nil
	}
	if r.ContentLength < 0 {
		return b, fmt.Errorf("wire: the length of the body is not known")
	}
	head := len(b)
	b = slices.Grow(b, int(r.ContentLength))[:head+int(r.ContentLength)]
	if _, err := io.ReadFull(r.Body, b[head:]); err != nil {
		return b[:head], fmt.Errorf("wire: the body is shorter than %d bytes: %w", r.ContentLength, err)
	}
	var more [1]byte
	if n, _ := r.Body.Read(more[:]); n > 0 {
		return b[:head], fmt.Errorf("wire: the body is longer than %d bytes", r.ContentLength)
	}
	return b, nil
}

// visible reports whether a text has neither blanks nor control characters.
func visible(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] == 0x7f {
			return false
		}
	}
	return true
}
