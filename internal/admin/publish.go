package admin

import (
	"context"
	"fmt"
	"time"

	"sealpost/internal/webhook"
)

// PublishParams is one event to publish.
type PublishParams struct {
	Organization string
	Draft        *webhook.Draft
	To           []string // names of the only webhooks to send to; nil for all that want it
	Publisher    string   // token that publishes, when that one sees its own alone
	Direct       string   // claim of a process that delivers it itself
	AsOf         uint64   // see [webhook.Publication]
	Named        bool     // see [webhook.Publication]
}

// Publish stores events and their deliveries; each is answered by itself, in
// order, in Publishing.Err. The error is that of the database.
func (s *Service) Publish(ctx context.Context, batch []PublishParams) ([]webhook.Publishing, error) {
	results := make([]webhook.Publishing, len(batch))
	publications := make([]webhook.Publication, 0, len(batch))
	places := make([]int, 0, len(batch))
	now := s.Now().UTC().Truncate(time.Millisecond)
	for i, p := range batch {
		if err := s.Validate(p.Draft); err != nil {
			results[i] = webhook.Publishing{ID: p.Draft.ID, Err: err}
			continue
		}
		if p.Draft.ID == "" {
			p.Draft.ID = webhook.NewEventID(now)
		}
		publications = append(publications, webhook.Publication{
			Organization: p.Organization, Draft: p.Draft, To: p.To, At: now, HoldUntil: s.holdUntil(now), Publisher: p.Publisher, Direct: p.Direct, AsOf: p.AsOf, Named: p.Named,
		})
		places = append(places, i)
	}
	if len(publications) == 0 {
		return results, nil
	}
	stored, err := s.Store.Publish(ctx, publications)
	if err != nil {
		return nil, err
	}
	for i, result := range stored {
		result.Unwatched = publications[i].Draft.Watch != "" && !s.Node && result.State == webhook.Held
		results[places[i]] = result
	}
	return results, nil
}

// holdUntil is when an event that waits for its receipt is given up.
func (s *Service) holdUntil(now time.Time) time.Time {
	if s.Hold == 0 {
		return now.Add(24 * time.Hour)
	}
	return now.Add(s.Hold)
}

// Validate judges an event by its size and by the catalog.
func (s *Service) Validate(d *webhook.Draft) error {
	most := s.MaxBody
	if most == 0 {
		most = DefaultMaxBody
	}
	if size := max(len(d.Body), len(d.Whole)); size > most {
		return webhook.Errorf(webhook.CodeTooLarge, fmt.Sprintf("the event has %d bytes; at most %d are taken", size, most)).
			WithHint("send a reference instead of the data, or raise publish.max_body")
	}
	if s.Catalog == nil || d.Whole != nil {
		return nil // a whole event given by hand is sent as it is
	}
	if faults := s.Catalog.Check(d.Type(), d.Body); len(faults) > 0 {
		hint := fmt.Sprintf("`sealpost event types %s` shows its fields", d.Type())
		if !s.Catalog.Has(d.Type()) {
			hint = "`sealpost event types` lists the types"
		}
		return &webhook.Error{Code: webhook.CodeBadRequest, Messages: faults, Hint: hint}
	}
	return nil
}
