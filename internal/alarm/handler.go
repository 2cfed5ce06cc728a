package alarm

import (
	"context"
	"log/slog"
)

// Handler makes a handler that reports what is logged as an error, and hands
// everything to inner. What logs needs to know nothing of it.
func (a *Alarm) Handler(inner slog.Handler) slog.Handler {
	if a == nil {
		return inner
	}
	return handler{alarm: a, inner: inner}
}

type handler struct {
	alarm *Alarm
	inner slog.Handler
	attrs []slog.Attr
}

func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelError || h.inner.Enabled(ctx, level)
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		attrs := append([]slog.Attr(nil), h.attrs...)
		r.Attrs(func(attr slog.Attr) bool {
			attrs = append(attrs, attr)
			return true
		})
		h.alarm.Tell(r.Message, attrs...)
	}
	if !h.inner.Enabled(ctx, r.Level) {
		return nil
	}
	return h.inner.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.alarm, h.inner.WithAttrs(attrs), append(append([]slog.Attr(nil), h.attrs...), attrs...)}
}

// WithGroup leaves the names that are looked for as they are.
func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.alarm, h.inner.WithGroup(name), h.attrs}
}
