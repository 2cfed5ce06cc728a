package deliver_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"sealpost/internal/deliver"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// Whatever people, publishers and receivers do, in whatever order: what was
// accepted goes out, to each webhook once, or somebody has said that it should
// not, or all of its attempts have failed. Stories are drawn, played over the real store, and judged by what the
// receivers saw; one that fails is shortened to what it takes.

// story is what happens, step by step, to so many webhooks.
type story struct {
	Webhooks int
	Retries  int  // few, and deliveries die in it
	PerHost  int  // the bound of attempts under way to one host; 0: large
	Shared   bool // all webhooks lead to one host
	Steps    []step
}

// step is one thing that somebody does, and how long nothing happens then.
type step struct {
	Do   string
	Pick int // which of what there is; of events, counted from the newest
	Wait time.Duration

	// Which read of the engine's fails, counted from this step on, and which write:
	// before it is stored, or after that. 0 is none.
	Read, Write, Late int
}

// hosts are the webhooks of a story.
var hosts = []string{"one", "two"}

// does are the steps that there are.
var does = []string{
	"publish", "publish of a transaction", "publish elsewhere", "flood", "hold", "release", "release",
	"retry", "retry elsewhere", "cancel", "resend", "disable", "enable", "limit", "new URL", "restart", "crash",
	"receiver is well", "receiver fails", "receiver hangs", "receiver is slow", "receiver is gone",
	"receiver asks for a minute", "receiver asks for hours",
}

// drawStory draws a story of a few kinds of steps: one in which everything
// happens has little room for the same thing twice in a row.
func drawStory(t *rapid.T) story {
	ill := rapid.Bool().Draw(t, "ill")
	least, most := 20, 40
	if rapid.Bool().Draw(t, "short") { // what comes later often mends what went wrong
		least, most = 3, 10
	}
	kinds := append(rapid.SliceOfNDistinct(rapid.SampledFrom(does), 1, 5, rapid.ID[string]).Draw(t, "kinds"), does[:2]...)
	if ill {
		kinds = append(kinds, "publish elsewhere", "retry elsewhere", "receiver fails")
	}
	steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		s := step{
			Do:   rapid.SampledFrom(kinds).Draw(t, "do"),
			Pick: rapid.IntRange(0, 3).Draw(t, "pick"),
			Wait: rapid.SampledFrom([]time.Duration{0, time.Millisecond, time.Second, 3 * time.Second, time.Minute, time.Hour}).Draw(t, "wait"),
		}
		if ill {
			nth := rapid.SampledFrom([]int{0, 0, 1, 1, 2, 3})
			s.Read, s.Write, s.Late = nth.Draw(t, "read"), nth.Draw(t, "write"), nth.Draw(t, "late")
		}
		return s
	}), least, most).Draw(t, "steps")
	return story{
		Webhooks: rapid.IntRange(1, len(hosts)).Draw(t, "webhooks"), Retries: rapid.SampledFrom([]int{20, 3}).Draw(t, "retries"),
		PerHost: rapid.SampledFrom([]int{0, 1, 2, 3}).Draw(t, "per host"), Shared: rapid.Bool().Draw(t, "shared"), Steps: steps,
	}
}

// known are stories that once ended badly.
var known = map[string]story{
	"a read of the backlog fails, and nobody asks again": {Webhooks: 1, Retries: 3, Steps: []step{
		{Do: "receiver fails"}, {Do: "publish", Wait: time.Hour}, {Do: "receiver is well"}, {Do: "retry elsewhere", Read: 1},
	}},
	"a read of new events fails": {Webhooks: 1, Retries: 3, Steps: []step{
		{Do: "publish", Wait: time.Hour}, {Do: "publish elsewhere", Read: 1}, {Do: "publish elsewhere", Read: 2},
	}},
	"a person ends a pause": {Webhooks: 1, Retries: 20, Steps: []step{
		{Do: "receiver asks for hours"}, {Do: "publish", Wait: time.Minute}, {Do: "receiver is well"}, {Do: "retry", Wait: time.Hour},
		{Do: "receiver asks for hours"}, {Do: "publish", Wait: time.Minute}, {Do: "receiver is well"}, {Do: "new URL", Wait: time.Hour},
	}},
	"several ask for a pause": {Webhooks: 1, Retries: 20, Steps: []step{
		{Do: "publish"}, {Do: "publish", Wait: time.Second}, {Do: "receiver asks for a minute"}, {Do: "publish"}, {Do: "publish"}, {Do: "publish", Wait: time.Second},
		{Do: "receiver is slow", Wait: time.Hour},
	}},
	"an outcome is stored and nobody knows": {Webhooks: 1, Retries: 3, Steps: []step{
		{Do: "receiver fails"}, {Do: "publish", Late: 1}, {Do: "publish", Late: 2, Wait: time.Second}, {Do: "receiver is well", Late: 1},
	}},
}

