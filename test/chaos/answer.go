package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// badAnswers are answers that no receiver should give. Each is given to the first
// attempt of a delivery, and says what that attempt is told to have ended with;
// later ones are answered 200.
var badAnswers = map[string]struct {
	give behaviour
	code string
}{
	"hangs":       {hang, "timeout"},
	"dripshead":   {onWire(func(w io.Writer) { drop(w, "HTTP/1.1 200 OK\r\nX-Drip: ", "x", 10*time.Millisecond) }), "timeout"},
	"resets":      {resets, "connection_reset"},
	"closes":      {onWire(func(io.Writer) {}), "connection_closed"},
	"cutshort":    {onWire(func(w io.Writer) { say(w, "HTTP/1.1 200 OK\r\nContent-Le") }), "connection_closed"},
	"garbage":     {onWire(func(w io.Writer) { say(w, "\x16\x03\x01 this is no HTTP\r\n\r\n") }), "bad_answer"},
	"badstatus":   {onWire(func(w io.Writer) { say(w, "HTTP/1.1 20x Hm\r\n\r\n") }), "bad_answer"},
	"lowstatus":   {onWire(func(w io.Writer) { say(w, "HTTP/1.1 042 Hm\r\n\r\n") }), "bad_answer"},
	"badfield":    {onWire(func(w io.Writer) { say(w, "HTTP/1.1 200 OK\r\n no field\r\n\r\n") }), "bad_answer"},
	"badlength":   {onWire(func(w io.Writer) { say(w, "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n") }), "bad_answer"},
	"twolengths":  {onWire(func(w io.Writer) { say(w, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n") }), "bad_answer"},
	"endlesshead": {onWire(func(w io.Writer) { flood(w, "HTTP/1.1 200 OK\r\n", "X-Storm: storm\r\n") }), "bad_answer"},
	"endlessline": {onWire(func(w io.Writer) { flood(w, "HTTP/1.1 200 ", "OK") }), "bad_answer"},
	"interim":     {onWire(func(w io.Writer) { flood(w, "", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n") }), "bad_answer"},
	"switches": {onWire(func(w io.Writer) {
		say(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
	}), "101"},
	"moved":         {redirect(http.StatusMovedPermanently), "redirect"},
	"found":         {redirect(http.StatusFound), "redirect"},
	"seeother":      {redirect(http.StatusSeeOther), "redirect"},
	"temporarily":   {redirect(http.StatusTemporaryRedirect), "redirect"},
	"forgood":       {redirect(http.StatusPermanentRedirect), "redirect"},
	"multiple":      {status(http.StatusMultipleChoices), "redirect"},
	"unauthorized":  {status(http.StatusUnauthorized, "WWW-Authenticate", "Basic"), "401"},
	"proxied":       {status(http.StatusProxyAuthRequired, "Proxy-Authenticate", "Basic"), "407"},
	"misdirected":   {status(http.StatusMisdirectedRequest), "421"},
	"tooearly":      {status(http.StatusTooEarly), "425"},
	"odd":           {status(799), "799"},
	"failslarge":    {onWire(func(w io.Writer) { flood(w, "HTTP/1.1 500 No\r\n\r\n", "storm storm ") }), "500"},
	"failsunzipped": {onWire(func(w io.Writer) { say(w, "HTTP/1.1 502 No\r\nContent-Encoding: gzip\r\n\r\nno gzip") }), "502"},
}

// oddAnswers succeed, in ways that are meant to hurt.
var oddAnswers = map[string]behaviour{
	"large":     large,
	"chunks":    onWire(func(w io.Writer) { flood(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nstorm\r\n") }),
	"drips":     drip,
	"bomb":      bomb,
	"lies":      onWire(func(w io.Writer) { say(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort") }),
	"badchunks": onWire(func(w io.Writer) { say(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n") }),
	"hints": onWire(func(w io.Writer) {
		say(w, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	}),
	"two": onWire(func(w io.Writer) { say(w, strings.Repeat("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 2)) }),
}

// took is how much of the large answer somebody took, at the most.
var took atomic.Int64

const (
	memoryMost   = 160 << 20
	unzipped     = 256 << 20
	takenAtMost  = 16 << 20 // of ten gigabytes; most of it lies in the kernel's buffers
	eventsOfEach = 4
)

func answerNames() (list []string) {
	for name := range badAnswers {
		list = append(list, name)
	}
	for name := range oddAnswers {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// answers sends the same events to receivers that answer in every bad way.
func answers(ctx context.Context, w *world) error {
	for name, bad := range badAnswers {
		w.receiver.behave(name, first(1, bad.give))
	}
	for name, odd := range oddAnswers {
		w.receiver.behave(name, odd)
	}
	gzipBomb() // it takes a while
	elsewhere.Store(w.receiver.url("elsewhere"))
	if err := w.start(ctx); err != nil {
		return err
	}
	if n := w.client.many(eventsOfEach); n != eventsOfEach {
		return fmt.Errorf("only %d of %d events were taken", n, eventsOfEach)
	}
	if err := w.rest(ctx); err != nil {
		return err
	}
	var faults []error
	for name, bad := range badAnswers {
		faults = append(faults, w.expect(name, bad.code, "delivered"))
	}
	for name := range oddAnswers {
		faults = append(faults, w.expect(name, map[bool]string{true: "204", false: "200"}[name == "hints"], "delivered"))
	}
	faults = append(faults, w.bounded(memoryMost))
	if n := w.receiver.count("elsewhere"); n > 0 {
		faults = append(faults, breach("redirect", "%d redirects were followed", n))
	}
	if n := took.Load(); n > takenAtMost {
		faults = append(faults, breach("bounded", "%d MB of an answer were read", n>>20))
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return end(ctx, w)
}

// onWire takes the connection over and speaks on it, until the other side
// has had enough.
func onWire(speak func(io.Writer)) behaviour {
	return func(_ int, w http.ResponseWriter, _ *http.Request) int {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return 0
		}
		defer conn.Close() //nolint:errcheck // it is cut in any case
		heard := &counting{Writer: conn}
		speak(heard)
		return heard.status()
	}
}

// counting remembers what was said first, and how much in all.
type counting struct {
	io.Writer
	start []byte
	total int64
}

func (c *counting) Write(p []byte) (int, error) {
	if len(c.start) < 256 {
		c.start = append(c.start, p...)
	}
	n, err := c.Writer.Write(p)
	c.total += int64(n)
	return n, err
}

// status is what was answered, if that was whole enough to be one that counts.
func (c *counting) status() int {
	start := string(c.start)
	for strings.HasPrefix(start, "HTTP/1.1 1") && !strings.HasPrefix(start, "HTTP/1.1 101") {
		_, start, _ = strings.Cut(start, "\r\n\r\n")
	}
	head, _, whole := strings.Cut(start, "\r\n\r\n")
	var code int
	if _, err := fmt.Sscanf(head, "HTTP/1.1 %d", &code); err != nil || !whole || code < 101 || strings.Contains(head, "no field") || strings.Contains(head, "-5") ||
		strings.Count(head, "Content-Length") > 1 {
		return 0
	}
	return code
}

func say(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

// flood says something again and again.
func flood(w io.Writer, before, text string) {
	say(w, before)
	for again, err := strings.Repeat(text, 100), error(nil); err == nil; {
		_, err = io.WriteString(w, again)
	}
}

// drop says something again and again, slowly.
func drop(w io.Writer, before, text string, every time.Duration) {
	say(w, before)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for err := error(nil); err == nil; <-tick.C {
		_, err = io.WriteString(w, text)
	}
}

// resets cuts the connection so that the other side's reading fails.
func resets(_ int, w http.ResponseWriter, _ *http.Request) int {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	return 0
}

// elsewhere is where redirects lead.
var elsewhere atomic.Value

func redirect(code int) behaviour {
	return func(n int, w http.ResponseWriter, r *http.Request) int {
		return status(code, "Location", elsewhere.Load().(string))(n, w, r)
	}
}

// large answers with ten gigabytes.
func large(_ int, w http.ResponseWriter, _ *http.Request) int {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return 0
	}
	defer conn.Close() //nolint:errcheck // it is cut in any case
	heard := &counting{Writer: conn}
	flood(heard, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 10<<30), "storm storm storm ")
	for before := took.Load(); heard.total > before && !took.CompareAndSwap(before, heard.total); before = took.Load() {
	}
	return http.StatusOK
}

// gzipBomb is a gigabyte, zipped.
var gzipBomb = sync.OnceValue(func() []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	zeros := make([]byte, 1<<20)
	for range unzipped / len(zeros) {
		_, _ = w.Write(zeros)
	}
	_ = w.Close()
	return out.Bytes()
})

func bomb(_ int, w http.ResponseWriter, _ *http.Request) int {
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(gzipBomb())
	return http.StatusOK
}
