package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"sealpost/test/judge"
)

// client publishes and remembers what it was told.
type client struct {
	url, token string
	to         []string // webhooks that want each event
	http       *http.Client

	mu   sync.Mutex
	sent []judge.Sent
}

func newClient(url, token string, to []string) *client {
	return &client{url: url, token: token, to: to, http: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
}

// publish sends one event and reports whether it was acknowledged.
func (c *client) publish() bool {
	return c.send(c.next(fmt.Sprintf(`"text":%q`, strings.Repeat("storm ", 40))))
}

// next notes an event that is about to be sent, with more members in its body,
// and returns its place.
func (c *client) next(more string) (place int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	place = len(c.sent)
	c.sent = append(c.sent, judge.Sent{ID: fmt.Sprintf("chaos-%d", place), To: c.to, Body: fmt.Appendf(nil, `{"n":%d,%s}`, place, more)})
	return place
}

// line is an event as it is published.
func (c *client) line(place int) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.sent[place]
	return fmt.Sprintf(`{"id":%q,"resource":"chaos","action":"made","body":%s}`, s.ID, s.Body)
}

// send publishes a noted event, perhaps not for the first time.
func (c *client) send(place int) bool { return c.sendTo("/api/event", place) }

func (c *client) sendTo(path string, place int) bool {
	status, err := c.do(http.MethodPost, path, c.line(place), nil)
	if err != nil || status/100 != 2 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent[place].Acknowledged = true
	return true
}

// again sends what was not acknowledged once more, as a client does that is
// not sure: under the same id.
func (c *client) again() error {
	for place, s := range c.log() {
		if !s.Acknowledged && !c.send(place) {
			return fmt.Errorf("%s was sent again and not acknowledged", s.ID)
		}
	}
	return nil
}

// load publishes with so many at a time until stop is called, which returns
// when the last answer is there.
func (c *client) load(clients int) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if !c.publish() { // nobody is there: come back a little later
					select {
					case <-time.After(10 * time.Millisecond):
					case <-done:
						return
					}
				}
			}
		})
	}
	return sync.OnceFunc(func() {
		close(done)
		wg.Wait()
	})
}

// many publishes so many events and reports how many were acknowledged.
func (c *client) many(n int) (acknowledged int) {
	for range n {
		if c.publish() {
			acknowledged++
		}
	}
	return acknowledged
}

// do makes a call, with more headers in pairs.
func (c *client) do(method, path, body string, into any, headers ...string) (status int, err error) {
	request, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.token)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(response.Body)
	if err == nil && into != nil {
		err = json.Unmarshal(text, into)
	}
	return response.StatusCode, err
}

// idle reports whether a list is empty.
func (c *client) idle(path string) (bool, error) {
	var page struct{ Data []json.RawMessage }
	status, err := c.do(http.MethodGet, path, "", &page)
	if err != nil || status != http.StatusOK {
		return false, nil // it may be starting
	}
	return len(page.Data) == 0, nil
}

func (c *client) log() []judge.Sent {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sent)
}
