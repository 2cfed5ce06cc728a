package deliver_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/secret"
	"sealpost/internal/signature"
	"sealpost/internal/webhook"
)

// clock is the bubble's, moved by what somebody set it by. It tells wall time
// alone, as everything is that has been on file.
type clock struct{ moved atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.moved.Load())).Round(0) }

func (c *clock) set(by time.Duration) { c.moved.Add(int64(by)) }

// TestClockIsSet: whichever way the clock jumps, nothing is lost, nothing is
// delivered twice, and no wait is shorter by the clock than the policy has it.
// Measured in real time, a day that is skipped ends the one wait under way.
func TestClockIsSet(t *testing.T) {
	for name, jump := range map[string]time.Duration{"back an hour": -time.Hour, "forward a day": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &clock{}
				policy := exact()
				policy.Retries = 6 // the waits are 0.5, 1, 2, 4, 8 and 16 s
				var mu sync.Mutex
				shown := map[string][]time.Time{} // by the clock, when each event came
				w := newWorld(t, deliver.Options{Policy: policy, Now: c.now}, func(r *http.Request, _ int) (int, http.Header, error) {
					mu.Lock()
					shown[r.Header.Get("webhook-id")] = append(shown[r.Header.Get("webhook-id")], c.now())
					mu.Unlock()
					pass(20 * time.Millisecond)
					if r.Header.Get("webhook-id") >= "evt-1" && r.Header.Get("webhook-id") < "evt-2" {
						return 500, nil, nil // evt-1 and evt-10 to evt-19
					}
					return 200, nil, nil
				})
				defer w.close()
				w.create("orders")
				var results []webhook.Publishing
				for n := range 20 {
					if n == 10 {
						pass(3 * time.Second)
						c.set(jump)
					}
					results = append(results, w.publish(w.store, fmt.Sprintf("evt-%d", n), fmt.Sprintf("tx-%d", n)))
				}
				pass(3 * time.Hour)
				synctest.Wait()
				real := map[string][]time.Time{}
				for _, r := range w.to.requests() {
					real[r.id] = append(real[r.id], r.at)
				}
				for _, result := range results {
					d := w.delivery(result)
					attempts := real[result.ID]
					switch bad := result.ID >= "evt-1" && result.ID < "evt-2"; {
					case bad && (d.State != webhook.Dead || len(attempts) != 7):
						t.Errorf("%s is %s after %d attempts, not dead after 7", result.ID, d.State, len(attempts))
					case !bad && (d.State != webhook.Delivered || len(attempts) != 1):
						t.Errorf("%s is %s after %d attempts, not delivered after one", result.ID, d.State, len(attempts))
					}
					short := 0
					for i := 1; i < len(attempts); i++ {
						least := policy.Wait(i-1, 0)
						if gap := attempts[i].Sub(attempts[i-1]); gap < least {
							short++
						}
						clock := shown[result.ID][i].Sub(shown[result.ID][i-1])
						if jump < 0 && shown[result.ID][i].Before(shown[result.ID][i-1]) {
							clock -= jump
						}
						if clock < least {
							t.Errorf("attempt %d of %s came after %s by the clock, not %s", i+1, result.ID, clock, least)
						}
					}
					if short > 1 || short > 0 && jump < 0 {
						t.Errorf("%d waits of %s were shorter than the policy's in real time", short, result.ID)
					}
				}
			})
		})
	}
}

// TestClockIsSetDuringRotation: which secrets sign follows the clock, and there
// is always one that the receiver knows.
func TestClockIsSetDuringRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &clock{}
		var headers http.Header
		w := newWorld(t, deliver.Options{Policy: exact(), Now: c.now}, func(r *http.Request, _ int) (int, http.Header, error) {
			headers = r.Header.Clone()
			return 200, nil, nil
		})
		defer w.close()
		old, next := secret.Generate(), secret.Generate()
		config := webhook.Config{Name: "orders", URL: "https://orders.example.com/hook"}
		if err := w.store.CreateWebhook(t.Context(), "acme", config, old, c.now()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.store.Rotate(t.Context(), "acme", "orders", webhook.Rotation{Secret: next, Overlap: 2 * time.Hour}, c.now()); err != nil {
			t.Fatal(err)
		}
		n := 0
		signs := func(want ...secret.Text) {
			t.Helper()
			n++
			result := w.publish(w.store, fmt.Sprintf("evt-%d", n), "tx")
			pass(time.Second)
			synctest.Wait()
			if d := w.delivery(result); d.State != webhook.Delivered {
				t.Fatalf("%s is %s", result.ID, d.State)
			}
			body := []byte(w.to.requests()[n-1].body)
			if got, expected := headers.Get(signature.HeaderSignature), signature.Hex(want[0].Key(), body); got != expected {
				t.Errorf("Signature is %s, not %s", got, expected)
			}
			at, err := strconv.ParseInt(headers.Get(signature.HeaderTimestamp), 10, 64)
			if err != nil || c.now().Sub(time.Unix(at, 0)).Abs() > 3*time.Second {
				t.Errorf("the timestamp is %d: %v", at, err)
			}
			var triple []string
			for _, s := range want {
				triple = append(triple, signature.Standard(s.Key(), result.ID, at, body))
			}
			slices.Sort(triple)
			if got := slices.Sorted(strings.FieldsSeq(headers.Get(signature.HeaderStandard))); !slices.Equal(got, triple) {
				t.Errorf("webhook-signature is %v, not %v", got, triple)
			}
		}
		signs(old, next)
		c.set(-time.Hour)
		signs(old, next)
		c.set(24 * time.Hour)
		signs(next)
		c.set(-23 * time.Hour) // somebody sets it right again
		signs(old, next)
	})
}
