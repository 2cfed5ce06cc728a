package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"sealpost/internal/webhook"
)

// The numbers under which states are stored.
const (
	eventAccepted = iota
	eventHeld
	eventReverted
	eventExpired
	eventQuarantined
)

const (
	deliveryPending = iota
	deliveryDelivered
	deliveryDead
	deliveryCancelled
)

// Publish stores events and their deliveries. Each publication is answered by
// itself, in order: an event that conflicts does not touch its neighbours. The
// error is that of the file; then nothing of the batch is known to be stored.
func (s *Store) Publish(ctx context.Context, batch []webhook.Publication) ([]webhook.Publishing, error) {
	if err := s.spare(); err != nil {
		return make([]webhook.Publishing, len(batch)), err
	}
	results := make([]webhook.Publishing, len(batch))
	var committed webhook.Committed
	err := s.shared(ctx, false, func(tx *session) error {
		committed = webhook.Committed{}
		if err := s.begin(tx); err != nil {
			return err
		}
		for i := range batch {
			result, err := s.publish(tx, &batch[i], &committed)
			var refused *webhook.Error
			if err != nil && !errors.As(err, &refused) {
				s.fanouts.forget()
				return err
			}
			result.Err = err
			results[i] = result
		}
		return nil
	}, func() {
		if committed.First != 0 || len(committed.Due) > 0 || committed.Watched {
			s.notify(committed)
		}
	})
	return results, err
}

// begin reads what publishing needs to know, unless nothing but publishing
// has changed the file since.
func (s *Store) begin(tx *session) error {
	if !tx.fresh {
		return nil
	}
	if err := s.fanouts.refresh(tx); err != nil {
		return err
	}
	clear(tx.waiting)
	clear(tx.stored)
	clear(s.credentials)
	var last sql.NullInt64
	if err := tx.row(`SELECT max(seq), EXISTS (SELECT 1 FROM event WHERE state IN (1, 3)),
		EXISTS (SELECT 1 FROM delivery INDEXED BY delivery_released WHERE state = 0 AND run = 0 AND attempts = 0 AND due > 0),
		-EXISTS (SELECT 1 FROM unlinked_event) FROM event`,
		nil, &last, &tx.awaiting, &tx.lining, &tx.kept); err != nil {
		return err
	}
	tx.next = last.Int64 + 1
	tx.fresh = false
	return nil
}

func (s *Store) publish(tx *session, p *webhook.Publication, committed *webhook.Committed) (webhook.Publishing, error) {
	d := p.Draft
	result := webhook.Publishing{ID: d.ID, State: webhook.Accepted}
	if !s.remembered.current(p.AsOf) {
		return result, webhook.ErrOutdated
	}
	org, known := s.fanouts.orgs[p.Organization]
	if !known {
		var err error
		if org, err = tx.organization(p.Organization, true, p.At); err != nil {
			return result, err
		}
		s.fanouts.orgs[p.Organization] = org
	}
	receivers, err := s.fanouts.of(tx, org)
	if err != nil {
		return result, err
	}
	if p.Named { // for others an unknown name is one that does not want the event
		if err := checkNames(receivers, p.To); err != nil {
			return result, err
		}
	}
	held, err := tx.heldBy(org, p)
	if err != nil {
		return result, err
	}
	hash := d.Hash()
	to := fanOf(receivers, d.Type(), p.To)
	payload := d.Build(p.At)
	want := demand{pending: to.pending, bytes: int64(len(payload)), named: p.Named}
	if held {
		want.pending, want.held = 0, 1
	}
	if !p.Owed {
		if err := s.room(tx, org, want, p.At); err != nil {
			return s.refused(tx, org, p, hash[:], result, err)
		}
	}
	if held {
		return s.hold(tx, p, org, receivers, hash[:], payload, result, committed)
	}

	seq, mark := tx.next, len(s.tallies.noted)
	if to, err = s.fit(tx, org, to, millis(p.At)); err != nil {
		return result, err
	}
	targets := to.targets
	added, err := tx.changed(`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes, missed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (organization, id) DO NOTHING`,
		seq, org, d.ID, d.Type(), orNull(d.Subject), orNull(p.Publisher), eventAccepted, millis(p.At), len(targets), encodeFanout(targets), hash[:], payload, to.orMissed())
	if err != nil {
		return result, err
	}
	if added == 0 {
		s.tallies.back(mark)
		return tx.repeated(org, p, hash[:], result)
	}
	s.tallies.note(note{organization: org, bytes: int64(len(payload))})
	tx.next++
	result.Seq, result.Count, result.Missed = seq, len(targets), len(to.missed)
	for _, target := range targets {
		s.tallies.note(note{organization: org, webhook: target, deliveries: 1})
		key := webhook.DeliveryKey{Webhook: target, Event: seq}
		due, err := int64(0), error(nil)
		if p.Direct == "" {
			due, err = tx.due(target, d.Subject, false, p.At)
		}
		if err == nil {
			err = tx.exec(`INSERT INTO delivery (webhook, event, run, state, due, direct) VALUES (?, ?, 0, 0, ?, ?)`, target, seq, due, orNull(p.Direct))
		}
		if err != nil {
			return result, err
		}
		result.Deliveries = append(result.Deliveries, key)
		switch {
		case due > 0:
			committed.Due = append(committed.Due, target)
		case p.Direct == "":
			committed.Work = append(committed.Work, &webhook.Work{
				Key: key, EventID: d.ID, Type: d.Type(), Subject: d.Subject, Accepted: p.At, Bytes: payload,
			})
		}
	}
	if committed.First == 0 {
		committed.First = seq
	}
	committed.Last = seq
	return result, nil
}

