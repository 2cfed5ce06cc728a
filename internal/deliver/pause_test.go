package deliver_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// pause is what a receiver has asked for by Retry-After, as the judge of stories sees
// it: no attempt starts before its end, but those that were under way when the receiver
// asked. Then one goes alone, until it is answered without a new pause.
type pause struct {
	until  time.Time
	asked  time.Time // when the receiver answered so
	by     string    // the event whose attempt was answered so
	lifted time.Time // when a person last ended a pause
	alone  bool
	probe  string // the event that goes alone
	under  int    // attempts under way

	faults []string
	probes []probe
}

// probe is an attempt that went alone after a pause.
type probe struct {
	id  string
	at  time.Time
	due []string // events whose next attempt was due as well
}

const (
	liftEvery = time.Second     // how often a person can end a pause
	recorded  = 5 * time.Second // after that an answer is on file, whatever failed
)

// arrives judges an attempt that starts.
func (p *pause) arrives(name, id string, now time.Time, due []string) {
	defer func() { p.under++ }()
	switch {
	case p.until.Sub(now) > time.Millisecond && !now.Equal(p.asked):
		p.faults = append(p.faults, fmt.Sprintf("%s came to %s %s before the end of its pause", id, name, p.until.Sub(now)))
	case !p.alone || now.Before(p.until):
	case p.under > 0:
		p.faults = append(p.faults, fmt.Sprintf("%s came to %s after its pause, beside %d others", id, name, p.under))
	default:
		p.probe = id
		p.probes = append(p.probes, probe{id, now, due})
	}
}

// answered notes how an attempt ended.
func (p *pause) answered(id string, now time.Time, asks time.Duration, err error) {
	p.under--
	switch {
	case err != nil:
	case asks > 0:
		if until := now.Add(asks); until.After(p.until) {
			p.until, p.asked, p.by, p.alone, p.probe = until, now, id, true, ""
		}
	case p.probe == id:
		p.alone, p.probe = false, ""
	}
}

// lift has a person end the pause, and reports whether it must be over for certain.
func (p *pause) lift(now time.Time, touched bool) bool {
	switch {
	case !p.until.After(now) || !p.lifted.IsZero() && now.Sub(p.lifted) < liftEvery:
		return false
	case touched || now.Sub(p.asked) < recorded: // the file may not have it
		p.forget()
		return false
	}
	p.until, p.lifted = now, now
	return true
}

// forget drops a pause that the file may not have.
func (p *pause) forget() { p.until, p.alone, p.probe = time.Time{}, false, "" }

// due lists the events whose next attempt to a webhook is due, no later than that of one
// of them. Called with the witness's lock held.
func (w *witness) due(name, of string, now time.Time) (ids []string) {
	own, again := w.nextDue(name + " " + of)
	if !again {
		return nil // a first attempt, which has no time
	}
	for key := range w.tally {
		id, is := strings.CutPrefix(key, name+" ")
		if due, again := w.nextDue(key); is && again && !due.After(own) && !due.After(now) {
			ids = append(ids, id)
		}
	}
	return ids
}

// nextDue is when an event's next attempt is due, if it has had one and may have another.
func (w *witness) nextDue(key string) (at time.Time, again bool) {
	tally := w.tally[key]
	if tally == nil || tally.requests == 0 || tally.under > 0 || tally.well > 0 || tally.requests > w.policy.Retries {
		return at, false
	}
	return tally.last.Add(max(tally.asks, w.policy.Delay(tally.requests-1))), true
}

// pauseOf is a webhook's pause. Called with the witness's lock held.
func (w *witness) pauseOf(name string) *pause {
	if w.pauses[name] == nil {
		w.pauses[name] = new(pause)
	}
	return w.pauses[name]
}

// ends has a person do something that ends a webhook's pause, before it is done. The
// result takes that back, for a change that was refused.
func (p *player) ends(name string) (refused func()) {
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	pause := p.seen.pauseOf(name)
	before := *pause
	p.lifted, p.lifts = pause.lift(time.Now(), p.touched[pause.by] > 0), name
	return func() {
		p.seen.mu.Lock()
		defer p.seen.mu.Unlock()
		p.lifted = false
		pause.until, pause.lifted = before.until, before.lifted
	}
}

