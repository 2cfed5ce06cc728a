package main

import (
	"context"
	"log/slog"
	"net/url"
	"runtime/debug"
	"time"

	"sealpost/internal/alarm"
	"sealpost/internal/config"
	"sealpost/internal/deliver"
	"sealpost/internal/guard"
	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

const (
	alarmTime  = 5 * time.Second // of one report
	alarmGrace = 2 * time.Second // for what is left at the end
)

// newAlarm makes what tells Sentry; nil when nobody asked for it. Its client
// calls the DSN's own origin and nothing else.
func newAlarm(c *config.Config) (*alarm.Alarm, error) {
	if c.Sentry.DSN.IsZero() {
		return nil, nil
	}
	dsn, err := url.Parse(c.Sentry.DSN.Reveal())
	if err != nil {
		return nil, &usageError{"sentry.dsn is no URL", "Sentry shows it among the project's client keys"} // err would show it
	}
	client, err := guard.Pinned((&url.URL{Scheme: dsn.Scheme, Host: dsn.Host}).String(), guard.PinnedOptions{CAFile: c.Egress.CAFile, Timeout: alarmTime})
	if err != nil {
		return nil, &usageError{"sentry.dsn: " + err.Error(), "Sentry shows it among the project's client keys"}
	}
	told, err := alarm.New(alarm.Options{DSN: c.Sentry.DSN, Client: client, Release: "sealpost@" + version})
	if err != nil {
		return nil, &usageError{err.Error(), ""}
	}
	return told, nil
}

// endAlarm lets what is left be told, within bounds, a panic on its way out among
// it.
func endAlarm(told *alarm.Alarm) {
	value := recover()
	if value != nil {
		told.Tell("the daemon panicked", slog.String("panic", secret.Panic(value)), slog.String("stack", string(debug.Stack())))
	}
	ctx, cancel := context.WithTimeout(context.Background(), alarmGrace)
	defer cancel()
	told.Close(ctx)
	if value != nil {
		panic(value)
	}
}

// tellDead tells of a delivery that ended dead. One that panicked is told of by
// its line in the log.
func tellDead(told *alarm.Alarm, o deliver.Observation, id func(webhook.DeliveryKey) string) {
	if o.Outcome.State != webhook.Dead || o.Panic != nil {
		return
	}
	told.Tell("a delivery is dead",
		slog.String("delivery", id(o.Work.Key)), slog.String("event", o.Work.EventID), slog.String("type", o.Work.Type),
		slog.String("organization", o.Receiver.Organization), slog.String("webhook", o.Receiver.Name),
		slog.Int("attempts", o.Outcome.Attempt.N), slog.Int("status", o.Outcome.Attempt.Status), slog.String("reason", o.Outcome.Reason))
}

// tellDisabled tells of a webhook that sealpost has disabled: its deliveries are parked
// until a person enables it.
func tellDisabled(told *alarm.Alarm, r *webhook.Receiver, o *webhook.Outcome) {
	told.Tell("a webhook was disabled",
		slog.String("organization", r.Organization), slog.String("webhook", r.Name), slog.String("reason", o.Disabled),
		slog.String("delivery", o.Work.Key.String()), slog.String("event", o.Work.EventID), slog.String("type", o.Work.Type),
		slog.Int("status", o.Attempt.Status), slog.String("error", o.Attempt.Error))
}