var stories = flag.Int("stories", 12, "how many stories TestAnyStory plays")

// TestAnyStory plays stories: those that are known, and others, a few in every run
// of the tests, as many as one likes with make stories.
func TestAnyStory(t *testing.T) {
	for name, s := range known {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, fault := range play(t, s) {
					t.Error(fault)
				}
			})
		})
	}
	if t.Failed() {
		return
	}
	if err := flag.Set("rapid.checks", strconv.Itoa(*stories)); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(r *rapid.T) {
		s := drawStory(r)
		var faults []string
		synctest.Test(t, func(t *testing.T) { faults = play(t, s) })
		if len(faults) > 0 {
			r.Fatal(strings.Join(faults, "\n"))
		}
	})
}

// play plays a story, lets everything become well, and returns what is wrong then.
func play(t *testing.T, s story) []string { return playWith(t, s, nil) }

// playWith plays a story in a world that has a bug, unless that is nil.
func playWith(t *testing.T, s story, bug func(*player)) []string {
	p := &player{hosts: hosts[:s.Webhooks], seen: newWitness(), held: make(map[string]bool), touched: make(map[string]int), resent: make(map[string]int), shared: s.Shared, perHost: s.PerHost}
	policy := exact()
	policy.Retries = s.Retries
	p.seen.policy = policy
	p.world = &world{t: t, path: filepath.Join(t.TempDir(), "sealpost.db"), opts: deliver.Options{Policy: policy, MaxPerHost: s.PerHost}, to: &receivers{answer: p.seen.answer}}
	p.disk = new(faulty)
	p.world.wrap = func(s *store.Store) deliver.Store {
		p.disk = &faulty{Store: s, reads: p.disk.reads, early: p.disk.early, late: p.disk.late}
		if p.between != nil {
			return p.between(p.disk)
		}
		return p.disk
	}
	if bug != nil {
		bug(p)
	}
	p.store = p.openStore()
	p.start()
	defer p.close()
	for _, host := range p.hosts {
		p.create(host)
	}
	for _, step := range s.Steps {
		p.disk.fail(step)
		p.ill = p.ill || step.Read+step.Write+step.Late > 0
		p.step(step)
		p.waits(step)
	}
	for _, host := range p.hosts {
		p.seen.set(host, "well")
	}
	pass(2 * time.Minute) // whoever was asked before has answered
	for _, host := range p.hosts {
		p.toggle(host, false)
		p.change(host, func(c *webhook.Config) { c.Limits = webhook.Limits{} })
	}
	for _, event := range p.published {
		if p.held[event.ID] {
			p.receipt(event.ID)
		}
	}
	pass(30 * 24 * time.Hour)
	synctest.Wait()
	return p.judge()
}

// player does the steps and keeps what it has published.
type player struct {
	*world
	hosts     []string
	seen      *witness
	published []webhook.Publishing
	subjects  []string    // their transactions
	times     []time.Time // and when they were published
	restarts  int
	crashes   int
	disk      *faulty         // what the engine reads from and writes to
	held      map[string]bool // for a receipt, by event
	touched   map[string]int  // how often somebody changed or resent an event's deliveries, by event
	resent    map[string]int  // of those, how often it was sent anew

	shared  bool // webhooks have one host
	perHost int
	urls    int      // that webhooks had
	ill     bool     // reads or writes fail
	lifted  bool     // a pause has certainly been ended by this step
	lifts   string   // of this webhook
	unheard []string // faults: ends of pauses that did nothing
	between func(deliver.Store) deliver.Store
}

