package admin

import (
	"context"
	"time"

	"sealpost/internal/webhook"
)

// Deliveries is what the use cases around events and deliveries need of the
// database.
type Deliveries interface {
	Event(ctx context.Context, organization, id string) (webhook.Event, error)
	Events(ctx context.Context, q webhook.EventQuery) ([]webhook.Event, string, error)
	Attach(ctx context.Context, organization, id string, outcome webhook.ReceiptOutcome, now time.Time) error
	WatchReceipt(ctx context.Context, organization, id, hash string, until time.Time) error
	WaiveReceipt(ctx context.Context, organization, id string, now time.Time) error
	Resend(ctx context.Context, organization, id string, to []string, now time.Time) (webhook.Publishing, error)
	ResendMissing(ctx context.Context, organization string, q webhook.MissingQuery, now time.Time) (webhook.Progress, error)
	EventDeliveries(ctx context.Context, event int64) ([]webhook.Delivery, error)
	Deliveries(ctx context.Context, q webhook.DeliveryQuery) ([]webhook.Delivery, string, error)
	DeliveryKey(ctx context.Context, id string, plain bool) (webhook.DeliveryKey, error)
	Delivery(ctx context.Context, organization string, key webhook.DeliveryKey) (webhook.Delivery, error)
	RetryDelivery(ctx context.Context, organization string, key webhook.DeliveryKey, now time.Time) error
	CancelDelivery(ctx context.Context, organization string, key webhook.DeliveryKey) error
	Decline(ctx context.Context, organization, transaction, reason string, now time.Time) error
}

// Event finds an event by id.
func (s *Service) Event(ctx context.Context, organization, id string) (webhook.Event, error) {
	return s.Deliver.Event(ctx, organization, id)
}

// Events lists events, the newest first, and where the next page begins.
func (s *Service) Events(ctx context.Context, q webhook.EventQuery) ([]webhook.Event, string, error) {
	return s.Deliver.Events(ctx, q)
}

// Resend sends an event once more to the webhooks that want it today, or to
// those of them that are named.
func (s *Service) Resend(ctx context.Context, organization, id string, to []string) (webhook.Publishing, error) {
	return s.Deliver.Resend(ctx, organization, id, to, s.Now().UTC().Truncate(time.Millisecond))
}

// ResendMissing sends to webhooks what they missed while too many deliveries were
// parked. One call looks at no more than 10,000 events and says where the next one
// goes on. Whoever repeats a call sends nothing twice.
func (s *Service) ResendMissing(ctx context.Context, organization string, q webhook.MissingQuery) (webhook.Progress, error) {
	return s.Deliver.ResendMissing(ctx, organization, q, s.Now().UTC().Truncate(time.Millisecond))
}

// ListDeliveries lists deliveries, those of the newest events first, and where
// the next page begins.
func (s *Service) ListDeliveries(ctx context.Context, q webhook.DeliveryQuery) ([]webhook.Delivery, string, error) {
	return s.Deliver.Deliveries(ctx, q)
}

// Delivery finds a delivery by id, with its attempts.
func (s *Service) Delivery(ctx context.Context, organization, id string) (webhook.Delivery, error) {
	return s.delivery(ctx, organization, id, func(webhook.DeliveryKey) error { return nil })
}

// Retry makes a delivery due at once and returns it as it is then.
func (s *Service) Retry(ctx context.Context, organization, id string) (webhook.Delivery, error) {
	return s.delivery(ctx, organization, id, func(key webhook.DeliveryKey) error {
		return s.Deliver.RetryDelivery(ctx, organization, key, s.Now().UTC().Truncate(time.Millisecond))
	})
}

// CancelDelivery ends a delivery that is pending or parked, and returns it as
// it is then.
func (s *Service) CancelDelivery(ctx context.Context, organization, id string) (webhook.Delivery, error) {
	return s.delivery(ctx, organization, id, func(key webhook.DeliveryKey) error {
		return s.Deliver.CancelDelivery(ctx, organization, key)
	})
}

// delivery changes a delivery, which is named by its public id, and returns it as
// it is then.
func (s *Service) delivery(ctx context.Context, organization, id string, change func(webhook.DeliveryKey) error) (d webhook.Delivery, err error) {
	key, err := s.Deliver.DeliveryKey(ctx, id, s.PlainIDs)
	if err == nil {
		err = change(key)
	}
	if err == nil {
		d, err = s.Deliver.Delivery(ctx, organization, key)
	}
	if webhook.CodeOf(err) == webhook.CodeNotFound {
		return d, webhook.NoDelivery(id) // by the name that was given: an old id does not tell the new one
	}
	return d, err
}

// GiveReceipt carries out what somebody says of the receipt of an event that
// waits for one, and returns the event. To watch for a transaction needs a node;
// without one it is [webhook.CodeBadRequest].
func (s *Service) GiveReceipt(ctx context.Context, organization, id string, given webhook.GivenReceipt) (webhook.Event, error) {
	if err := s.CheckReceipt(given); err != nil {
		return webhook.Event{}, err
	}
	now := s.Now()
	var err error
	switch {
	case given.None:
		err = s.Deliver.WaiveReceipt(ctx, organization, id, now)
	case given.Outcome != nil:
		err = s.Deliver.Attach(ctx, organization, id, *given.Outcome, now)
	default:
		err = s.Deliver.WatchReceipt(ctx, organization, id, given.Watch, s.holdUntil(now))
	}
	if err != nil {
		return webhook.Event{}, err
	}
	return s.Deliver.Event(ctx, organization, id)
}

// CheckReceipt refuses to watch for a transaction where no node is asked.
func (s *Service) CheckReceipt(given webhook.GivenReceipt) error {
	if given.Watch == "" || s.Node {
		return nil
	}
	return webhook.Errorf(webhook.CodeBadRequest, "no Ethereum node is configured (receipts.rpc_url), so nobody would watch for the transaction").
		WithHint("give the whole receipt: transactionHash, blockNumber and status")
}

// Decline leaves the reason for which a platform declined a transaction, for the
// events that its provider will send of it.
func (s *Service) Decline(ctx context.Context, organization string, d webhook.Decline) error {
	return s.Deliver.Decline(ctx, organization, d.Transaction, d.Reason, s.Now())
}
