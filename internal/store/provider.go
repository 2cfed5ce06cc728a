package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"

	"sealpost/internal/webhook"
)

// maxCredentials bounds the credentials that are remembered.
const maxCredentials = 10_000

// Take stores what one event of a provider causes, in one transaction:
//   - our event with its deliveries, and that the provider's id is known;
//   - or the bytes, until the user is linked;
//   - or the bytes in quarantine, when they do not fit or when the id is known
//     with other content.
//
// An event that is known already with the same content changes nothing. An event
// for which nothing is sent does not make its id known.
func (s *Store) Take(ctx context.Context, in webhook.Incoming) (taken webhook.Taking, err error) {
	var committed webhook.Committed
	var refused error
	err = s.shared(ctx, false, func(tx *session) error {
		taken, committed, refused = webhook.Taking{}, webhook.Committed{}, nil
		err := s.take(tx, &in, &taken, &committed)
		var fault *webhook.Error
		if errors.As(err, &fault) {
			refused = err
			return nil
		}
		if err != nil {
			s.fanouts.forget()
		}
		return err
	}, func() {
		if committed.First != 0 {
			s.notify(committed)
		}
	})
	return taken, errors.Join(err, refused)
}

func (s *Store) take(tx *session, in *webhook.Incoming, taken *webhook.Taking, committed *webhook.Committed) error {
	if err := s.begin(tx); err != nil {
		return err
	}
	if in.Faults != nil || in.Ignored != "" {
		err := tx.known(in, taken)
		if err != nil || taken.Repeated {
			return err
		}
		switch {
		case taken.Conflicting:
			return tx.conflicting(in, taken)
		case in.Faults != nil:
			return tx.misfit(in, in.Faults, taken)
		}
		taken.Ignored = in.Ignored
		return nil
	}
	c, linked, err := s.credential(tx, in)
	if err != nil {
		return err
	}
	if !linked {
		return tx.unlinked(in, taken)
	}
	// The row goes in before our event, whose number is known by then: one
	// statement says that it is new and makes it known.
	expected := tx.next
	n, err := tx.changed(`INSERT INTO provider_event (provider, id, event, content, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		in.Provider, in.ID, expected, in.Content[:], millis(in.At))
	if err != nil {
		return err
	}
	if n == 0 {
		if err := tx.known(in, taken); err != nil {
			return err
		}
		if taken.Conflicting {
			return tx.conflicting(in, taken)
		}
		return tx.released(in)
	}
	taken.Event, err = s.publishIncoming(tx, in, c, committed)
	if err != nil { // it may be taken another time
		if failed := tx.exec(`DELETE FROM provider_event WHERE provider = ? AND id = ?`, in.Provider, in.ID); failed != nil {
			return failed
		}
		return err
	}
	if taken.Event.Seq != expected {
		if err := tx.exec(`UPDATE provider_event SET event = ? WHERE provider = ? AND id = ?`, taken.Event.Seq, in.Provider, in.ID); err != nil {
			return err
		}
	}
	return tx.released(in)
}

// known says whether a provider's event is known: with the same content it is
// repeated, with other content it conflicts. An event that an older version
// took has no content to compare and counts as the same.
func (s *session) known(in *webhook.Incoming, taken *webhook.Taking) error {
	if in.ID == "" {
		return nil
	}
	var content []byte
	err := s.row(`SELECT content FROM provider_event WHERE provider = ? AND id = ?`, []any{in.Provider, in.ID}, &content)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	taken.Repeated = content == nil || bytes.Equal(content, in.Content[:])
	taken.Conflicting = !taken.Repeated
	return nil
}

// conflicting keeps an event in quarantine whose id is known with other content.
func (s *session) conflicting(in *webhook.Incoming, taken *webhook.Taking) error {
	taken.EventID = in.ID
	fault := fmt.Sprintf("the %s event id %q is known already with other content, for which an event was sent", in.Provider, in.ID)
	return s.misfit(in, append([]string{fault}, in.Faults...), taken)
}

// misfit keeps an event in quarantine, and nowhere else.
func (s *session) misfit(in *webhook.Incoming, faults []string, taken *webhook.Taking) error {
	taken.Kept = true
	if err := s.quarantine(in, faults, &taken.Dropped); err != nil {
		return err
	}
	return s.released(in)
}

// derivedIDs is how many derived ids are tried in order before one is drawn.
const derivedIDs = 100

// publishIncoming publishes our event for a provider's. Its id is the provider's
// own, so that receivers know duplicates by it wherever they come from. A
// derived id takes its place where that one is not valid or stands for other
// content; see [webhook.ProviderEventID]. An event that the organization has
// already under the id, with the same resource, action and body, is the same.
func (s *Store) publishIncoming(tx *session, in *webhook.Incoming, c webhook.Credential, committed *webhook.Committed) (webhook.Publishing, error) {
	reason, err := tx.declineReason(c.Organization, in)
	if err != nil {
		return webhook.Publishing{}, err
	}
	p, err := in.Publication(c, reason)
	if err != nil {
		return webhook.Publishing{}, err
	}
	p.Draft.ID = in.ID
	n := 0
	if !webhook.ValidEventID(in.ID) {
		n = 1
		p.Draft.ID = webhook.ProviderEventID(in.Provider, in.ID, n)
	}
	for {
		result, err := s.publish(tx, &p, committed)
		if webhook.CodeOf(err) != webhook.CodeEventConflict {
			return result, err
		}
		if result, same, err := tx.sameContent(&p); err != nil || same {
			return result, err
		}
		if n++; n > derivedIDs { // somebody has taken them on purpose
			n = derivedIDs + rand.IntN(1<<50) //nolint:gosec // it need not be hard to guess, only free
		}
		p.Draft.ID = webhook.ProviderEventID(in.Provider, in.ID, n)
	}
}

// sameContent finds the event that an organization has under a draft's id, and
// reports whether it has the same resource, action and body; its receipt, and
// whether it waits for one, may differ. Of a pruned event the hash is all there is.
func (s *session) sameContent(p *webhook.Publication) (result webhook.Publishing, same bool, err error) {
	d := p.Draft
	var state int
	var typ string
	var fanout, hash, sent []byte
	var watched sql.NullString
	result = webhook.Publishing{ID: d.ID, Repeated: true}
	err = s.row(`SELECT e.seq, e.type, e.state, e.deliveries, e.fanout, e.hash, e.bytes, h.transaction_hash FROM `+eventTables+`
		WHERE e.organization = (SELECT seq FROM organization WHERE id = ?) AND e.id = ?`, []any{p.Organization, d.ID},
		&result.Seq, &typ, &state, &result.Count, &fanout, &hash, &sent, &watched)
	if err != nil || typ != d.Type() {
		return result, false, err
	}
	result.State = eventState(state)
	for _, target := range decodeFanout(fanout) {
		result.Deliveries = append(result.Deliveries, webhook.DeliveryKey{Webhook: target, Event: result.Seq})
	}
	if sent != nil {
		return result, bytes.Equal(webhook.BodyOf(sent), d.Body), nil
	}
	for _, variant := range []webhook.Draft{{}, {Await: true}, {Await: true, Watch: watched.String}} {
		variant.Resource, variant.Action, variant.Body = d.Resource, d.Action, d.Body
		if sum := variant.Hash(); bytes.Equal(sum[:], hash) {
			return result, true, nil
		}
	}
	return result, false, nil
}

// credential finds whom an event is for. What was found is remembered until
// something else than publishing has changed the file.
func (s *Store) credential(tx *session, in *webhook.Incoming) (webhook.Credential, bool, error) {
	key := [2]string{in.Provider, in.User}
	c, known := s.credentials[key]
	if known {
		return c, true, nil
	}
	c = webhook.Credential{Provider: in.Provider, User: in.User}
	err := tx.row(`SELECT c.credential, o.id FROM credential c JOIN organization o ON o.seq = c.organization WHERE c.provider = ? AND c.user = ? AND o.deleted_at IS NULL`,
		[]any{in.Provider, in.User}, &c.ID, &c.Organization)
	if errors.Is(err, sql.ErrNoRows) {
		return c, false, nil
	}
	if err != nil {
		return c, false, err
	}
	if len(s.credentials) >= maxCredentials {
		clear(s.credentials)
	}
	s.credentials[key] = c
	return c, true, nil
}
