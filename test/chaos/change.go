package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"sealpost/test/judge"
)

// takesEffect is how long after a change by another process the daemon may
// still start attempts by what it knew before, and how long those may need to
// arrive on a busy machine.
const takesEffect = 2 * time.Second

// change rotates, moves, disables, enables and deletes webhooks whose
// deliveries are queued and in flight. Each one's receiver is so slow that a
// queue builds up before it.
func change(ctx context.Context, w *world) error {
	w.client.to = []string{"rotated", "moved", "parked"} // "gone" loses what it has
	for _, name := range []string{"rotated", "moved", "parked", "gone"} {
		w.receiver.behave(name, slow(30*time.Millisecond))
	}
	w.receiver.behave("gone", slow(300*time.Millisecond)) // far from done when it goes
	if err := w.start(ctx); err != nil {
		return err
	}
	stop := w.client.load(3)
	defer stop()
	for range 3 {
		pass(ctx, 100*time.Millisecond)
		if err := w.rotate(ctx, "rotated"); err != nil {
			return err
		}
	}
	if err := w.move(ctx, "moved"); err != nil {
		return err
	}
	enable, err := w.disable(ctx, "parked")
	if err != nil {
		return err
	}
	if err := w.json(ctx, nil, "webhook", "delete", "gone", "-y"); err != nil {
		return err
	}
	w.leave(w.receiver.url("gone"))
	w.putAway["gone"] = true
	pass(ctx, takesEffect+200*time.Millisecond)
	stop()
	if w.client.many(3) != 3 {
		return errors.New("the daemon takes no events after the changes")
	}
	if err := enable(); err != nil {
		return err
	}
	if err := end(ctx, w); err != nil {
		return err
	}
	return w.allWent(ctx)
}

// leave notes that nothing may come to a URL from now on.
func (w *world) leave(url string) {
	w.closed[url] = append(w.closed[url], judge.Span{From: time.Now().Add(takesEffect)})
}

// rotate gives a webhook another secret at once: what is queued is signed with
// that, and nothing with the old one any more.
func (w *world) rotate(ctx context.Context, name string) error {
	var rotated struct{ Secret string }
	if err := w.json(ctx, &rotated, "webhook", "rotate", name, "--now"); err != nil {
		return err
	}
	secrets := w.secrets[name]
	secrets[len(secrets)-1].Ends = time.Now().Add(takesEffect)
	w.secrets[name] = append(secrets, judge.Secret{Value: rotated.Secret})
	return nil
}

// move gives a webhook another URL, over the API: what is queued goes there.
func (w *world) move(ctx context.Context, name string) error {
	old := w.receiver.url(name)
	next := w.receiver.url("elsewhere/" + name)
	if code, err := w.client.do(http.MethodPatch, "/api/webhook/"+name, fmt.Sprintf(`{"url":%q}`, next), nil); err != nil || code != http.StatusOK {
		return fmt.Errorf("moving a webhook: status %d: %w", code, err)
	}
	w.leave(old)
	return ctx.Err()
}

// disable parks a webhook's deliveries until enable is called.
func (w *world) disable(ctx context.Context, name string) (enable func() error, err error) {
	if err := w.json(ctx, nil, "webhook", "update", name, "--disable"); err != nil {
		return nil, err
	}
	url, from := w.receiver.url(name), time.Now().Add(takesEffect)
	return func() error {
		var page struct{ Data []struct{ State string } }
		if code, err := w.client.do(http.MethodGet, "/api/delivery?state=parked&limit=1&webhook="+name, "", &page); err != nil || code != http.StatusOK || len(page.Data) == 0 {
			return fmt.Errorf("no delivery of a disabled webhook is shown as parked: status %d: %w", code, err)
		}
		w.closed[url] = append(w.closed[url], judge.Span{From: from, To: time.Now()})
		return w.json(ctx, nil, "webhook", "update", name, "--enable")
	}, nil
}

// allWent wants everything to have been delivered, but what was to a webhook
// that is gone.
func (w *world) allWent(ctx context.Context) error {
	file, err := w.look(ctx)
	if err != nil {
		return err
	}
	for _, e := range file.Events {
		for _, d := range e.Deliveries {
			if d.State != judge.Delivered && (d.Webhook != "gone" || d.State != judge.Cancelled) {
				return fmt.Errorf("%s to %s is %s", e.ID, d.Webhook, d.State)
			}
		}
	}
	for _, r := range w.receiver.log() {
		if strings.HasSuffix(r.URL, "/elsewhere/moved") {
			return nil
		}
	}
	return errors.New("nothing came to the new URL of a webhook that had moved")
}
