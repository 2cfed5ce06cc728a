package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sealpost/internal/webhook"
)

// waiting is an event with what it waits for.
type waiting struct {
	seq     int64
	typ     string
	subject sql.NullString
	state   int
	bytes   []byte
	receipt sql.NullBool // waits for a receipt of its own; NULL for one that never waited
	hash    sql.NullString
	block   sql.NullInt64
	status  sql.NullString // success or reverted, once known
	chosen  sql.Null[[]byte]
}

const waitingColumns = `e.seq, e.type, e.subject, e.state, e.bytes, h.receipt, h.transaction_hash, h.block_number, h.status, h.chosen`

func (w *waiting) into() []any {
	return []any{&w.seq, &w.typ, &w.subject, &w.state, &w.bytes, &w.receipt, &w.hash, &w.block, &w.status, &w.chosen}
}

// Attach completes an event that waits with its receipt. After success it is
// sent, behind earlier ones of its transaction; a reverted one never is. The
// receipt that it has already changes nothing; another one, and a receipt for
// an event that waits for none, is [webhook.CodeConflict]. An expired event
// can be completed, too.
func (s *Store) Attach(ctx context.Context, organization, id string, outcome webhook.ReceiptOutcome, now time.Time) error {
	return s.alwaysReleasing(ctx, func(tx *session, committed *webhook.Committed) error {
		org, w, err := tx.awaited(organization, id)
		switch {
		case err != nil:
			return err
		case w.status.Valid && w.has(outcome):
			return nil
		case w.status.Valid:
			return w.settled(id)
		case w.hash.Valid && !strings.EqualFold(w.hash.String, outcome.TransactionHash):
			return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the event %q waits for the transaction %s", id, w.hash.String))
		case w.bytes == nil:
			return pruned(id)
		}
		if err := tx.exec(`UPDATE hold SET transaction_hash = ?, block_number = ?, status = ? WHERE event = ?`,
			outcome.TransactionHash, int64(outcome.BlockNumber), outcome.Status(), w.seq); err != nil {
			return err
		}
		switch {
		case outcome.Reverted:
			err = tx.exec(`UPDATE event SET state = ? WHERE seq = ?`, eventReverted, w.seq)
		case !w.subject.Valid:
			w.take(outcome)
			err = s.release(tx, org, w, committed, now)
		case w.state == eventExpired: // it lines up again, behind earlier ones that are still held
			err = tx.exec(`UPDATE event SET state = ? WHERE seq = ?`, eventHeld, w.seq)
		}
		if err == nil && w.subject.Valid {
			err = s.advance(tx, org, w.subject.String, committed, now)
		}
		return err
	})
}

// noReceipt is the status of an event that is sent without the receipt for which
// it waited.
const noReceipt = "none"

// awaited finds an event that waits, or has waited, for a receipt of its own.
func (s *session) awaited(organization, id string) (org int64, w *waiting, err error) {
	if org, err = s.organization(organization, false, time.Time{}); err != nil {
		return 0, nil, instead(err, noEvent(id))
	}
	seq, _, err := s.event(org, id)
	if err != nil {
		return 0, nil, err
	}
	w = &waiting{}
	if err := s.row(`SELECT `+waitingColumns+` FROM `+eventTables+` WHERE e.seq = ?`, []any{seq}, w.into()...); err != nil {
		return 0, nil, err
	}
	if !w.receipt.Bool {
		return 0, nil, webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the event %q waits for no receipt", id))
	}
	return org, w, nil
}

// settled is the error for an event whose receipt, or that it has none, is known.
func (w *waiting) settled(id string) error {
	if w.status.String == noReceipt {
		return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the event %q was sent without a receipt", id))
	}
	return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the event %q has another receipt: %s in block %d of %s", id, w.status.String, w.block.Int64, w.hash.String))
}

func pruned(id string) error {
	return webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("the event %q has expired, and its body was pruned", id))
}

