package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// faulty is a store some of whose reads and writes fail when a test says so.
type faulty struct {
	*store.Store
	mu    sync.Mutex
	kind  string // of reads that fail; empty for any
	reads faults
	early faults // writes that fail before anything is stored
	late  faults // writes that are stored, and fail all the same
	made  map[string]int

	failed int // reads
}

// faults says which calls fail: so many, after so many that don't.
type faults struct{ after, count int }

func (f *faults) next() bool {
	switch {
	case f.count == 0:
		return false
	case f.after > 0:
		f.after--
		return false
	}
	f.count--
	return true
}

var errFaulty = errors.New("the disk is ill")

// read counts a read and says whether it fails.
func (f *faulty) read(kind string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.made == nil {
		f.made = make(map[string]int)
	}
	f.made[kind]++
	if (f.kind == "" || f.kind == kind) && f.reads.next() {
		f.failed++
		return fmt.Errorf("%s: %w", kind, errFaulty)
	}
	return nil
}

func (f *faulty) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// fail has the reads and writes fail that a step of a story names.
func (f *faulty) fail(s step) {
	nth := func(which *faults, n int) {
		if n > 0 {
			*which = faults{n - 1, 1}
		}
	}
	f.set(func() {
		nth(&f.reads, s.Read)
		nth(&f.early, s.Write)
		nth(&f.late, s.Late)
	})
}

func (f *faulty) write(which *faults) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if which.next() {
		return errFaulty
	}
	return nil
}

func (f *faulty) Backlogs(ctx context.Context) ([]webhook.Backlog, error) {
	if err := f.read("Backlogs"); err != nil {
		return nil, err
	}
	return f.Store.Backlogs(ctx)
}

func (f *faulty) First(ctx context.Context, seq, after int64, limit int) ([]*webhook.Work, error) {
	if err := f.read("First"); err != nil {
		return nil, err
	}
	return f.Store.First(ctx, seq, after, limit)
}

func (f *faulty) Due(ctx context.Context, seq int64, now time.Time, limit int) ([]*webhook.Work, error) {
	if err := f.read("Due"); err != nil {
		return nil, err
	}
	return f.Store.Due(ctx, seq, now, limit)
}

func (f *faulty) NextDue(ctx context.Context, seq int64, after time.Time) (time.Time, error) {
	if err := f.read("NextDue"); err != nil {
		return time.Time{}, err
	}
	return f.Store.NextDue(ctx, seq, after)
}

func (f *faulty) Since(ctx context.Context, after int64, limit int) ([]*webhook.Work, int64, error) {
	if err := f.read("Since"); err != nil {
		return nil, after, err
	}
	return f.Store.Since(ctx, after, limit)
}

func (f *faulty) LastEvent(ctx context.Context) (int64, error) {
	if err := f.read("LastEvent"); err != nil {
		return 0, err
	}
	return f.Store.LastEvent(ctx)
}

func (f *faulty) Claimed(ctx context.Context, key webhook.DeliveryKey, claim int64) (bool, error) {
	if err := f.read("Claimed"); err != nil {
		return false, err
	}
	return f.Store.Claimed(ctx, key, claim)
}

func (f *faulty) Payload(ctx context.Context, event int64) ([]byte, error) {
	if err := f.read("Payload"); err != nil {
		return nil, err
	}
	return f.Store.Payload(ctx, event)
}

func (f *faulty) Receiver(ctx context.Context, seq int64) (*webhook.Receiver, error) {
	if err := f.read("Receiver"); err != nil {
		return nil, err
	}
	return f.Store.Receiver(ctx, seq)
}

func (f *faulty) Finish(ctx context.Context, outcomes []*webhook.Outcome) ([]*webhook.Outcome, error) {
	if err := f.write(&f.early); err != nil {
		return nil, err
	}
	stale, err := f.Store.Finish(ctx, outcomes)
	return stale, errors.Join(err, f.write(&f.late))
}

// reads are the reads that the engine makes. A new one of [deliver.Store] belongs
// here.
var reads = []string{"Backlogs", "Claimed", "Due", "First", "LastEvent", "NextDue", "Payload", "Receiver", "Since"}

// TestFailedReadIsMadeAgain: whichever read of the engine fails, a few times in a
// row and at whichever of its calls, everything arrives in the end, though nobody
// does anything more.
func TestFailedReadIsMadeAgain(t *testing.T) {
	for _, kind := range reads {
		for after := range 3 {
			t.Run(fmt.Sprint(kind, " after ", after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { failedRead(t, kind, after) })
			})
		}
	}
}

