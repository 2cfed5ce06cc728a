package main

import (
	"context"
	"log/slog"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/webhook"
)

// observe writes one line an attempt, with everything on it. What needs somebody
// is a warning: a delivery that is dead, a webhook that its receiver has ended.
// Of URLs the line has scheme and host, and the rest with payloads only. id makes
// the public id of a delivery.
func observe(log *slog.Logger, payloads bool, id func(webhook.DeliveryKey) string) func(deliver.Observation) {
	return func(o deliver.Observation) {
		level, message, state := slog.LevelInfo, "attempt", o.Outcome.Shown()
		switch {
		case o.Panic != nil:
			level, message = slog.LevelError, "attempt panicked"
		case state == webhook.Delivered:
			level = slog.LevelDebug
		case state == webhook.Dead || o.Outcome.Disable != "":
			level = slog.LevelWarn
		}
		if !log.Enabled(context.Background(), level) {
			return
		}
		t, url, text := o.Outcome.Attempt, webhook.HideURL, webhook.HideURLs
		if payloads {
			url, text = same, same
		}
		attrs := []slog.Attr{
			slog.String("delivery", id(o.Work.Key)), slog.String("event", o.Work.EventID), slog.String("type", o.Work.Type),
			slog.String("organization", o.Receiver.Organization), slog.String("webhook", o.Receiver.Name), slog.String("url", url(t.URL)),
			slog.Int("attempt", t.N), slog.Int("status", t.Status), slog.Float64("duration_ms", float64(t.Duration.Microseconds())/1000), slog.String("state", string(state)),
		}
		for _, a := range []slog.Attr{slog.String("error", text(t.Error)), slog.String("reason", text(o.Outcome.Reason)), slog.String("disabled", o.Outcome.Disable)} {
			if a.Value.String() != "" {
				attrs = append(attrs, a)
			}
		}
		if state == webhook.Pending {
			attrs = append(attrs, slog.Time("next", o.Outcome.Due.Truncate(time.Millisecond)))
		}
		if o.Panic != nil {
			attrs = append(attrs, slog.String("panic", o.Panic.What), slog.String("stack", o.Panic.Stack))
		}
		if payloads {
			attrs = append(attrs, slog.String("body", string(o.Work.Bytes)), slog.String("response", string(t.Response)))
		}
		log.LogAttrs(context.Background(), level, message, attrs...)
	}
}

func same(text string) string { return text }