// enabled reports whether a webhook sends.
func (p *player) enabled(name string) bool {
	for _, hook := range p.webhooks() {
		if hook.Name == name {
			return !hook.Disabled
		}
	}
	return false
}

// toggle disables or enables a webhook. Enabling one that was disabled ends its pause.
func (p *player) toggle(name string, disabled bool) {
	if !disabled && !p.enabled(name) {
		p.ends(name)
	}
	p.change(name, func(c *webhook.Config) { c.Disabled = disabled })
}

// create makes a webhook whose path tells its name, at a host of its own or at one that
// all share.
func (p *player) create(name string) {
	p.t.Helper()
	config := webhook.Config{Name: name, URL: p.url(name)}
	if err := p.store.CreateWebhook(p.t.Context(), "acme", config, secret.Generate(), time.Now()); err != nil {
		p.t.Fatal(err)
	}
}

// url is a URL that no webhook had before.
func (p *player) url(name string) string {
	host := name
	if p.shared {
		host = "shared"
	}
	p.urls++
	return fmt.Sprintf("https://%s.example.com/%s/%d", host, name, p.urls)
}

// stops has the process end: what is not on file of pauses is forgotten.
func (p *player) stops(crash bool) {
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	for _, pause := range p.seen.pauses {
		if p.touched[pause.by] > 0 || crash && time.Since(pause.asked) < recorded {
			pause.forget()
		}
	}
}

// waits lets the time of a step pass, and judges that a pause which the step ended is
// over: what is due goes out.
func (p *player) waits(s step) {
	due := ""
	if p.lifted && s.Wait >= time.Hour && p.enabled(p.lifts) {
		for _, d := range p.deliveries("") {
			if d.Webhook == p.lifts && d.State == webhook.Pending && !d.Due.After(time.Now()) {
				due = d.EventID
			}
		}
	}
	p.lifted = false
	began := time.Now()
	pass(s.Wait)
	if due != "" && !p.ill && p.seen.latest(p.lifts).Before(began) {
		p.unheard = append(p.unheard, fmt.Sprintf("%s to %s is due and a person ended the pause, but nothing came in %s", due, p.lifts, s.Wait))
	}
}

// latest is when the latest attempt came to a webhook.
func (w *witness) latest(name string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.came[name]
}

// impatience says which pauses were not kept, and which hosts had more attempts under
// way than they should.
func (p *player) impatience() (faults []string) {
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	faults = p.unheard
	for host, most := range p.seen.most {
		if p.perHost > 0 && most > p.perHost {
			faults = append(faults, fmt.Sprintf("%d attempts were under way to %s, not %d", most, host, p.perHost))
		}
	}
	for name, pause := range p.seen.pauses {
		faults = append(faults, pause.faults...)
		if p.ill {
			continue // the engine may learn late of older events
		}
		for _, probe := range pause.probes {
			faults = append(faults, p.older(name, probe)...)
		}
	}
	return faults
}

// older says which events should have gone alone after a pause instead of a younger one:
// those that nothing held up, and that were due no later. Called with the witness's lock held.
func (p *player) older(name string, probe probe) (faults []string) {
	for i, event := range p.published {
		switch tally := p.seen.tally[name+" "+event.ID]; {
		case event.ID == probe.id:
			return faults
		case tally == nil || p.touched[event.ID] > 0 || probe.at.Sub(p.times[i]) < time.Second:
		case tally.first.After(probe.at) && p.subjects[i] == "" || slices.Contains(probe.due, event.ID):
			faults = append(faults, fmt.Sprintf("%s went alone to %s after a pause, before %s", probe.id, name, event.ID))
		}
	}
	return faults
}

// deaf is a client that hides from the engine what receivers ask for.
type deaf struct{ *receivers }

