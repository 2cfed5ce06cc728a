package deliver_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestPersonEndsThePauseOnceASecond: whoever ends a pause in a loop, by one way or by
// all of them, costs the receiver one request a second and no more. The loop runs ten
// times a second for ten seconds.
func TestPersonEndsThePauseOnceASecond(t *testing.T) {
	toggle := func(w *world, s *store.Store, _ int) error {
		return errors.Join(changes(func(c *webhook.Config) { c.Disabled = true })(w, s), changes(func(c *webhook.Config) { c.Disabled = false })(w, s))
	}
	move := func(w *world, s *store.Store, n int) error {
		return changes(func(c *webhook.Config) { c.URL = fmt.Sprint("https://orders.example.com/", n) })(w, s)
	}
	route := func(w *world, s *store.Store, n int) error {
		return changes(func(c *webhook.Config) {
			c.SetRoute("order", "paid", fmt.Sprint("https://orders.example.com/", n))
		})(w, s)
	}
	retry := func(w *world, s *store.Store, n int) error {
		return s.RetryDelivery(w.t.Context(), "acme", w.all()[n%100].Key, time.Now())
	}
	for name, do := range map[string]func(w *world, s *store.Store, n int) error{
		"enabling": toggle, "a new URL": move, "a new URL of a type": route, "retries of many deliveries": retry,
		"all of them": func(w *world, s *store.Store, n int) error {
			return errors.Join(toggle(w, s, n), move(w, s, n), route(w, s, n), retry(w, s, n))
		},
	} {
		for _, elsewhere := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " elsewhere ", elsewhere), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, b, asked := floored(t, http.StatusTooManyRequests)
					defer w.close()
					b.set(http.StatusTooManyRequests, "60", 0)
					for n := range 100 {
						s := w.store
						if elsewhere {
							s = w.openStore()
						}
						if err := do(w, s, n); err != nil {
							t.Fatal(err)
						}
						if elsewhere {
							if err := s.Close(); err != nil {
								t.Fatal(err)
							}
							w.store.Peek()
						}
						pass(100 * time.Millisecond)
					}
					if n := w.since(asked); n < 9 || n > 11 {
						t.Errorf("%d requests came in ten seconds", n)
					}
					if b.most > 1 {
						t.Errorf("%d requests were under way at once", b.most)
					}
				})
			})
		}
	}
}

// TestOnlyNewURLsEndThePause: a change that adds no URL leaves the pause as it is, and
// so does a change of a webhook that stays disabled.
func TestOnlyNewURLsEndThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, _ := floored(t, http.StatusTooManyRequests)
		defer w.close()
		until := w.webhooks()[0].RetryAfter
		for name, change := range map[string]func(c *webhook.Config){
			"the same URL for a type": func(c *webhook.Config) { c.SetRoute("order", "paid", c.URL) },
			"disabled":                func(c *webhook.Config) { c.Disabled = true },
			"a limit while disabled":  func(c *webhook.Config) { c.Disabled = true; c.Limits.Rate = 5 },
		} {
			w.change("orders", change)
			if got := w.webhooks()[0].RetryAfter; got != until {
				t.Errorf("%s: the pause is until %s, not %s", name, got, until)
			}
			pass(1100 * time.Millisecond)
		}
	})
}
