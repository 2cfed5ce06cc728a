package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"sealpost/internal/webhook"
)

const (
	missingStep = 100    // events of one transaction, so that others get their turn
	missingMost = 10_000 // events of one call
)

// ResendMissing sends to webhooks what they missed while too many deliveries were
// parked, the events that were accepted first first. One call looks at no more than
// 10,000 events; the next one goes on where it ended. Where there is no room for
// more it ends early, and is [webhook.CodeLimitReached] when it could do nothing.
// Whoever repeats a call sends nothing twice.
func (s *Store) ResendMissing(ctx context.Context, organization string, q webhook.MissingQuery, now time.Time) (done webhook.Progress, err error) {
	if err := s.spare(); err != nil {
		return done, err
	}
	org, err := s.organizationOf(ctx, organization)
	if err != nil || org == 0 {
		return done, cmp.Or(err, noOrganization(organization))
	}
	after := int64(0)
	if q.Cursor != "" {
		if err := s.ids.open(ctx, s, missingList, org, q.Cursor, &after); err != nil {
			return done, err
		}
	}
	for looked := 0; looked < missingMost; looked += missingStep {
		var step missingRound
		err := s.releasing(ctx, func(tx *session, committed *webhook.Committed) error {
			step = missingRound{after: after, to: q.To, now: now}
			return s.resendMissing(tx, organization, &step, committed)
		})
		done.Matched += step.matched
		done.Done += step.done
		if err != nil {
			return done, err
		}
		after = step.after
		switch {
		case step.full != nil && done.Done == 0:
			return done, step.full
		case step.full != nil:
			done.Next, err = s.ids.seal(ctx, s, missingList, org, after)
			return done, err
		case step.last:
			return done, nil
		}
	}
	done.Next, err = s.ids.seal(ctx, s, missingList, org, after)
	return done, err
}

// missingRound is one transaction of it.
type missingRound struct {
	after         int64 // the last event that was looked at
	to            []string
	now           time.Time
	matched, done int
	full          error // there was no room for more
	last          bool  // no event comes after
}

// missed is an event that webhooks missed.
type missed struct {
	seq             int64
	typ             string
	fanout, missing []byte
	gone            bool
}

func (s *Store) resendMissing(tx *session, organization string, step *missingRound, committed *webhook.Committed) error {
	org, err := tx.organization(organization, false, step.now)
	if err != nil {
		return err
	}
	if err := s.begin(tx); err != nil {
		return err
	}
	receivers, err := s.fanouts.of(tx, org)
	if err != nil {
		return err
	}
	if err := checkNames(receivers, step.to); err != nil {
		return err
	}
	events, err := tx.missedAfter(org, step.after)
	if err != nil {
		return err
	}
	for i := range events {
		matched, done, err := s.sendMissed(tx, org, receivers, &events[i], step, committed)
		var full *webhook.Error
		if errors.As(err, &full) && full.Code == webhook.CodeLimitReached {
			step.matched += matched
			step.full = err
			return nil
		}
		if err != nil {
			return err
		}
		step.matched += matched
		step.done += done
		step.after = events[i].seq
	}
	step.last = len(events) < missingStep
	return nil
}

func (s *session) missedAfter(org, after int64) (found []missed, err error) {
	stmt, err := s.statement(`SELECT seq, type, fanout, missed, bytes IS NULL FROM event INDEXED BY event_missed
		WHERE organization = ? AND missed IS NOT NULL AND seq > ? ORDER BY seq LIMIT ?`)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(background, org, after, missingStep)
	if err != nil {
		return nil, err
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var m missed
		if err := rows.Scan(&m.seq, &m.typ, &m.fanout, &m.missing, &m.gone); err != nil {
			return nil, err
		}
		found = append(found, m)
	}
	return found, nil
}

// sendMissed makes the deliveries of one event that webhooks missed, all that are
// asked for or none. Webhooks that are gone, or don't want the event any more,
// leave its list. Disabled ones stay on it.
func (s *Store) sendMissed(tx *session, org int64, receivers []webhook.Receiver, m *missed, step *missingRound, committed *webhook.Committed) (matched, done int, err error) {
	var send fan
	var left, settled []int64
	for _, seq := range decodeFanout(m.missing) {
		i := slices.IndexFunc(receivers, func(r webhook.Receiver) bool { return r.Seq == seq })
		switch {
		case i < 0: // its webhook is deleted
		case step.to != nil && !slices.Contains(step.to, receivers[i].Name):
			left = append(left, seq)
		case receivers[i].Disabled:
			left = append(left, seq)
			matched++
		case m.gone || !receivers[i].Wants(m.typ):
			settled = append(settled, seq)
		default:
			matched++
			send.add(seq, false)
			settled = append(settled, seq)
		}
	}
	if err := s.room(tx, org, demand{pending: send.pending, named: true}, step.now); err != nil {
		return matched, 0, err
	}
	fanout := decodeFanout(m.fanout)
	for _, seq := range send.targets {
		if err := s.sendAnew(tx, org, seq, m.seq, step.now); err != nil {
			return matched, 0, err
		}
		if !slices.Contains(fanout, seq) {
			fanout = append(fanout, seq)
		}
		committed.Due = append(committed.Due, seq)
	}
	for _, seq := range settled {
		tx.tallies.note(note{organization: org, webhook: seq, missed: -1})
	}
	rest := fan{missed: left}
	return matched, len(send.targets), tx.exec(`UPDATE event SET fanout = ?, deliveries = deliveries + ?, missed = ? WHERE seq = ?`,
		encodeFanout(fanout), len(send.targets), rest.orMissed(), m.seq)
}

// sendAnew makes one more delivery of an event to a webhook.
func (s *Store) sendAnew(tx *session, org, webhookSeq, event int64, now time.Time) error {
	var run sql.NullInt64
	if err := tx.row(`SELECT max(run) + 1 FROM delivery WHERE webhook = ? AND event = ?`, []any{webhookSeq, event}, &run); err != nil {
		return err
	}
	s.tallies.note(note{organization: org, webhook: webhookSeq, deliveries: 1})
	return tx.exec(`INSERT INTO delivery (webhook, event, run, state, due, created) VALUES (?1, ?2, ?3, 0, ?4, ?4)`, webhookSeq, event, run.Int64, millis(now))
}

// got takes webhooks off the list of those that missed an event, and returns who is
// left on it.
func (s *session) got(org int64, missing []byte, targets []int64) (rest fan) {
	for _, seq := range decodeFanout(missing) {
		if slices.Contains(targets, seq) {
			s.tallies.note(note{organization: org, webhook: seq, missed: -1})
			continue
		}
		rest.missed = append(rest.missed, seq)
	}
	return rest
}