func (d deaf) Do(r *http.Request) (*http.Response, error) {
	response, err := d.receivers.Do(r)
	if err == nil {
		response.Header.Del("Retry-After")
	}
	return response, err
}

// forgetful is a store that does not keep what receivers ask for.
type forgetful struct{ deliver.Store }

func (f forgetful) Finish(ctx context.Context, outcomes []*webhook.Outcome) ([]*webhook.Outcome, error) {
	for _, o := range outcomes {
		o.RetryAfter = webhook.RetryAfter{}
	}
	return f.Store.Finish(ctx, outcomes)
}

// stubborn is a store that never tells the engine that a pause was ended.
type stubborn struct {
	deliver.Store
	longest *sync.Map // of [webhook.RetryAfter], by webhook
}

func (s stubborn) Finish(ctx context.Context, outcomes []*webhook.Outcome) ([]*webhook.Outcome, error) {
	for _, o := range outcomes {
		if !o.RetryAfter.IsZero() {
			s.longest.Store(o.Work.Key.Webhook, o.RetryAfter)
		}
	}
	return s.Store.Finish(ctx, outcomes)
}

func (s stubborn) Receiver(ctx context.Context, seq int64) (*webhook.Receiver, error) {
	receiver, err := s.Store.Receiver(ctx, seq)
	if err != nil {
		return receiver, err
	}
	if longest, found := s.longest.Load(seq); found {
		receiver.RetryAfter, _ = longest.(webhook.RetryAfter)
	}
	return receiver, nil
}

// TestJudgeOfPauses plays stories in a world with a bug that the judge must see, and in
// one without.
func TestJudgeOfPauses(t *testing.T) {
	asks := []step{
		{Do: "publish", Wait: time.Second}, {Do: "receiver asks for hours"}, {Do: "publish", Wait: time.Second},
		{Do: "publish"}, {Do: "publish", Wait: time.Minute},
	}
	then := func(steps ...step) []step { return append(append([]step(nil), asks...), steps...) }
	for name, test := range map[string]struct {
		story story
		bug   func(*player)
		fault string
	}{
		"the engine does not hear what the receiver asks for": {story{Webhooks: 1, Retries: 20, Steps: asks},
			func(p *player) { p.client = deaf{p.to} }, "before the end of its pause"},
		"a pause is forgotten by a restart": {story{Webhooks: 1, Retries: 20, Steps: then(step{Do: "restart", Wait: time.Minute})},
			func(p *player) { p.between = func(s deliver.Store) deliver.Store { return forgetful{s} } }, "before the end of its pause"},
		"a person's retry does not end the pause": {story{Webhooks: 1, Retries: 20, Steps: then(step{Do: "receiver is well"}, step{Do: "retry", Wait: time.Hour})},
			func(p *player) {
				longest := new(sync.Map)
				p.between = func(s deliver.Store) deliver.Store { return stubborn{s, longest} }
			}, "nothing came in"},
		"the bound of a host is not kept": {story{Webhooks: 2, Retries: 20, PerHost: 2, Shared: true, Steps: []step{
			{Do: "publish", Wait: time.Second}, {Do: "flood"}, {Do: "receiver is slow"}, {Do: "publish"}, {Do: "publish", Wait: time.Minute}}},
			func(p *player) { p.opts.MaxPerHost = 20 }, "attempts were under way to shared"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, bug := range []func(*player){nil, test.bug} {
				var faults []string
				synctest.Test(t, func(t *testing.T) { faults = playWith(t, test.story, bug) })
				if found := strings.Contains(strings.Join(faults, "\n"), test.fault); found != (bug != nil) || !found && len(faults) > 0 {
					t.Errorf("with the bug %t the judge says %q", bug != nil, faults)
				}
			}
		})
	}
}

// seconds writes a Retry-After header; none for 0.
func seconds(d time.Duration) http.Header {
	if d == 0 {
		return nil
	}
	return http.Header{"Retry-After": {strconv.Itoa(int(d / time.Second))}}
}
