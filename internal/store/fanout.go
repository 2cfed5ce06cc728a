package store

import (
	"database/sql"
	"encoding/binary"

	"sealpost/internal/bounds"
	"sealpost/internal/webhook"
)

// fanouts remembers which webhooks and bounds each organization has, so that an event on
// its way in asks the database only when something has changed. It belongs to
// the writer: inside a transaction nobody else can change them.
type fanouts struct {
	settings bounds.Values
	revision int64
	known    map[int64][]webhook.Receiver // by organization
	limits   map[int64]bounds.Values      // by organization
	orgs     map[string]int64             // by id and by slug
}

func newFanouts(settings bounds.Values) *fanouts { return &fanouts{settings: settings, revision: -1} }

// refresh drops what it knows when webhooks have changed since; called once a
// transaction.
func (f *fanouts) refresh(tx *session) error {
	var revision int64
	if err := tx.row(`SELECT n FROM revision WHERE of = 'webhook'`, nil, &revision); err != nil {
		return err
	}
	if revision != f.revision {
		f.revision = revision
		f.known = make(map[int64][]webhook.Receiver)
		f.limits = make(map[int64]bounds.Values)
		f.orgs = make(map[string]int64)
	}
	return nil
}

// forget drops everything, after a transaction that may have been rolled back
// had filled it.
func (f *fanouts) forget() { f.revision = -1 }

// of lists an organization's webhooks by number.
func (f *fanouts) of(tx *session, org int64) ([]webhook.Receiver, error) {
	if found, hit := f.known[org]; hit {
		return found, nil
	}
	stmt, err := tx.statement(`SELECT ` + webhookColumns + ` FROM ` + webhookTables + ` WHERE w.organization = ? AND w.deleted_at IS NULL ORDER BY w.seq`)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(background, org)
	if err != nil {
		return nil, err
	}
	found, err := scanReceivers(rows)
	if err != nil {
		return nil, err
	}
	f.known[org] = found
	return found, nil
}

func scanReceivers(rows *sql.Rows) (found []webhook.Receiver, err error) {
	defer closeRows(rows, &err)
	for rows.Next() {
		w, deleted, err := scanWebhook(rows)
		if err != nil {
			return nil, err
		}
		w.Disabled = w.Disabled || w.Suspended
		found = append(found, webhook.Receiver{Config: w.Config, Seq: w.Seq, Organization: w.Organization, Deleted: deleted, Health: w.Health, RetryAfter: w.RetryAfter})
	}
	return found, nil
}

// encodeFanout packs the numbers of webhooks, ascending, as varints.
func encodeFanout(seqs []int64) []byte {
	var packed []byte
	for _, seq := range seqs {
		packed = binary.AppendUvarint(packed, uint64(seq))
	}
	return packed
}

// decodeFanout is the inverse of encodeFanout; it stops at damage.
func decodeFanout(packed []byte) []int64 {
	var seqs []int64
	for len(packed) > 0 {
		seq, n := binary.Uvarint(packed)
		if n <= 0 {
			break
		}
		seqs = append(seqs, int64(seq))
		packed = packed[n:]
	}
	return seqs
}
