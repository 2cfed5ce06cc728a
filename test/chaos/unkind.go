package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// unkind are receivers that misbehave, and then relent.
var unkind = map[string]behaviour{
	"hang":     first(1, hang),
	"reset":    first(2, reset),
	"redirect": first(2, status(http.StatusFound, "Location", "http://127.0.0.1:1/elsewhere")),
	"retry":    first(2, status(http.StatusTooManyRequests, "Retry-After", "0")),
	"never":    first(1, status(http.StatusServiceUnavailable, "Retry-After", "nonsense")),
	"garbage":  first(2, raw("this is no HTTP\r\n\r\n")),
	"headers":  first(2, endlessHeaders),
	"drip":     drip,
	"dead":     status(http.StatusInternalServerError),
	"good":     nil,
}

func receiverNames() (list []string) {
	for name := range unkind {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// endlessHeaders sends more headers than anybody would read.
func endlessHeaders(_ int, w http.ResponseWriter, _ *http.Request) int {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return 0
	}
	defer conn.Close() //nolint:errcheck // it is cut in any case
	_, err = fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n")
	for n := 0; err == nil && n < 100_000; n++ {
		_, err = fmt.Fprintf(conn, "X-%d: storm\r\n", n)
	}
	return 0
}

// receivers sends the same events to all kinds of receivers.
func receivers(ctx context.Context, w *world) error {
	for name, b := range unkind {
		w.receiver.behave(name, b)
	}
	if err := w.start(ctx); err != nil {
		return err
	}
	if n := w.client.many(6); n != 6 {
		return fmt.Errorf("only %d of 6 events were taken", n)
	}
	if err := end(ctx, w); err != nil {
		return err
	}
	if n := w.receiver.count("dead"); n != 6*policy.Attempts {
		return fmt.Errorf("a receiver that always fails was called %d times, not %d", n, 6*policy.Attempts)
	}
	return nil
}