func (p *player) step(s step) {
	host := p.hosts[s.Pick%len(p.hosts)]
	id := fmt.Sprintf("evt-%d", len(p.published))
	switch s.Do {
	case "publish":
		p.takes(p.publish(p.store, id, ""), "")
	case "publish of a transaction":
		subject := fmt.Sprintf("tx-%d", s.Pick%2)
		p.takes(p.publish(p.store, id, subject), subject)
	case "publish elsewhere":
		p.elsewhere(func(w *world) { p.takes(p.publish(w.store, id, ""), "") })
	case "flood": // more than a lane keeps in memory, once
		if len(p.published) < flood {
			for i, event := range p.publishAll(flood) {
				p.takes(event, fmt.Sprintf("flood-%d", i%7))
			}
		}
	case "hold":
		subject := fmt.Sprintf("tx-%d", s.Pick%2)
		p.takes(p.hold(id, subject), subject)
		p.held[id] = true
	case "release":
		for i := range p.published {
			if id := p.published[(i+s.Pick)%len(p.published)].ID; p.held[id] {
				p.receipt(id)
				break
			}
		}
	case "retry":
		p.byHand(s, func(key webhook.DeliveryKey) error {
			return p.store.RetryDelivery(p.t.Context(), "acme", key, time.Now())
		})
	case "retry elsewhere":
		p.elsewhere(func(w *world) {
			p.byHand(s, func(key webhook.DeliveryKey) error {
				return w.store.RetryDelivery(p.t.Context(), "acme", key, time.Now())
			})
		})
	case "cancel":
		p.byHand(s, func(key webhook.DeliveryKey) error { return p.store.CancelDelivery(p.t.Context(), "acme", key) })
	case "resend":
		if len(p.published) > 0 {
			event := p.newest(s.Pick)
			if len(p.deliveries(event.ID)) == 0 {
				return // it is held
			}
			if _, err := p.store.Resend(p.t.Context(), "acme", event.ID, nil, time.Now()); err != nil {
				p.t.Fatal(err)
			}
			p.touched[event.ID]++
			p.resent[event.ID]++
		}
	case "disable", "enable":
		p.toggle(host, s.Do == "disable")
	case "new URL":
		p.ends(host)
		p.change(host, func(c *webhook.Config) { c.URL = p.url(host) })
	case "limit":
		p.change(host, func(c *webhook.Config) { c.Limits = webhook.Limits{MaxInFlight: s.Pick % 3, Rate: float64(s.Pick % 4)} })
	case "restart":
		p.restarts++
		p.stops(false)
		p.stop()
		p.start()
	case "crash":
		p.crashes++
		p.stops(true)
		p.crash()
	default:
		if how, is := strings.CutPrefix(s.Do, "receiver "); is {
			p.seen.set(host, strings.TrimPrefix(how, "is "))
		}
	}
}

// flood is more than a lane keeps in memory.
const flood = 600

// publishAll publishes so many events at once, of seven transactions.
func (p *player) publishAll(n int) []webhook.Publishing {
	batch := make([]webhook.Publication, n)
	for i := range batch {
		draft, err := webhook.NewDraft("transaction.created", []byte(fmt.Sprintf(`{"id":"flood-%d"}`, i%7)))
		if err != nil {
			p.t.Fatal(err)
		}
		draft.ID = fmt.Sprintf("evt-%d", len(p.published)+i)
		batch[i] = webhook.Publication{Organization: "acme", Draft: draft, At: time.Now()}
	}
	results, err := p.store.Publish(p.t.Context(), batch)
	if err != nil {
		p.t.Fatal(err)
	}
	return results
}

// receipt brings what an event waits for.
func (p *player) receipt(id string) {
	p.release(id)
	delete(p.held, id)
}

// takes notes what was published, and for which transaction.
func (p *player) takes(event webhook.Publishing, subject string) {
	p.published, p.subjects = append(p.published, event), append(p.subjects, subject)
	p.times = append(p.times, time.Now())
}

// byHand has somebody change one delivery. What can't be changed any more says so.
func (p *player) byHand(s step, change func(webhook.DeliveryKey) error) {
	if len(p.published) == 0 {
		return
	}
	event := p.newest(s.Pick)
	deliveries := p.deliveries(event.ID)
	if len(deliveries) == 0 {
		return // it is held
	}
	chosen := deliveries[s.Pick%len(deliveries)]
	undo := func() {}
	if s.Do != "cancel" {
		undo = p.ends(chosen.Webhook)
	}
	var refused *webhook.Error
	if err := change(chosen.Key); err != nil {
		if undo(); !errors.As(err, &refused) {
			p.t.Fatal(err)
		}
	}
	p.touched[event.ID]++
}

