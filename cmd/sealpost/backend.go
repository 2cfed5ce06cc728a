package main

import (
	"context"

	"sealpost/internal/admin"
	"sealpost/internal/guard"
	"sealpost/internal/secret"
	"sealpost/internal/server"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// backend is what the webhook, publish, event and delivery commands work on:
// the database file, or with --server a daemon. Both answer alike.
type backend interface {
	Create(ctx context.Context, organization, name string, patch *webhook.Patch, value secret.Text, ifAbsent bool) (admin.Created, error)
	Get(ctx context.Context, organization, name string) (webhook.Webhook, error)
	List(ctx context.Context, organization string) ([]webhook.Webhook, error)
	Update(ctx context.Context, organization, name string, patch *webhook.Patch, ifMatch string) (webhook.Config, error)
	Put(ctx context.Context, organization, name string, patch *webhook.Patch, ifMatch string) (admin.Created, bool, error)
	Rotate(ctx context.Context, organization, name string, rotation webhook.Rotation) (admin.Rotated, error)
	Delete(ctx context.Context, organization, name, ifMatch string) error
	Publish(ctx context.Context, batch []admin.PublishParams) ([]webhook.Publishing, error)
	Event(ctx context.Context, organization, id string) (webhook.Event, error)
	GiveReceipt(ctx context.Context, organization, id string, given webhook.GivenReceipt) (webhook.Event, error)
	Events(ctx context.Context, q webhook.EventQuery) ([]webhook.Event, string, error)
	Resend(ctx context.Context, organization, id string, to []string) (webhook.Publishing, error)
	ResendMissing(ctx context.Context, organization string, q webhook.MissingQuery) (webhook.Progress, error)
	ListDeliveries(ctx context.Context, q webhook.DeliveryQuery) ([]webhook.Delivery, string, error)
	Delivery(ctx context.Context, organization, id string) (webhook.Delivery, error)
	Retry(ctx context.Context, organization, id string) (webhook.Delivery, error)
	CancelDelivery(ctx context.Context, organization, id string) (webhook.Delivery, error)
	Close() error
}

var (
	_ backend = (*local)(nil)
	_ backend = (*server.Client)(nil)
)

// backend opens what the settings name; create lets the database be made.
func (a *app) backend(ctx context.Context, create bool) (backend, error) {
	c, err := a.config()
	if err != nil {
		return nil, err
	}
	if c.Server == "" {
		l, err := a.localIn(ctx, create)
		if err != nil {
			return nil, err
		}
		l.PlainIDs = true
		return l, nil
	}
	client, err := guard.Pinned(c.Server, guard.PinnedOptions{CAFile: c.Egress.CAFile})
	if err != nil {
		return nil, &usageError{"--server: " + err.Error(), "for instance --server https://hooks.example.com"}
	}
	header := login{Token: c.Token.Reveal()}.header()
	if c.Token.IsZero() {
		if header, err = a.credential(c.Server); err != nil {
			return nil, err
		}
	}
	header.Set("User-Agent", userAgent())
	remote := server.NewClient(c.Server, client, header)
	if err := a.sameOrganization(ctx, remote); err != nil {
		_ = remote.Close()
		return nil, err
	}
	return remote, nil
}

// openFile opens the database for a command that works on it alone.
func (a *app) openFile(ctx context.Context, what string, create bool) (*store.Store, error) {
	if err := a.onFile(what); err != nil {
		return nil, err
	}
	return a.open(ctx, create)
}

// onFile refuses --server for a command that works on the database alone.
func (a *app) onFile(what string) error {
	c, err := a.config()
	if err == nil && c.Server != "" {
		return &usageError{what + " works on the database file, not on a server", "leave --server and SEALPOST_SERVER out, on the server's own machine"}
	}
	return err
}