// refused answers for an event for which an organization has no room: one whose id
// is known adds nothing, and is answered as ever.
func (s *Store) refused(tx *session, org int64, p *webhook.Publication, hash []byte, result webhook.Publishing, refusal error) (webhook.Publishing, error) {
	repeated, err := tx.repeated(org, p, hash, result)
	if errors.Is(err, sql.ErrNoRows) {
		return result, refusal
	}
	return repeated, err
}

// heldBy reports whether an event has to wait: for its own receipt, or behind
// an earlier event of its transaction that waits.
func (s *session) heldBy(org int64, p *webhook.Publication) (held bool, err error) {
	if p.Draft.Subject != "" && s.awaiting {
		// Said as the index says it, or SQLite would read all of the organization's events.
		err = s.row(`SELECT EXISTS (SELECT 1 FROM event INDEXED BY event_held WHERE organization = ? AND subject = ? AND state IN (1, 3) AND state = 1)`, []any{org, p.Draft.Subject}, &held)
	}
	return p.Draft.Await || held, err
}

// repeated answers for an event whose id is known: the same content is the
// same event, other content a conflict.
func (s *session) repeated(org int64, p *webhook.Publication, hash []byte, result webhook.Publishing) (webhook.Publishing, error) {
	var stored, fanout, missed []byte
	var state int
	err := s.row(`SELECT seq, state, deliveries, fanout, missed, hash FROM event WHERE organization = ? AND id = ?`, []any{org, p.Draft.ID},
		&result.Seq, &state, &result.Count, &fanout, &missed, &stored)
	if err != nil {
		return result, err
	}
	if !bytes.Equal(stored, hash) {
		return result, webhook.Errorf(webhook.CodeEventConflict, fmt.Sprintf("the event id %q stands for other content already", p.Draft.ID)).Advise()
	}
	result.Repeated, result.State, result.Missed = true, eventState(state), len(decodeFanout(missed))
	for _, target := range decodeFanout(fanout) {
		result.Deliveries = append(result.Deliveries, webhook.DeliveryKey{Webhook: target, Event: result.Seq})
	}
	return result, nil
}

var eventStates = [...]webhook.EventState{webhook.Accepted, webhook.Held, webhook.Reverted, webhook.Expired, webhook.Quarantined}

func checkNames(receivers []webhook.Receiver, to []string) error {
	for _, name := range to {
		if !slices.ContainsFunc(receivers, func(r webhook.Receiver) bool { return r.Name == name }) {
			return noWebhook(name)
		}
	}
	return nil
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// hold stores an event that waits: its bytes are those it will have, but for
// the receipt, and it has no deliveries yet.
func (s *Store) hold(tx *session, p *webhook.Publication, org int64, receivers []webhook.Receiver, hash, payload []byte, result webhook.Publishing, committed *webhook.Committed) (webhook.Publishing, error) {
	d := p.Draft
	result.State = webhook.Held
	until := p.HoldUntil
	if until.IsZero() {
		until = p.At.Add(24 * time.Hour)
	}
	added, err := tx.changed(`INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, hash, bytes)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?) ON CONFLICT (organization, id) DO NOTHING`,
		tx.next, org, d.ID, d.Type(), orNull(d.Subject), orNull(p.Publisher), eventHeld, millis(p.At), hash, payload)
	if err != nil {
		return result, err
	}
	if added == 0 {
		return tx.repeated(org, p, hash, result)
	}
	s.tallies.note(note{organization: org, bytes: int64(len(payload))})
	result.Seq = tx.next
	tx.next++
	tx.awaiting = true
	if n, known := tx.waiting[org]; known {
		tx.waiting[org] = n + 1
	}
	committed.Watched = committed.Watched || d.Watch != ""
	return result, tx.exec(`INSERT INTO hold (event, receipt, transaction_hash, until, chosen) VALUES (?, ?, ?, ?, ?)`,
		result.Seq, d.Await, orNull(d.Watch), millis(until), encodeChosen(receivers, p.To))
}
