// Package bigfile makes database files as an older program left them: many
// organizations, one of which has most of the deliveries. Tests of upgrades
// and of lists use small ones, the bench one with millions of deliveries.
package bigfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	_ "modernc.org/sqlite" // the driver
)

// Schema is the schema of the files that are made: the last one before lists
// had indexes of their own.
const Schema = 9

// Organizations that every file has. The others are named org-2, org-3, …
const (
	Large = "large" // 40 % of the deliveries, to 20 webhooks
	Small = "small" // one event in 1,000 of what the large one has
	Empty = "empty" // a webhook, and no event
)

// Spec says how large a file is to be.
type Spec struct {
	Deliveries    int // in all; a few more are made, since events are whole
	Organizations int // in all, at least 4
	Body          int // bytes of an event; 0 is 200
	Answer        int // bytes of what is kept of the answer to each delivery; 0 keeps none
	Progress      func(done, total int)
}

const (
	hooksOfLarge = 20
	perCommit    = 50_000
	first        = int64(1_700_000_000_000) // when the first event was accepted, in milliseconds
	pause        = 100                      // milliseconds between two events
	far          = int64(4_000_000_000_000) // when pending deliveries are due: in 2096
)

// Make makes a file. It must not be there yet.
func Make(ctx context.Context, path string, spec Spec) (err error) {
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s is there already", path)
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(off)&_pragma=synchronous(off)&_pragma=locking_mode(exclusive)&_pragma=temp_store(2)&_pragma=cache_size(-400000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if err := schema(ctx, db); err != nil {
		return err
	}
	indexes, err := dropIndexes(ctx, db)
	if err != nil {
		return err
	}
	m := &maker{spec: spec}
	if m.spec.Body == 0 {
		m.spec.Body = 200
	}
	if err := m.organizations(ctx, db); err != nil {
		return err
	}
	for m.made < spec.Deliveries {
		if err := m.some(ctx, db); err != nil {
			return err
		}
		if spec.Progress != nil {
			spec.Progress(m.made, spec.Deliveries)
		}
	}
	for _, index := range indexes {
		if _, err := db.ExecContext(ctx, index); err != nil {
			return err
		}
	}
	return os.Chmod(path, 0o600)
}

// schema runs the migrations that there were then.
func schema(ctx context.Context, db *sql.DB) error {
	var names []string
	for root := "."; names == nil && len(root) < 50; root += "/.." { // tests run in their package's folder
		var err error
		if names, err = filepath.Glob(filepath.Join(root, "internal/store/migrations/*.sql")); err != nil {
			return err
		}
	}
	slices.Sort(names)
	if len(names) < Schema {
		return errors.New("the migrations can't be found: this needs the source tree")
	}
	for _, name := range names[:Schema] {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := db.ExecContext(ctx, string(text)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	_, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", 0x7365616c, Schema))
	return err
}

// dropIndexes drops the indexes of the tables that grow, and returns the statements
// that make them. To make an index of all rows at once is far quicker than to keep it
// in order row by row.
func dropIndexes(ctx context.Context, db *sql.DB) (made []string, err error) {
	var names []string
	rows, err := db.QueryContext(ctx, `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('event', 'delivery') ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, err
		}
		names, made = append(names, name), append(made, text)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, err := db.ExecContext(ctx, `DROP INDEX `+name); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// organization is one tenant with its webhooks.
type organization struct {
	seq      int64
	webhooks []int64
	events   int
}

type maker struct {
	spec Spec
	orgs []organization // the first is the large one, then the small one, then the others
	made int            // deliveries
	seq  int64          // of the last event
}

func (m *maker) organizations(ctx context.Context, db *sql.DB) error {
	webhook := int64(0)
	for n := range max(m.spec.Organizations, 4) {
		slug, hooks := fmt.Sprintf("org-%d", n), 2
		switch n {
		case 0:
			slug, hooks = Large, hooksOfLarge
		case 1:
			slug = Small
		case 2:
			slug, hooks = Empty, 1
		}
		org := organization{seq: int64(n + 1)}
		if _, err := db.ExecContext(ctx, `INSERT INTO organization (seq, id, slug, name, created_at) VALUES (?, ?, ?, ?, ?)`, org.seq, "org_"+slug, slug, slug, first); err != nil {
			return err
		}
		for i := range hooks {
			webhook++
			disabled := any(nil)
			if n == 0 && i == hooks-1 {
				disabled = "by hand"
			}
			if _, err := db.ExecContext(ctx, `INSERT INTO webhook (seq, organization, name, url, disabled, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
				webhook, org.seq, fmt.Sprintf("hook-%d", i), "https://receiver.example.com/hook", disabled, first, first); err != nil {
				return err
			}
			if _, err := db.ExecContext(ctx, `INSERT INTO signing_secret (webhook, value, created_at) VALUES (?, ?, ?)`, webhook, []byte(strings.Repeat("0", 64)), first); err != nil {
				return err
			}
			org.webhooks = append(org.webhooks, webhook)
		}
		if n != 2 {
			m.orgs = append(m.orgs, org)
		}
	}
	return nil
}

// some adds one commit's worth of events.
func (m *maker) some(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	event := &inserts{tx: tx, into: `INSERT INTO event (seq, organization, id, type, subject, publisher, state, accepted_at, deliveries, fanout, hash, bytes) VALUES `, columns: 12}
	delivery := &inserts{tx: tx, into: `INSERT INTO delivery (webhook, event, run, state, attempts, due, reason, at, duration, status, error, url) VALUES `, columns: 12}
	answer := &inserts{tx: tx, into: `INSERT INTO response (webhook, event, run, n, cut, body) VALUES `, columns: 6}
	body := strings.Repeat("x", m.spec.Body)
	for stop := min(m.made+perCommit, m.spec.Deliveries); m.made < stop; {
		if err := m.event(ctx, event, delivery, answer, body); err != nil {
			return err
		}
	}
	if err := errors.Join(event.flush(ctx), delivery.flush(ctx), answer.flush(ctx)); err != nil {
		return err
	}
	return tx.Commit()
}

var types = []string{"transaction.created", "transaction.updated", "transaction.completed", "card.updated", "user.updated"} //nolint:gochecknoglobals // read only

// event adds one event with its deliveries: two events in five are the large
// organization's, one in 2,500 the small one's, and the others go round.
func (m *maker) event(ctx context.Context, event, delivery, answer *inserts, body string) error {
	m.seq++
	var org *organization
	switch {
	case m.seq%5 < 2:
		org = &m.orgs[0]
	case m.seq%2500 == 2:
		org = &m.orgs[1]
	default:
		org = &m.orgs[2+int(m.seq)%(len(m.orgs)-2)]
	}
	org.events++
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(m.seq)))
	id, typ := fmt.Sprintf("%x", sum[:16]), types[org.events%len(types)]
	at := first + m.seq*pause
	subject, publisher := any(nil), any(nil)
	if strings.HasPrefix(typ, "transaction.") {
		subject = fmt.Sprintf("tx-%x", sum[16:28])
	}
	if org.events%2 == 0 {
		publisher = "tok_publisher"
	}
	if org.events%20_000 == 1 && subject != nil { // waits for its receipt, as good as for ever
		return event.add(ctx, m.seq, org.seq, id, typ, subject, publisher, 3, at, 0, nil, sum[:], []byte(body))
	}
	targets := []int64{org.webhooks[org.events%len(org.webhooks)]}
	if other := org.webhooks[(org.events+1)%len(org.webhooks)]; other != targets[0] && org.events%3 == 0 {
		targets = append(targets, other)
	}
	slices.Sort(targets)
	var fanout []byte
	for _, target := range targets {
		fanout = binary.AppendUvarint(fanout, uint64(target))
	}
	if err := event.add(ctx, m.seq, org.seq, id, typ, subject, publisher, 0, at, len(targets), fanout, sum[:], []byte(body)); err != nil {
		return err
	}
	for _, target := range targets {
		m.made++
		state, attempts, due, reason, status, problem := 1, 1, int64(0), any(nil), 200, any(nil)
		switch {
		case org.events%1000 == 7:
			state, attempts, reason, status, problem = 2, 21, "all attempts were used up", 503, "status"
		case org.events%5000 == 11:
			state, attempts, reason, status = 3, 0, "cancelled by hand", 0
		case org.events%2000 == 13:
			state, due, status, problem = 0, far, 503, "status"
		}
		if err := delivery.add(ctx, target, m.seq, 0, state, attempts, due, reason, at+5, 1500, status, problem, "https://receiver.example.com/hook"); err != nil {
			return err
		}
		if m.spec.Answer == 0 || attempts == 0 {
			continue
		}
		if err := answer.add(ctx, target, m.seq, 0, attempts, 0, bytes.Repeat([]byte("x"), m.spec.Answer)); err != nil {
			return err
		}
	}
	return nil
}
