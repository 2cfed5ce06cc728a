package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sealpost/test/judge"
)

// Bounds are the promises that a tenant can't take what the others need.
const Bounds judge.Rule = "bounds"

// The bounds of the hostile scenario, small so that they are reached soon.
const (
	hostilePending     = 40
	hostileWebhooks    = 12
	hostileHeld        = 15
	hostileBytes       = 200_000
	hostileConnections = 64
	hostileMemory      = 300 << 20 // bytes; the daemon needs a tenth of it when nobody is hostile
)

// stranger is a tenant who means harm, with an organization and receivers of its
// own.
type stranger struct {
	*client
	w        *world
	hang     string // URL of a receiver that never answers
	gone     string // URL of one that answers 410
	fails    string // URL of one that answers 500
	takes    string // URL of one that answers 200
	attempts atomic.Int64
}

// hostile has one tenant try everything that costs others, while another one
// publishes. It judges counts: which calls were refused, what is on file, how
// much memory the daemon took. The tenant who publishes loses nothing.
func hostile(ctx context.Context, w *world) error {
	w.env = append(w.env,
		"SEALPOST_MAX_CONNECTIONS="+strconv.Itoa(hostileConnections), "SEALPOST_PROVIDER_PANDA_SECRET=key-of-the-provider-0123456789",
		"SEALPOST_LIMITS_WEBHOOKS="+strconv.Itoa(hostileWebhooks), "SEALPOST_LIMITS_HELD="+strconv.Itoa(hostileHeld))
	s, done, err := newStranger(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	if err := w.start(ctx); err != nil {
		return err
	}
	stop := w.client.load(2)
	defer stop()
	for _, attack := range []struct {
		name string
		try  func(context.Context) error
	}{
		{"parked work", s.parked}, {"webhooks", s.webhooks}, {"fan-out", s.fanOut}, {"held events", s.heldEvents}, {"stored bytes", s.storedBytes},
		{"reads", s.reads}, {"retries by hand", s.retries}, {"bodies without credentials", s.bodies}, {"idle connections", s.idleConnections},
	} {
		before := w.client.acknowledged()
		if err := attack.try(ctx); err != nil {
			return fmt.Errorf("%s: %w", attack.name, err)
		}
		if err := until(ctx, patience, func() (bool, error) { return w.client.acknowledged() > before, nil }); err != nil {
			return breach(Bounds, "%s: after it the other tenant can't publish any more", attack.name)
		}
	}
	stop()
	if peak, err := peakMemory(w.daemon.Process.Pid); err != nil || peak > hostileMemory {
		return breach(Bounds, "the daemon took %d bytes at its peak (%v)", peak, err)
	}
	if err := w.json(ctx, nil, "org", "delete", "stranger", "-y", "--cancel"); err != nil { // so that nothing of it is pending
		return err
	}
	return end(ctx, w)
}

func newStranger(ctx context.Context, w *world) (s *stranger, done func(), err error) {
	s = &stranger{w: w}
	answer := func(status int) string {
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the caller has gone
			if s.attempts.Add(1); status == 0 {
				hang(0, rw, r)
				return
			}
			rw.WriteHeader(status)
		}))
		old := done
		done = func() {
			server.CloseClientConnections()
			server.Close()
			if old != nil {
				old()
			}
		}
		return server.URL
	}
	s.hang, s.gone, s.fails, s.takes = answer(0), answer(http.StatusGone), answer(http.StatusInternalServerError), answer(http.StatusOK)
	var made struct{ Token string }
	for _, args := range [][]string{
		{"org", "create", "stranger"},
		{"org", "limits", "stranger", "--pending", strconv.Itoa(hostilePending), "--stored-bytes", strconv.Itoa(hostileBytes)},
	} {
		if err := w.json(ctx, nil, args...); err != nil {
			return nil, done, err
		}
	}
	if err := w.json(ctx, &made, "token", "create", "stranger", "--org", "stranger"); err != nil {
		return nil, done, err
	}
	w.others = map[string]bool{}
	s.client = newClient("http://"+w.address, made.Token, nil)
	return s, done, nil
}

// call makes one call and returns the status and the error code of the answer.
func (s *stranger) call(method, path, body string) (status int, code string, err error) {
	var answer json.RawMessage
	if status, err = s.do(method, path, body, &answer); err != nil {
		return 0, "", fmt.Errorf("%s %s: %w", method, path, err)
	}
	var problem struct{ Code string }
	_ = json.Unmarshal(answer, &problem) // a list has no code
	return status, problem.Code, nil
}

