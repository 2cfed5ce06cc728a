package listen

import (
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"
)

// dripEvery is the time between two bytes of a dripping answer.
const dripEvery = 200 * time.Millisecond

// answer answers as planned, or with what the forward target said.
func answer(w http.ResponseWriter, r *http.Request, a Answer, from *reply) {
	if a.Delay > 0 && !wait(r, a.Delay) {
		panic(http.ErrAbortHandler) // or the server would answer 200 to a sender that has left
	}
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(writeLimit)) // only a connection that has gone refuses
	switch a.Fault {
	case "":
		plain(w, a, from)
	case FaultHang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case FaultDrip:
		drip(w, r, control)
	case FaultCut:
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "this answer ends before it")
		_ = control.Flush()
		panic(http.ErrAbortHandler)
	default:
		raw(control, a.Fault)
	}
}

func plain(w http.ResponseWriter, a Answer, from *reply) {
	if from != nil {
		maps.Copy(w.Header(), from.headers)
		w.WriteHeader(from.status)
		_, _ = w.Write(from.body) //nolint:gosec // the answer of the user's own app, passed back; a sender that has left is no fault of ours
		return
	}
	if a.RetryAfter >= 0 {
		w.Header().Set("Retry-After", strconv.Itoa(a.RetryAfter))
	}
	w.WriteHeader(a.Status)
	if a.Status != http.StatusNoContent && a.Status != http.StatusResetContent && a.Status != http.StatusNotModified {
		_, _ = io.WriteString(w, http.StatusText(a.Status)+"\n")
	}
}

// drip sends a byte now and then until somebody has had enough.
func drip(w http.ResponseWriter, r *http.Request, control *http.ResponseController) {
	w.WriteHeader(http.StatusOK)
	for {
		_ = control.SetWriteDeadline(time.Now().Add(writeLimit))
		if _, err := io.WriteString(w, "."); err != nil || control.Flush() != nil || !wait(r, dripEvery) {
			panic(http.ErrAbortHandler)
		}
	}
}

// raw takes the connection out of the server's hands. The connection must be a
// TCP one, plain or under TLS, for a reset to be one.
func raw(control *http.ResponseController, fault string) {
	conn, _, err := control.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // it is closed all the same
	}
	defer conn.Close() //nolint:errcheck // it is thrown away
	switch fault {
	case FaultGarbage:
		_, _ = io.WriteString(conn, "\x00\xff this is not HTTP \x00\r\n\r\n")
	case FaultReset:
		under := conn
		if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
			under = secure.NetConn()
		}
		if tcp, ok := under.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = under.Close()
	}
}

// wait waits; it reports false when the sender left or the server ends.
func wait(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
