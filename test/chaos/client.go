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
	http       *http.Client

	mu   sync.Mutex
	sent []judge.Sent
}

func newClient(url, token string) *client {
	return &client{url: url, token: token, http: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
}

// publish sends one event and reports whether it was acknowledged.
func (c *client) publish() bool {
	c.mu.Lock()
	place := len(c.sent)
	id := fmt.Sprintf("chaos-%d", place)
	c.sent = append(c.sent, judge.Sent{ID: id})
	c.mu.Unlock()
	body := fmt.Sprintf(`{"id":%q,"resource":"chaos","action":"made","body":{"n":%d,"text":%q}}`, id, place, strings.Repeat("storm ", 40))
	status, err := c.do(http.MethodPost, "/api/event", body, nil)
	if err != nil || status/100 != 2 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent[place].Acknowledged = true
	return true
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

func (c *client) do(method, path, body string, into any) (status int, err error) {
	request, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.token)
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
