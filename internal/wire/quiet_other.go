//go:build !unix

package wire

import (
	"errors"
	"net"
	"os"
	"time"
)

// quiet reports whether a connection that is not in use still stands and has
// nothing to say. Where the kernel can't be asked without waiting, a read waits
// for a moment; whatever comes makes the connection unfit for the next request.
func quiet(c net.Conn) bool {
	if err := c.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return false
	}
	var one [1]byte
	_, err := c.Read(one[:])
	return errors.Is(err, os.ErrDeadlineExceeded) && c.SetReadDeadline(time.Time{}) == nil
}
