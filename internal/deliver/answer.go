package deliver

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// MaxResponse is how much of an answer's body is read, in bytes.
const MaxResponse = 64 << 10

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
