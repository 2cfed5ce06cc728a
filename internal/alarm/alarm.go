// Package alarm tells a Sentry server what an operator has to see: panics and
// faults of the tool itself, and deliveries that ended dead.
//
// What leaves the machine is chosen by name: a message that is a constant of
// this program, and the attributes in the list [told]. Bodies, URLs' paths and
// secrets are on no list, and error texts lose whatever looks like a URL but
// for its origin.
//
// Telling never holds anybody up. [Alarm.Tell] puts a report into a bounded
// queue or drops it, one goroutine sends them one after the other, and how many
// were dropped is told when there is room again.
package alarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/getsentry/sentry-go"

	"sealpost/internal/secret"
)

// room is how many reports may wait to be sent.
const room = 64

// Options are where reports go, and as whose.
type Options struct {
	DSN     secret.Text  // https://KEY@HOST/PROJECT, as Sentry shows it
	Client  *http.Client // calls that origin and nothing else, with a timeout of its own
	Release string
}

// Alarm sends reports until it is closed. A nil one tells nobody.
type Alarm struct {
	client  *sentry.Client
	reports chan *sentry.Event
	dropped atomic.Int64
	life    context.Context // ends when what is left is given up
	giveUp  context.CancelFunc
	closing chan struct{}
	done    chan struct{}
}

// New makes an alarm and starts its goroutine; [Alarm.Close] ends it. The error
// repeats nothing of the DSN.
func New(opts Options) (*Alarm, error) {
	a := &Alarm{reports: make(chan *sentry.Event, room), closing: make(chan struct{}), done: make(chan struct{})}
	a.life, a.giveUp = context.WithCancel(context.Background())
	client, err := sentry.NewClient(sentry.ClientOptions{
		Dsn: opts.DSN.Reveal(), Release: opts.Release, HTTPClient: opts.Client, Transport: transport{sentry.NewHTTPSyncTransport(), a.life},
		DisableTelemetryBuffer: true, DisableClientReports: true,
		Integrations: func([]sentry.Integration) []sentry.Integration { return nil }, // they would tell of the machine and its environment
	})
	if err != nil {
		a.giveUp()
		return nil, errors.New("sentry.dsn is no DSN: it has the form https://KEY@HOST/PROJECT, and Sentry shows it among the project's client keys")
	}
	a.client = client
	go a.send()
	return a, nil
}

// transport sends one report at a time, until life ends.
type transport struct {
	*sentry.HTTPSyncTransport
	life context.Context
}

func (t transport) SendEvent(event *sentry.Event) { t.SendEventWithContext(t.life, event) }

// Close sends what is left until ctx ends, and then gives up.
func (a *Alarm) Close(ctx context.Context) {
	if a == nil {
		return
	}
	close(a.closing)
	select {
	case <-a.done:
	case <-ctx.Done():
		a.giveUp()
		<-a.done
	}
	a.giveUp()
}

// told are the attributes that may leave the machine.
var told = []string{
	"attempt", "attempts", "delivery", "error", "event", "events", "organization", "outcomes", "panic", "reason", "route", "stack", "state", "status",
	"try", "type", "webhook",
}

// Tell reports something under a constant message. Attributes that are not in
// the list are left out.
func (a *Alarm) Tell(message string, attrs ...slog.Attr) {
	if a == nil {
		return
	}
	details := sentry.Context{}
	for _, attr := range attrs {
		if slices.Contains(told, attr.Key) {
			details[attr.Key] = scrub(attr.Value.Resolve().String())
		}
	}
	event := sentry.NewEvent()
	event.Level, event.Logger, event.Message, event.Timestamp = sentry.LevelError, "sealpost", message, time.Now()
	event.Fingerprint = fingerprint(message, details)
	event.Contexts["sealpost"] = details
	select {
	case a.reports <- event:
	default:
		a.dropped.Add(1)
	}
}

// fingerprint groups reports: one issue a cause, not one a delivery. Webhooks of
// two organizations may have the same name, so the organization is part of it.
// An attribute that a report does not have is left out.
func fingerprint(message string, details sentry.Context) []string {
	parts := []string{message}
	for _, key := range []string{"organization", "webhook", "route", "panic"} {
		if value, has := details[key]; has {
			parts = append(parts, key+"="+fmt.Sprint(value))
		}
	}
	return parts
}

// beyondOrigin is what follows scheme and host of a URL, user name included.
var beyondOrigin = regexp.MustCompile(`(https?://)(?:[^\s"'/?#@]*@)?([^\s"'/?#]*)[^\s"']*`)

// scrub leaves of each URL in a text its origin.
func scrub(text string) string { return beyondOrigin.ReplaceAllString(text, "$1$2") }

// send sends reports one after the other, until the alarm is closed and nothing
// is left.
func (a *Alarm) send() {
	defer close(a.done)
	for {
		select {
		case event := <-a.reports:
			a.capture(event)
		case <-a.closing:
			for {
				select {
				case event := <-a.reports:
					a.capture(event)
				default:
					return
				}
			}
		}
	}
}

func (a *Alarm) capture(event *sentry.Event) {
	if a.life.Err() != nil {
		return
	}
	a.client.CaptureEvent(event, &sentry.EventHint{}, nil)
	if n := a.dropped.Swap(0); n > 0 {
		event := sentry.NewEvent()
		event.Level, event.Logger, event.Message = sentry.LevelWarning, "sealpost", "reports were left out: there were too many at once"
		event.Contexts["sealpost"] = sentry.Context{"reports": n}
		a.client.CaptureEvent(event, &sentry.EventHint{}, nil)
	}
}
