package store_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"

	"modernc.org/sqlite"
)

// recorder is the driver under all tests of this package. It keeps the text of
// every statement that the store runs.
type recorder struct {
	driver.Driver
	mu    sync.Mutex
	texts map[string]bool
}

func (r *recorder) add(query string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.texts[query] = true
}

// Open implements [driver.Driver].
func (r *recorder) Open(name string) (driver.Conn, error) {
	c, err := r.Driver.Open(name)
	if err != nil {
		return nil, err
	}
	return &recorded{c.(sqliteConn), r}, nil
}

// sqliteConn is all that the store and database/sql ask of a connection.
type sqliteConn interface {
	driver.Conn
	driver.Pinger
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
	NewBackup(to string) (*sqlite.Backup, error)
	NewRestore(from string) (*sqlite.Backup, error)
}

// recorded is a connection whose statements are kept.
type recorded struct {
	sqliteConn
	recorder *recorder
}

func (c *recorded) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.recorder.add(query)
	return c.sqliteConn.PrepareContext(ctx, query)
}

func (c *recorded) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.recorder.add(query)
	return c.sqliteConn.ExecContext(ctx, query, args)
}

func (c *recorded) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.recorder.add(query)
	return c.sqliteConn.QueryContext(ctx, query, args)
}

// record puts the recorder under the store.
func record() *recorder {
	r := &recorder{Driver: &sqlite.Driver{}, texts: map[string]bool{}}
	sql.Register("sqlite-recorded", r)
	return r
}
