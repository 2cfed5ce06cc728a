package store

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"

	"sealpost/internal/webhook"
)

// Glance is a look at a database file that leaves no trace: no file is made
// beside it and none is written. A shell that completes a word needs no more.
type Glance struct{ store Store }

// OpenGlance opens an existing file to be looked at. While nobody has it open
// there is no write-ahead log, and SQLite would make one to read by; immutable
// keeps it from that. What is read is then what was there a moment ago. A file
// that can't be read this way, an older schema among it, fails at the first look.
func OpenGlance(path string) (*Glance, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, missing(path)
	}
	q := url.Values{"mode": {"ro"}}
	if _, err := os.Stat(path + "-wal"); err != nil {
		q.Set("immutable", "1")
	}
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(mustAbs(path)), RawQuery: q.Encode()}).String()
	read, err := sql.Open(driverName, dsn)
	if err != nil {
		return nil, fault(path, err)
	}
	g := &Glance{}
	g.store.path, g.store.lists.db, g.store.read = path, read, read
	return g, nil
}

// Close ends the look.
func (g *Glance) Close() error { return g.store.closeReaders() }

// Webhooks lists an organization's webhooks, as [Store.Webhooks] does.
func (g *Glance) Webhooks(ctx context.Context, organization string) ([]webhook.Webhook, error) {
	return g.store.Webhooks(ctx, organization)
}

// Deliveries lists a page of deliveries, as [Store.Deliveries] does.
func (g *Glance) Deliveries(ctx context.Context, q webhook.DeliveryQuery) ([]webhook.Delivery, string, error) {
	return g.store.Deliveries(ctx, q)
}