// flood makes n calls and counts those that were taken. All others must have
// been refused with 429 and a code.
func (s *stranger) flood(n int, code string, call func(i int) (method, path, body string)) (taken int, err error) {
	for i := range n {
		method, path, body := call(i)
		status, got, err := s.call(method, path, body)
		switch {
		case err != nil:
			return taken, err
		case status/100 == 2:
			taken++
		case status != http.StatusTooManyRequests || got != code:
			return taken, breach(Bounds, "%s %s is answered with %d %q", method, path, status, got)
		}
	}
	return taken, nil
}

func (s *stranger) webhook(name, url string) error {
	s.w.others[name] = true
	if status, code, err := s.call("PUT", "/api/webhook/"+name, fmt.Sprintf(`{"url":%q}`, url)); err != nil || status/100 != 2 {
		return fmt.Errorf("PUT %s: %d %s %w", name, status, code, err)
	}
	return nil
}

func (s *stranger) remove(names ...string) error {
	for _, name := range names {
		if status, code, err := s.call("DELETE", "/api/webhook/"+name, ""); err != nil || status/100 != 2 {
			return fmt.Errorf("DELETE %s: %d %s %w", name, status, code, err)
		}
	}
	return nil
}

func event(id, more string) string {
	return fmt.Sprintf(`{"id":%q,"resource":"hostile","action":"made","body":{"text":%q}}`, id, more)
}

// parked has a receiver say 410, and goes on publishing: what is parked for it
// must not keep the organization's own events out.
func (s *stranger) parked(ctx context.Context) error {
	if err := s.webhook("gone", s.gone); err != nil {
		return err
	}
	if _, _, err := s.call("POST", "/api/event", event("gone-first", "")); err != nil {
		return err
	}
	if err := until(ctx, patience, func() (bool, error) {
		var shown struct{ Enabled *bool }
		_, err := s.do("GET", "/api/webhook/gone", "", &shown)
		return shown.Enabled != nil && !*shown.Enabled, err
	}); err != nil {
		return fmt.Errorf("410 does not disable: %w", err)
	}
	taken, err := s.flood(2*hostilePending, "limit reached", func(i int) (string, string, string) {
		return "POST", "/api/event", event(fmt.Sprintf("parked-%d", i), "")
	})
	if err == nil && taken != 2*hostilePending {
		err = breach(Bounds, "one disabled webhook keeps its organization from publishing: %d of %d events taken", taken, 2*hostilePending)
	}
	if err != nil {
		return err
	}
	if err := s.webhook("takes", s.takes); err != nil {
		return err
	}
	if status, code, err := s.call("POST", "/api/event", event("beside-parked", "")); err != nil || status != http.StatusAccepted {
		return breach(Bounds, "beside one disabled webhook an event for another one is answered with %d %q %v", status, code, err)
	}
	return s.remove("gone", "takes")
}

// webhooks makes more webhooks than there may be.
func (s *stranger) webhooks(context.Context) error {
	taken, err := s.flood(2*hostileWebhooks, "limit reached", func(i int) (string, string, string) {
		s.w.others[fmt.Sprintf("many-%d", i)] = true
		return "POST", fmt.Sprintf("/api/webhook/many-%d", i), fmt.Sprintf(`{"url":%q}`, s.hang)
	})
	if err == nil && taken != hostileWebhooks {
		err = breach(Bounds, "%d webhooks were taken, the bound is %d", taken, hostileWebhooks)
	}
	return err
}

// fanOut publishes to all of those webhooks, none of which ever answers.
func (s *stranger) fanOut(context.Context) error {
	taken, err := s.flood(20, "limit reached", func(i int) (string, string, string) {
		return "POST", "/api/event", event(fmt.Sprintf("fan-%d", i), "")
	})
	if err == nil && taken != hostilePending/hostileWebhooks {
		err = breach(Bounds, "%d events with %d deliveries each were taken; %d may be pending", taken, hostileWebhooks, hostilePending)
	}
	if err != nil {
		return err
	}
	for i := range hostileWebhooks {
		if err := s.remove(fmt.Sprintf("many-%d", i)); err != nil {
			return err
		}
	}
	return nil
}

// heldEvents has more events wait for receipts than there may be.
func (s *stranger) heldEvents(context.Context) error {
	taken, err := s.flood(2*hostileHeld, "limit reached", func(i int) (string, string, string) {
		return "POST", "/api/event?receipt=await", event(fmt.Sprintf("held-%d", i), "")
	})
	if err == nil && taken != hostileHeld {
		err = breach(Bounds, "%d events are held, the bound is %d", taken, hostileHeld)
	}
	return err
}