// WatchReceipt says for which transaction's receipt an event waits: of a held
// event it replaces the hash; an expired one is held again until a time. Any
// other event is [webhook.CodeConflict].
func (s *Store) WatchReceipt(ctx context.Context, organization, id, hash string, until time.Time) error {
	return s.alwaysReleasing(ctx, func(tx *session, committed *webhook.Committed) error {
		_, w, err := tx.awaited(organization, id)
		switch {
		case err != nil:
			return err
		case w.status.Valid:
			return w.settled(id)
		case w.bytes == nil:
			return pruned(id)
		}
		committed.Watched = true
		if w.state != eventExpired {
			return tx.exec(`UPDATE hold SET transaction_hash = ? WHERE event = ?`, hash, w.seq)
		}
		if err := tx.exec(`UPDATE hold SET transaction_hash = ?, until = ? WHERE event = ?`, hash, millis(until), w.seq); err != nil {
			return err
		}
		return tx.exec(`UPDATE event SET state = ? WHERE seq = ?`, eventHeld, w.seq)
	})
}

// WaiveReceipt sends a held or expired event without a receipt, behind earlier
// ones of its transaction. Once more it changes nothing; after a receipt it is
// [webhook.CodeConflict].
func (s *Store) WaiveReceipt(ctx context.Context, organization, id string, now time.Time) error {
	return s.alwaysReleasing(ctx, func(tx *session, committed *webhook.Committed) error {
		org, w, err := tx.awaited(organization, id)
		switch {
		case err != nil:
			return err
		case w.status.String == noReceipt:
			return nil
		case w.status.Valid:
			return w.settled(id)
		case w.bytes == nil:
			return pruned(id)
		}
		w.status = sql.NullString{String: noReceipt, Valid: true}
		if err := tx.exec(`UPDATE hold SET status = ? WHERE event = ?`, noReceipt, w.seq); err != nil {
			return err
		}
		if !w.subject.Valid {
			return s.release(tx, org, w, committed, now)
		}
		if w.state == eventExpired { // it lines up again, behind earlier ones that are still held
			if err := tx.exec(`UPDATE event SET state = ? WHERE seq = ?`, eventHeld, w.seq); err != nil {
				return err
			}
		}
		return s.advance(tx, org, w.subject.String, committed, now)
	})
}

func (w *waiting) take(o webhook.ReceiptOutcome) {
	w.hash, w.block = sql.NullString{String: o.TransactionHash, Valid: true}, sql.NullInt64{Int64: int64(o.BlockNumber), Valid: true}
}

func (w *waiting) has(o webhook.ReceiptOutcome) bool {
	return w.status.String == o.Status() && uint64(w.block.Int64) == o.BlockNumber && strings.EqualFold(w.hash.String, o.TransactionHash)
}

