package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"sealpost/test/judge"
)

// migration kills `db migrate` at each of its calls on a database of the first
// schema, with work in it: run once more it has to end the way, with nothing
// lost.
func migration(ctx context.Context, w *world) error {
	if err := w.backlog(ctx, 20); err != nil {
		return err
	}
	if err := w.makeOld(ctx); err != nil {
		return err
	}
	before, err := w.look(ctx)
	if err != nil {
		return err
	}
	err = w.killAt(ctx, []string{"db", "migrate"}, func(ctx context.Context) error {
		if err := w.json(ctx, nil, "db", "migrate"); err != nil {
			return err
		}
		if err := w.json(ctx, nil, "db", "check"); err != nil {
			return err
		}
		after, err := w.look(ctx)
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(after, before) {
			return breach(judge.Lost, "%d of %d events are left, or they and their deliveries are not what they were; integrity: %s", len(after.Events), len(before.Events), after.Integrity)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var made struct{ Token string } // the first schema had no tokens
	if err := w.json(ctx, &made, "token", "create", "chaos"); err != nil {
		return err
	}
	w.client.token = made.Token
	w.receiver.behave("good", nil)
	if err := w.start(ctx); err != nil {
		return err
	}
	return end(ctx, w)
}

// backlog leaves so many events pending in a database that no daemon serves.
func (w *world) backlog(ctx context.Context, events int) error {
	w.receiver.behave("good", status(http.StatusServiceUnavailable, "Retry-After", "2"))
	if err := w.start(ctx); err != nil {
		return err
	}
	if n := w.client.many(events); n != events {
		return fmt.Errorf("the daemon took %d of %d events", n, events)
	}
	return w.stop(ctx)
}

// makeOld makes the database one of the first schema, with all that this had
// room for.
func (w *world) makeOld(ctx context.Context) (err error) {
	first, err := inTree("internal/store/migrations/0001_main.sql")
	if err != nil {
		return err
	}
	schema, err := os.ReadFile(first)
	if err != nil {
		return err
	}
	old := filepath.Join(w.folder, "old.db")
	db, err := sql.Open("sqlite", "file:"+old)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1) // what is attached belongs to a connection
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, string(schema)+`; PRAGMA application_id = 1936023916; PRAGMA user_version = 1`); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `ATTACH ? AS now`, w.database()); err != nil {
		return err
	}
	rows, err := db.QueryContext(ctx, `SELECT s.name, group_concat('"' || c.name || '"') FROM main.sqlite_schema s, pragma_table_info(s.name) c
		WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite_%' GROUP BY s.name`)
	if err != nil {
		return err
	}
	var copies []string
	for rows.Next() {
		var table, columns string
		if err := rows.Scan(&table, &columns); err != nil {
			return errors.Join(err, rows.Close())
		}
		copies = append(copies, fmt.Sprintf(`INSERT OR REPLACE INTO main."%s" (%s) SELECT %s FROM now."%s"`, table, columns, columns, table))
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, strings.Join(copies, ";")+`; DETACH now`); err != nil {
		return err
	}
	content, err := os.ReadFile(old)
	if err != nil {
		return err
	}
	return w.restore(map[string][]byte{"": content})
}

// rotation kills `webhook rotate` at each of its calls. Whoever ran it does not
// know whether there is a new secret, and has not seen it: what goes out until
// the next rotation still has to bear the old one.
func rotation(ctx context.Context, w *world) error {
	if err := w.backlog(ctx, 1); err != nil {
		return err
	}
	w.receiver.behave("good", nil)
	if err := errors.Join(w.start(ctx), w.rest(ctx), w.stop(ctx)); err != nil {
		return err
	}
	known := w.secrets["good"]
	published := 0
	err := w.killAt(ctx, []string{"webhook", "rotate", "good", "--overlap", "1h"}, func(ctx context.Context) error {
		if err := w.json(ctx, nil, "db", "check"); err != nil {
			return err
		}
		published++
		id := fmt.Sprintf("rotated-%d", published)
		if err := w.json(ctx, nil, "publish", "chaos.made", "--data", "{}", "--id", id, "--direct"); err != nil {
			return err
		}
		for _, r := range w.receiver.log() {
			if r.ID != id {
				continue
			}
			// The file is put back each time: each event is judged by itself.
			if found := judge.Judge(judge.Case{
				Sent: []judge.Sent{{ID: id}}, Received: []judge.Request{r}, Policy: policy, Secrets: map[string][]judge.Secret{"good": known},
				File: &judge.File{Integrity: "ok", Events: []judge.Event{{ID: id, Count: 1, Deliveries: []judge.Delivery{{Webhook: "good", State: judge.Delivered, Attempts: 1}}}}},
			}); found != nil {
				return broken(found)
			}
			return nil
		}
		return errors.New("nothing was delivered after it")
	})
	if err != nil {
		return err
	}
	// The last run came through; its secret is not known either, but the next is.
	if err := w.rotate(ctx, "good"); err != nil {
		return err
	}
	file, err := w.look(ctx)
	if err != nil {
		return err
	}
	if file.Integrity != "ok" {
		return errors.New(file.Integrity)
	}
	return nil
}

// pruning kills `db prune` at each of its calls: each event is whole or pruned,
// and what is pending stays.
func pruning(ctx context.Context, w *world) error {
	if err := w.start(ctx); err != nil {
		return err
	}
	w.client.many(150)
	if err := errors.Join(w.rest(ctx), w.stop(ctx)); err != nil {
		return err
	}
	if err := w.backlog(ctx, 10); err != nil {
		return err
	}
	err := w.killAt(ctx, []string{"db", "prune", "--older-than", "1ms"}, func(ctx context.Context) error {
		if err := w.json(ctx, nil, "db", "check"); err != nil {
			return err
		}
		file, err := w.look(ctx)
		if err != nil {
			return err
		}
		if file.Integrity != "ok" || len(file.Events) != 160 {
			return fmt.Errorf("%d of 160 events are left, if only as tombstones; integrity: %s", len(file.Events), file.Integrity)
		}
		whole := 0
		for _, e := range file.Events {
			switch pruned := e.Bytes == nil; {
			case pruned && len(e.Deliveries) != 0, !pruned && len(e.Deliveries) != e.Count:
				return fmt.Errorf("%s is neither whole nor pruned: %d bytes, %d of %d deliveries", e.ID, len(e.Bytes), len(e.Deliveries), e.Count)
			case !pruned && e.Deliveries[0].State == judge.Pending:
				whole++
			}
		}
		if whole != 10 {
			return fmt.Errorf("%d of 10 pending events are left", whole)
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.receiver.behave("good", nil)
	if err := w.start(ctx); err != nil {
		return err
	}
	if !w.client.send(0) { // its id stands for it still
		return errors.New("an event that is pruned can't be sent again")
	}
	if err := errors.Join(w.rest(ctx), w.stop(ctx)); err != nil {
		return err
	}
	if n := w.receiver.counted("chaos-0"); n != 1 {
		return fmt.Errorf("an event that was pruned and sent again came %d times", n)
	}
	return nil
}
