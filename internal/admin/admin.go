// Package admin holds what people do with sealpost: register a webhook, rotate
// its secret, publish an event, follow a delivery. It is the one core that the
// command line and the HTTP API share, so both judge alike and answer alike.
//
// The order of checks is part of the contract and kept here: the name, then
// the URLs, then whether the thing is there. Who may do what is asked before,
// by package access.
package admin

import (
	"context"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// Store is what the use cases need of the database. Its methods own their
// transactions; see package store for what each promises.
type Store interface {
	Webhooks(ctx context.Context, organization string) ([]webhook.Webhook, error)
	Webhook(ctx context.Context, organization, name string) (webhook.Webhook, error)
	CreateWebhook(ctx context.Context, organization string, config webhook.Config, value secret.Text, now time.Time) error
	ChangeWebhook(ctx context.Context, organization, name string, value secret.Text, now time.Time,
		change func(found *webhook.Webhook) (*webhook.Config, error)) (result webhook.Config, created bool, err error)
	DeleteWebhook(ctx context.Context, organization, name string, now time.Time, check func(webhook.Webhook) error) error
	Rotate(ctx context.Context, organization, name string, rotation webhook.Rotation, now time.Time) (until time.Time, err error)
	Secrets(ctx context.Context, organization, name string) ([]webhook.SigningSecret, error)
	Publish(ctx context.Context, batch []webhook.Publication) ([]webhook.Publishing, error)
}

// Verdict says whether a URL may be called.
type Verdict struct {
	URL     string
	Allowed bool
	Reason  string // stable code of the contract, part 7; empty when allowed
	Message string // may name addresses of the daemon's own network: for its machine only
	Outside string // the reason in words, for everybody
}

// Guard judges URLs when they are stored.
type Guard interface {
	Check(ctx context.Context, url string) Verdict
}

// Catalog knows event types and their shapes.
type Catalog interface {
	// Check returns the faults of a body for a type, one line each; none for
	// a type that it does not know, unless it is strict.
	Check(eventType string, body []byte) []string
	// Has reports whether it knows a type.
	Has(eventType string) bool
}

// Service carries out the use cases.
type Service struct {
	Store   Store
	Deliver Deliveries
	Guard   Guard
	Catalog Catalog // nil knows no types
	Now     func() time.Time
	MaxBody int           // bytes of a whole event, as sent; 0 means 1 MiB
	Hold    time.Duration // how long an event waits for its receipt; 0 means a day

	PlainIDs bool // ids of deliveries may be plain numbers, also of new ones: for the command line on the file
	Node     bool // an Ethereum node is asked for receipts
}

// DefaultMaxBody bounds an event's bytes.
const DefaultMaxBody = 1 << 20