func failedRead(t *testing.T, kind string, after int) {
	dies := true
	w := &world{t: t, path: filepath.Join(t.TempDir(), "sealpost.db"), opts: deliver.Options{MaxInFlight: 1}, to: &receivers{}}
	w.to.answer = func(r *http.Request, _ int) (int, http.Header, error) {
		if dies && r.Header.Get("webhook-id") == "dies" {
			return http.StatusInternalServerError, nil, nil
		}
		pass(time.Second)
		return http.StatusOK, nil, nil
	}
	f := new(faulty)
	w.wrap = func(s *store.Store) deliver.Store {
		f.Store = s
		return f
	}
	w.store = w.openStore()
	w.create("orders")
	f.set(func() { f.kind, f.reads = kind, faults{after, 4} })
	w.publish(w.store, "before", "")
	w.start()
	defer w.close()
	dead := w.publish(w.store, "dies", "")
	pass(time.Minute)
	dies = false
	for n := range 3 {
		w.publish(w.store, fmt.Sprint("queued-", n), "")
	}
	w.change("orders", func(c *webhook.Config) { c.URL += "/2" }) // whoever waits has to look again
	pass(time.Hour)
	elsewhere := func(do func(*store.Store)) {
		other := w.openStore()
		do(other)
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		w.store.Peek()
		pass(time.Second)
	}
	elsewhere(func(s *store.Store) { // a retry by another process, and nothing after it
		if err := s.RetryDelivery(t.Context(), "acme", dead.Deliveries[0], time.Now()); err != nil {
			t.Fatal(err)
		}
	})
	pass(time.Hour)
	f.set(func() { f.reads = faults{after, 4} })
	elsewhere(func(s *store.Store) {
		for n := range 5 {
			w.publish(s, fmt.Sprint("elsewhere-", n), "")
		}
		w.publishLarge(s, "large")
	})
	pass(time.Hour)
	synctest.Wait()
	want := []string{"before", "dies", "elsewhere-0", "elsewhere-1", "elsewhere-2", "elsewhere-3", "elsewhere-4", "large", "queued-0", "queued-1", "queued-2"}
	var arrived []string
	for id, n := range w.wellReceived(dead.ID) {
		if arrived = append(arrived, id); n != 1 {
			t.Errorf("%s arrived %d times", id, n)
		}
	}
	if slices.Sort(arrived); !slices.Equal(arrived, want) {
		t.Errorf("arrived: %v\nnot %v", arrived, want)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if after == 0 && f.failed == 0 {
		t.Errorf("%s failed %d times in %d calls: it was not tried", kind, f.failed, f.made[kind])
	}
}

// wellReceived counts the requests by event, without the failed one of first.
func (w *world) wellReceived(first string) map[string]int {
	counts := make(map[string]int)
	for _, r := range w.to.requests() {
		counts[r.id]++
	}
	counts[first]--
	return counts
}

// publishLarge publishes an event whose bytes are read by themselves.
func (w *world) publishLarge(s *store.Store, id string) {
	w.t.Helper()
	draft, err := webhook.NewDraft("order.paid", fmt.Appendf(nil, `{"text":"%10000d"}`, 1))
	if err != nil {
		w.t.Fatal(err)
	}
	draft.ID = id
	results, err := s.Publish(w.t.Context(), []webhook.Publication{{Organization: "acme", Draft: draft, At: time.Now()}})
	if err := errors.Join(err, results[0].Err); err != nil {
		w.t.Fatal(err)
	}
}

// TestUnreadableLaneLeavesOthers: a webhook whose rows can't be read keeps nobody
// else from their own, and is not asked for again and again.
func TestUnreadableLaneLeavesOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deliver.Options{Policy: exact()}, always(http.StatusOK))
		defer w.close()
		w.stop()
		for n := range 6 {
			w.create(fmt.Sprint("ill-", n))
		}
		w.create("well")
		ill := &unreadable{Store: w.store, reads: make(map[int64]int)}
		for _, hook := range w.webhooks() {
			if hook.Name != "well" {
				ill.reads[hook.Seq] = 0
			}
		}
		w.publish(w.store, "before", "")
		w.wrap = func(*store.Store) deliver.Store { return ill }
		w.start()
		for n := range 50 {
			w.publish(w.store, fmt.Sprint("evt-", n), "")
			pass(time.Second)
		}
		if n := w.counts()["well"]; n != 51 {
			t.Errorf("%d of 51 events came to the webhook that can be read", n)
		}
		ill.mu.Lock()
		for seq, n := range ill.reads {
			if n < 5 || n > 20 {
				t.Errorf("webhook %d was read %d times in 50 seconds", seq, n)
			}
		}
		ill.healed = true
		ill.mu.Unlock()
		pass(time.Minute)
		synctest.Wait()
		for n := range 6 {
			if got := w.counts()[fmt.Sprint("ill-", n)]; got != 51 {
				t.Errorf("%d of 51 events came to webhook %d once it could be read", got, n)
			}
		}
	})
}

// unreadable is a store in which some webhooks' deliveries can't be read.
type unreadable struct {
	*store.Store
	mu     sync.Mutex
	healed bool
	reads  map[int64]int // by webhook that can't be read
}

func (u *unreadable) First(ctx context.Context, seq, after int64, limit int) ([]*webhook.Work, error) {
	u.mu.Lock()
	_, ill := u.reads[seq]
	if ill = ill && !u.healed; ill {
		u.reads[seq]++
	}
	u.mu.Unlock()
	if ill {
		return nil, errFaulty
	}
	return u.Store.First(ctx, seq, after, limit)
}

func (w *world) webhooks() []webhook.Webhook {
	w.t.Helper()
	found, err := w.store.Webhooks(w.t.Context(), "acme")
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}