// advance releases the held events of a transaction in order, up to the first
// whose receipt is not known.
func (s *Store) advance(tx *session, org int64, subject string, committed *webhook.Committed, now time.Time) error {
	for {
		var w waiting
		err := tx.row(`SELECT `+waitingColumns+` FROM event e INDEXED BY event_held LEFT JOIN hold h ON h.event = e.seq
			WHERE e.organization = ? AND e.subject = ? AND e.state IN (1, 3) AND e.state = 1 ORDER BY e.seq LIMIT 1`,
			[]any{org, subject}, w.into()...)
		if errors.Is(err, sql.ErrNoRows) || err == nil && w.receipt.Bool && !w.status.Valid {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.release(tx, org, &w, committed, now); err != nil {
			return err
		}
	}
}

// release makes the bytes of an event that has waited and fans it out.
func (s *Store) release(tx *session, org int64, w *waiting, committed *webhook.Committed, now time.Time) error {
	if err := s.begin(tx); err != nil {
		return err
	}
	payload, state := w.bytes, eventAccepted
	if w.receipt.Bool && w.status.String != noReceipt {
		if payload = withReceipt(w.bytes, uint64(w.block.Int64), w.hash.String); payload == nil {
			return tx.exec(`UPDATE event SET state = ? WHERE seq = ?`, eventQuarantined, w.seq)
		}
	}
	receivers, err := s.fanouts.of(tx, org)
	if err != nil {
		return err
	}
	to, err := s.fit(tx, org, fanOf(among(receivers, w.chosen), w.typ, nil), millis(now))
	if err != nil {
		return err
	}
	targets := to.targets
	for _, target := range targets {
		due, err := tx.due(target, w.subject.String, true, now)
		if err == nil {
			err = tx.exec(`INSERT INTO delivery (webhook, event, run, state, due) VALUES (?, ?, 0, 0, ?)`, target, w.seq, due)
		}
		if err != nil {
			return err
		}
		s.tallies.note(note{organization: org, webhook: target, deliveries: 1})
		committed.Due = append(committed.Due, target)
	}
	return tx.exec(`UPDATE event SET state = ?, bytes = ?, fanout = ?, deliveries = ?, missed = ? WHERE seq = ?`, state, payload, encodeFanout(targets), len(targets), to.orMissed(), w.seq)
}

// encodeChosen remembers the webhooks that an event was published to by name: by
// number, for one that takes over a name is another. nil is all.
func encodeChosen(receivers []webhook.Receiver, to []string) any {
	if to == nil {
		return nil
	}
	chosen := []int64{}
	for i := range receivers {
		if slices.Contains(to, receivers[i].Name) {
			chosen = append(chosen, receivers[i].Seq)
		}
	}
	return append([]byte{}, encodeFanout(chosen)...)
}

// among leaves those of the receivers that were chosen, if any were.
func among(receivers []webhook.Receiver, chosen sql.Null[[]byte]) []webhook.Receiver {
	if !chosen.Valid {
		return receivers
	}
	seqs := decodeFanout(chosen.V)
	var left []webhook.Receiver // a copy: the writer remembers the others
	for i := range receivers {
		if slices.Contains(seqs, receivers[i].Seq) {
			left = append(left, receivers[i])
		}
	}
	return left
}

// withReceipt inserts the receipt before the body; nil when there is no place
// for it. The place is the first: in what comes before, quotes are escaped.
func withReceipt(event []byte, block uint64, hash string) []byte {
	before, after, found := bytes.Cut(event, []byte(`,"body":`))
	if !found {
		return nil
	}
	out := append(make([]byte, 0, len(event)+150), before...)
	out = strconv.AppendUint(append(out, `,"receipt":{"blockNumber":`...), block, 10)
	out = append(append(append(out, `,"transactionHash":"`...), hash...), `"},"body":`...)
	return append(out, after...)
}

// maxExpired bounds how many events one sweep ends.
const maxExpired = 500

// Expire gives up on events whose receipt did not come in time, and lets go
// what waited behind them. It returns how many expired.
func (s *Store) Expire(ctx context.Context, now time.Time) (expired int, err error) {
	var due bool
	if err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM hold h JOIN event e ON e.seq = h.event WHERE h.status IS NULL AND h.receipt = 1 AND h.until <= ? AND e.state = 1)`, millis(now)).Scan(&due); err != nil || !due {
		return 0, fault(s.path, err)
	}
	err = s.alwaysReleasing(ctx, func(tx *session, committed *webhook.Committed) error {
		overdue, err := tx.overdue(now)
		if err != nil {
			return err
		}
		for _, e := range overdue {
			err := tx.exec(`UPDATE event SET state = ? WHERE seq = ?`, eventExpired, e.seq)
			if err == nil && e.subject.Valid {
				err = s.advance(tx, e.org, e.subject.String, committed, now)
			}
			if err != nil {
				return err
			}
		}
		expired = len(overdue)
		return nil
	})
	return expired, err
}

// overdue is a held event whose receipt did not come in time.
type overdue struct {
	seq, org int64
	subject  sql.NullString
}

// overdue lists them, those that waited longest first. All of a sweep are found at
// once, since those that have expired before are passed on the way.
func (s *session) overdue(now time.Time) (found []overdue, err error) {
	stmt, err := s.statement(`SELECT e.seq, e.organization, e.subject FROM hold h JOIN event e ON e.seq = h.event
		WHERE h.status IS NULL AND h.receipt = 1 AND h.until <= ? AND e.state = 1 ORDER BY h.until LIMIT ?`)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(background, millis(now), maxExpired)
	if err != nil {
		return nil, err
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var e overdue
		if err := rows.Scan(&e.seq, &e.org, &e.subject); err != nil {
			return nil, err
		}
		found = append(found, e)
	}
	return found, nil
}