// newest is the newest event but for so many.
func (p *player) newest(but int) webhook.Publishing {
	return p.published[len(p.published)-1-but%len(p.published)]
}

// crash ends the engine in the middle: what it has not recorded by now, nobody
// ever will.
func (p *player) crash() {
	if err := p.store.Close(); err != nil {
		p.t.Fatal(err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	p.engine.Stop(ended)
	p.store = p.openStore()
	p.start()
}

// elsewhere has another process do something with the file.
func (p *player) elsewhere(do func(*world)) {
	other := *p.world
	other.store = other.openStore()
	do(&other)
	if err := other.store.Close(); err != nil {
		p.t.Fatal(err)
	}
	p.store.Peek()
}

// judge says which deliveries did not end as they should have.
func (p *player) judge() (faults []string) {
	found := p.deliveries("")
	for _, d := range found {
		saw := p.seen.of(d.Webhook, d.EventID)
		name := fmt.Sprintf("%s (%s to %s)", d.Key, d.EventID, d.Webhook)
		alone := p.touched[d.EventID] == 0 // nobody had a hand in it
		switch {
		case d.State == webhook.Pending || d.State == webhook.Parked:
			faults = append(faults, fmt.Sprintf("%s is %s after a month in which all was well", name, d.State))
		case d.State == webhook.Delivered && saw.well == 0:
			faults = append(faults, name+" counts as delivered and never was")
		case d.State == webhook.Cancelled && alone:
			faults = append(faults, name+" was cancelled by nobody")
		case d.State == webhook.Dead && d.Count <= p.opts.Policy.Retries:
			faults = append(faults, fmt.Sprintf("%s was given up after %d attempts", name, d.Count))
		case alone && (d.Count > saw.requests || d.Count+p.restarts+p.crashes < saw.requests):
			faults = append(faults, fmt.Sprintf("%s came %d times and counts %d attempts, with %d restarts and %d crashes", name, saw.requests, d.Count, p.restarts, p.crashes))
		case saw.atOnce > 1+p.resent[d.EventID]:
			faults = append(faults, fmt.Sprintf("%s was under way %d times at once", name, saw.atOnce))
		case saw.well > 1+p.touched[d.EventID]+p.crashes:
			faults = append(faults, fmt.Sprintf("%s arrived %d times, and was retried, resent or cancelled by hand %d times, with %d crashes", name, saw.well, p.touched[d.EventID], p.crashes))
		case alone && p.restarts+p.crashes == 0:
			for n, wait := range saw.waits {
				if wait < p.opts.Policy.Delay(n) {
					faults = append(faults, fmt.Sprintf("%s was tried again after %s, not %s", name, wait, p.opts.Policy.Delay(n)))
				}
			}
		}
	}
	if want := len(p.published) * len(p.hosts); len(found) < want {
		faults = append(faults, fmt.Sprintf("%d deliveries are on file, of %d", len(found), want))
	}
	return append(append(faults, p.disorder()...), p.impatience()...)
}

// deliveries lists all that are on file, or an event's.
func (p *player) deliveries(event string) (all []webhook.Delivery) {
	q := webhook.DeliveryQuery{Organization: "acme", Event: event, Limit: 1000}
	for {
		page, next, err := p.store.Deliveries(p.t.Context(), q)
		if err != nil {
			p.t.Fatal(err)
		}
		if all = append(all, page...); next == "" {
			return all
		}
		q.Cursor = next
	}
}

// disorder says which first attempts of a transaction were made out of turn.
func (p *player) disorder() (faults []string) {
	for _, host := range p.hosts {
		before := make(map[string]string) // the event before, by transaction
		for i, event := range p.published {
			subject := p.subjects[i]
			if subject == "" || p.touched[event.ID] > 0 || p.seen.of(host, event.ID).requests == 0 {
				continue
			}
			if last, any := before[subject]; any && p.seen.of(host, event.ID).first.Before(p.seen.of(host, last).answered) {
				faults = append(faults, fmt.Sprintf("%s went to %s before %s of its transaction was answered", event.ID, host, last))
			}
			before[subject] = event.ID
		}
	}
	return faults
}
