//go:build unix

package wire

import (
	"errors"
	"net"
	"syscall"
)

// quiet reports whether a connection that is not in use still stands and has
// nothing to say: an end, an alert or an answer that nobody asked for all make it
// unfit for the next request. Nothing is taken from it.
func quiet(c net.Conn) bool {
	dialled, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := dialled.SyscallConn()
	if err != nil {
		return false
	}
	var state error
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, state = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true
	})
	return err == nil && (errors.Is(state, syscall.EAGAIN) || errors.Is(state, syscall.EWOULDBLOCK))
}
