package deliver_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// TestBoundOfAHost: however many webhooks of how many organizations lead to a host and
// port, and however they spell it, no more requests than allowed are under way to it.
// An organization with many of them leaves room to another one, everything arrives, and
// other hosts are not held up.
func TestBoundOfAHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bound, many = 8, 60
		c := newCrowd(false)
		w := newWorld(t, deliver.Options{Policy: exact(), MaxPerHost: bound}, func(r *http.Request, _ int) (int, http.Header, error) {
			c.mu.Lock()
			key := r.URL.Path
			c.open["all"]++
			c.most["all"] = max(c.most["all"], c.open["all"])
			c.most[key]++
			c.mu.Unlock()
			defer func() {
				c.mu.Lock()
				c.open["all"]--
				c.mu.Unlock()
			}()
			if key != "/elsewhere" {
				pass(10 * time.Second)
			}
			return http.StatusOK, nil, nil
		})
		defer w.close()
		add := func(org, name, url string) {
			if err := w.store.CreateWebhook(t.Context(), org, webhook.Config{Name: name, URL: url}, secret.Generate(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		for n := range many {
			add("acme", fmt.Sprint("hook-", n), []string{"https://shared.example.com/many", "https://SHARED.example.com:443/many", "https://shared.example.com./many"}[n%3])
		}
		add("globex", "one", "https://shared.example.com/few")
		add("globex", "elsewhere", "https://other.example.com/elsewhere")
		send := func(org, id string) {
			draft, err := webhook.NewDraft("order.paid", []byte(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			draft.ID = id
			if _, err := w.store.Publish(t.Context(), []webhook.Publication{{Organization: org, Draft: draft, At: time.Now()}}); err != nil {
				t.Fatal(err)
			}
		}
		const events = 4
		for n := range events {
			send("acme", fmt.Sprint("acme-", n))
		}
		pass(time.Second)
		send("globex", "globex-0")
		pass(time.Second)
		c.mu.Lock()
		if c.most["/elsewhere"] != 1 {
			t.Errorf("%d requests came to another host", c.most["/elsewhere"])
		}
		c.mu.Unlock()
		pass(25 * time.Second)
		c.mu.Lock()
		if c.most["/few"] != 1 {
			t.Errorf("%d requests of the organization with one webhook came in time", c.most["/few"])
		}
		c.mu.Unlock()
		pass(2 * time.Hour)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.most["all"] > bound || c.most["all"] < bound/2 {
			t.Errorf("%d requests were under way at a time, of %d that may be", c.most["all"], bound)
		}
		if c.most["/many"] != many*events {
			t.Errorf("%d of %d requests came", c.most["/many"], many*events)
		}
	})
}
