package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"sealpost/internal/webhook"
)

const eventColumns = `e.seq, e.id, e.type, e.subject, e.publisher, e.state, e.accepted_at, e.deliveries, e.missed, e.bytes IS NULL, h.transaction_hash, h.until, h.receipt, h.block_number, h.status`

const eventTables = `event e LEFT JOIN hold h ON h.event = e.seq`

// scanEvent reads what lists show of an event, which its bytes are not: a page of
// large events would be in memory at once.
func scanEvent(row scanner, more ...any) (e webhook.Event, err error) {
	var state int
	var subject, publisher, hash sql.NullString
	var accepted int64
	var until, block sql.NullInt64
	var receipt sql.NullBool
	var status sql.NullString
	var missed []byte
	err = row.Scan(append([]any{&e.Seq, &e.ID, &e.Type, &subject, &publisher, &state, &accepted, &e.Deliveries, &missed, &e.Pruned, &hash, &until, &receipt, &block, &status}, more...)...)
	if err != nil {
		return e, err
	}
	e.Subject, e.Publisher, e.State, e.Accepted = subject.String, publisher.String, eventState(state), fromMillis(accepted)
	e.Missed = len(decodeFanout(missed))
	if until.Valid {
		e.Hold = &webhook.Hold{TransactionHash: hash.String, Until: fromMillis(until.Int64), Behind: !receipt.Bool || status.String == noReceipt}
		if block.Valid {
			e.Hold.Receipt = &webhook.Receipt{BlockNumber: uint64(block.Int64), TransactionHash: hash.String}
		}
	}
	return e, nil
}

// eventState names a stored state. A number that this program never wrote is
// nothing to send, so it is shown as quarantined.
func eventState(n int) webhook.EventState {
	if n < 0 || n >= len(eventStates) {
		return webhook.Quarantined
	}
	return eventStates[n]
}

// byProviderID finds the numbers of events by the id that a provider gave them,
// which is not always the id that they go out with. The providers are told apart
// over the index of provider_event, so that a look-up costs a few steps in it.
const byProviderID = `e.seq IN (WITH RECURSIVE p (name) AS (SELECT min(provider) FROM provider_event
		UNION ALL SELECT (SELECT min(k.provider) FROM provider_event k WHERE k.provider > p.name) FROM p WHERE p.name IS NOT NULL)
	SELECT k.event FROM p CROSS JOIN provider_event k ON k.provider = p.name AND k.id = ?)`

// Event finds an organization's event by our id, or else by its provider's.
func (s *Store) Event(ctx context.Context, organization, id string) (webhook.Event, error) {
	var sent []byte
	find := func(by string) (webhook.Event, error) {
		return scanEvent(s.read.QueryRowContext(ctx, `SELECT `+eventColumns+`, e.bytes FROM `+eventTables+` WHERE e.organization = (SELECT seq FROM organization o WHERE `+isNamed("?1")+`) AND `+by+` LIMIT 1`, organization, id), &sent)
	}
	e, err := find(`e.id = ?`)
	if errors.Is(err, sql.ErrNoRows) {
		e, err = find(byProviderID)
	}
	e.Bytes = sent
	if errors.Is(err, sql.ErrNoRows) {
		return e, noEvent(id)
	}
	return e, fault(s.path, err)
}

// event finds the number of an organization's event by our id, or else by its
// provider's, and our id.
func (s *session) event(org int64, id string) (seq int64, ours string, err error) {
	err = s.row(`SELECT seq, id FROM event WHERE organization = ? AND id = ?`, []any{org, id}, &seq, &ours)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.row(`SELECT e.seq, e.id FROM event e WHERE e.organization = ? AND `+byProviderID+` LIMIT 1`, []any{org, id}, &seq, &ours)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", noEvent(id)
	}
	return seq, ours, err
}

func noEvent(id string) error {
	return webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("no event %q", id)).Advise()
}

// Resend sends an event once more to the webhooks that want it today. The new
// deliveries carry the same bytes.
func (s *Store) Resend(ctx context.Context, organization, id string, to []string, now time.Time) (result webhook.Publishing, err error) {
	err = s.releasing(ctx, func(tx *session, committed *webhook.Committed) error {
		result = webhook.Publishing{State: webhook.Accepted}
		org, err := tx.organization(organization, false, now)
		if err != nil {
			return instead(err, noEvent(id))
		}
		if result.Seq, result.ID, err = tx.event(org, id); err != nil {
			return err
		}
		var eventType string
		var state int
		var fanout, missing []byte
		var pruned bool
		err = tx.row(`SELECT type, state, fanout, missed, bytes IS NULL FROM event WHERE seq = ?`, []any{result.Seq}, &eventType, &state, &fanout, &missing, &pruned)
		switch {
		case err != nil:
			return err
		case eventState(state) != webhook.Accepted:
			return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the event %q is %s and can't be sent", id, eventState(state)))
		case pruned:
			return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the event %q is known, but its body was pruned", id))
		}
		if err := s.begin(tx); err != nil {
			return err
		}
		receivers, err := s.fanouts.of(tx, org)
		if err != nil {
			return err
		}
		if err := checkNames(receivers, to); err != nil {
			return err
		}
		known := decodeFanout(fanout)
		fan, err := tx.anew(&result, fanOf(receivers, eventType, to), now)
		if err != nil {
			return err
		}
		if err := s.room(tx, org, demand{pending: fan.pending, parked: fan.parked, named: true}, now); err != nil {
			return err
		}
		for _, target := range fan.targets {
			key := webhook.DeliveryKey{Webhook: target, Event: result.Seq}
			if err := tx.row(`SELECT coalesce(max(run), -1) + 1 FROM delivery WHERE webhook = ? AND event = ?`, []any{target, result.Seq}, &key.Run); err != nil {
				return err
			}
			s.tallies.note(note{organization: org, webhook: target, deliveries: 1})
			if err := tx.exec(`INSERT INTO delivery (webhook, event, run, state, due, created) VALUES (?1, ?2, ?3, 0, ?4, ?4)`, target, result.Seq, key.Run, millis(now)); err != nil {
				return err
			}
			if !slices.Contains(known, target) {
				known = append(known, target)
			}
			result.Deliveries = append(result.Deliveries, key)
			committed.Due = append(committed.Due, target)
		}
		result.Count = len(result.Deliveries)
		rest := tx.got(org, missing, fan.targets)
		return tx.exec(`UPDATE event SET fanout = ?, deliveries = deliveries + ?, missed = ? WHERE seq = ?`, encodeFanout(known), len(fan.targets), rest.orMissed(), result.Seq)
	})
	return result, err
}

// anew leaves those of an event's receivers to which it was not sent anew a moment
// ago; of the others result gets the deliveries that were made then. See [ByHand].
func (s *session) anew(result *webhook.Publishing, f fan, now time.Time) (left fan, err error) {
	for i, target := range f.targets {
		key := webhook.DeliveryKey{Webhook: target, Event: result.Seq}
		var created sql.NullInt64
		err := s.row(`SELECT run, created FROM delivery WHERE webhook = ? AND event = ? ORDER BY run DESC LIMIT 1`, []any{target, result.Seq}, &key.Run, &created)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return left, err
		}
		if since := millis(now) - created.Int64; created.Valid && since >= 0 && since < ByHand.Milliseconds() {
			result.Deliveries = append(result.Deliveries, key)
			continue
		}
		left.add(target, f.parking[i])
	}
	return left, nil
}
