package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestOneReceiptCounts has the watcher, people and the expiry race for each of
// many events, in two processes' worth of stores. For each event one receipt
// counts: whoever was told that theirs is in gave that one, it is what was
// sent, once, and a reverted one was not sent. What waits behind goes out once,
// too.
func TestOneReceiptCounts(t *testing.T) {
	const events = 40
	path := filepath.Join(t.TempDir(), "s.db")
	stores := []*store.Store{open(t, path), open(t, path)}
	create(t, stores[0], "acme", webhook.Config{Name: "a", URL: "u"})
	var batch []webhook.Publication
	for n := range events {
		id := fmt.Sprint("e-", n)
		p := awaited(t, id, "tx-"+id, hashOf("a"))
		if n%2 == 0 { // of no transaction, so that nothing waits behind
			p.Draft.Subject = ""
		} else {
			batch = append(batch, p)
			p = spend(t, "behind-"+id, "tx-"+id)
		}
		batch = append(batch, p)
	}
	results, err := stores[0].Publish(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil || r.State != webhook.Held {
			t.Fatalf("%+v", r)
		}
	}

	given := []webhook.ReceiptOutcome{outcome(hashOf("a"), false), outcome(hashOf("a"), false), outcome(hashOf("a"), true)}
	given[1].BlockNumber++ // two that succeeded, in different blocks, and one that didn't
	later := now.Add(2 * time.Hour)
	var together sync.WaitGroup
	var mu sync.Mutex
	in := map[string]map[webhook.ReceiptOutcome]int{} // by event, who was told that theirs is in
	expired := 0
	start := make(chan struct{})
	for _, s := range stores {
		for n := range events {
			for _, o := range given {
				together.Go(func() {
					id := fmt.Sprint("e-", n)
					<-start
					err := s.Attach(context.Background(), "acme", id, o, later)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil && in[id] == nil:
						in[id] = map[webhook.ReceiptOutcome]int{o: 1}
					case err == nil:
						in[id][o]++
					case webhook.CodeOf(err) != webhook.CodeConflict:
						t.Errorf("%s: %v", id, err)
					}
				})
			}
		}
		for range events {
			together.Go(func() {
				<-start
				n, err := s.Expire(context.Background(), later)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				expired += n
			})
		}
	}
	close(start)
	together.Wait()
	if expired > events {
		t.Errorf("%d of %d events expired", expired, events)
	}

	sent := func(id string) int {
		found, _, err := stores[1].Deliveries(t.Context(), webhook.DeliveryQuery{Organization: "acme", Event: id})
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	for n := range events {
		id := fmt.Sprint("e-", n)
		if len(in[id]) != 1 {
			t.Errorf("%s: %v are in", id, in[id])
			continue
		}
		e, err := stores[1].Event(t.Context(), "acme", id)
		if err != nil {
			t.Fatal(err)
		}
		for o, times := range in[id] {
			state, deliveries := webhook.Accepted, 1
			if o.Reverted {
				state, deliveries = webhook.Reverted, 0
			}
			receipt := fmt.Sprintf(`"receipt":{"blockNumber":%d,`, o.BlockNumber)
			if times != len(stores) || e.State != state || sent(id) != deliveries || !o.Reverted && strings.Count(string(e.Bytes), receipt) != 1 {
				t.Errorf("%s: %+v is in for %d, the event is %s with %d deliveries: %s", id, o, times, e.State, sent(id), e.Bytes)
			}
		}
		if n%2 == 1 && sent("behind-"+id) != 1 {
			t.Errorf("what is behind %s went out %d times", id, sent("behind-"+id))
		}
	}
}