// storedBytes fills the file with events that nobody wants.
func (s *stranger) storedBytes(context.Context) error {
	const size = 5000
	text := strings.Repeat("x", size)
	taken, err := s.flood(3*hostileBytes/size, "limit reached", func(i int) (string, string, string) {
		return "POST", "/api/event", event(fmt.Sprintf("bytes-%d", i), text)
	})
	if err == nil && taken*size > hostileBytes {
		err = breach(Bounds, "%d bytes were taken, the bound is %d", taken*size, hostileBytes)
	}
	if err != nil {
		return err
	}
	return s.w.json(context.Background(), nil, "org", "limits", "stranger", "--stored-bytes", "0")
}

// reads asks for many lists at a time. Each is answered, or refused with 429.
func (s *stranger) reads(context.Context) error {
	var wg sync.WaitGroup
	var wrong atomic.Value
	for range 24 {
		wg.Go(func() {
			if status, code, err := s.call("GET", "/api/event?state=held&limit=1", ""); err != nil || status != http.StatusOK && status != http.StatusTooManyRequests {
				wrong.Store(fmt.Sprintf("%d %s %v", status, code, err))
			}
		})
	}
	wg.Wait()
	if said := wrong.Load(); said != nil {
		return breach(Bounds, "a list is answered with %s", said)
	}
	return nil
}

// retries makes one delivery due by hand, again and again.
func (s *stranger) retries(ctx context.Context) error {
	if err := s.webhook("fails", s.fails); err != nil {
		return err
	}
	if status, code, err := s.call("POST", "/api/event", event("retried", "")); err != nil || status != http.StatusAccepted {
		return fmt.Errorf("publishing: %d %s %w", status, code, err)
	}
	var page struct{ Data []struct{ ID string } }
	if _, err := s.do("GET", "/api/delivery?event=retried", "", &page); err != nil || len(page.Data) != 1 {
		return fmt.Errorf("%+v %w", page, err)
	}
	if err := until(ctx, patience, func() (bool, error) { return s.attempts.Load() > 0, nil }); err != nil {
		return err
	}
	before, began := s.attempts.Load(), time.Now()
	for range 200 {
		if status, code, err := s.call("POST", "/api/delivery/"+page.Data[0].ID+"/retry", ""); err != nil || status/100 != 2 {
			return fmt.Errorf("retry: %d %s %w", status, code, err)
		}
	}
	// By hand one attempt a second, and those of the schedule.
	most := int64(time.Since(began)/time.Second) + 2 + int64(policy.Attempts)
	if made := s.attempts.Load() - before; made > most {
		return breach(Bounds, "200 retries by hand made %d attempts in %s", made, time.Since(began))
	}
	return s.remove("fails")
}

// bodies begins many requests with large bodies and no credentials, and leaves
// them unfinished.
func (s *stranger) bodies(context.Context) error {
	const announced, sent = 1 << 20, 900 << 10
	var open []net.Conn
	defer func() {
		for _, conn := range open {
			_ = conn.Close()
		}
	}()
	for i := range hostileConnections / 2 {
		conn, err := net.Dial("tcp", s.w.address)
		if err != nil {
			return err
		}
		open = append(open, conn)
		path := []string{"/hooks/panda", "/api/event", "/api/webhook"}[i%3]
		_ = conn.SetDeadline(time.Now().Add(patience))
		// What is refused before it is read may end the connection while this writes.
		_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, announced)
		_, _ = conn.Write(make([]byte, sent))
	}
	return nil
}

// idleConnections opens connections and says nothing.
func (s *stranger) idleConnections(context.Context) error {
	var open []net.Conn
	defer func() {
		for _, conn := range open {
			_ = conn.Close()
		}
	}()
	for range 2 * hostileConnections {
		conn, err := net.Dial("tcp", s.w.address)
		if err != nil {
			return err
		}
		open = append(open, conn)
	}
	fresh := newClient("http://"+s.w.address, s.w.token, s.w.client.to)
	defer fresh.http.CloseIdleConnections()
	fresh.http.Timeout = time.Minute
	if status, err := fresh.do(http.MethodGet, "/api/webhook", "", nil); err != nil || status != http.StatusOK {
		return breach(Bounds, "beside %d idle connections a new client gets %d %v", len(open), status, err)
	}
	return nil
}

// acknowledged counts the events that the client was told to be stored.
func (c *client) acknowledged() (n int) {
	for _, s := range c.log() {
		if s.Acknowledged {
			n++
		}
	}
	return n
}

var peakLine = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakMemory is the most memory that a process has had, in bytes.
func peakMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	found := peakLine.FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("no peak in %s", slices.Compact(text))
	}
	kilobytes, err := strconv.ParseInt(string(found[1]), 10, 64)
	return kilobytes << 10, err
}
