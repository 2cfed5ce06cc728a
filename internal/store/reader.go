package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// There are three pools of readers, so that no kind of read waits for another:
// lists and whatever else people ask for, the engine, and the look-ups of tokens
// and sessions that every call begins with. What people read may take its time;
// deliveries and other callers don't wait for it.
const (
	listReaders   = 4
	engineReaders = 2
	accessReaders = 2
)

// reader is a pool of connections that read, with what they have prepared:
// parsing SQL costs more than most of what it asks for.
type reader struct {
	db   *sql.DB
	mu   sync.RWMutex
	made map[string]*sql.Stmt
}

// open opens the pool.
func (r *reader) open(path string, size int) (err error) {
	if r.db, err = connect(path, true); err != nil {
		return err
	}
	r.db.SetMaxOpenConns(size)
	r.db.SetMaxIdleConns(size)
	return nil
}

// statement returns a prepared statement.
func (r *reader) statement(query string) (*sql.Stmt, error) {
	r.mu.RLock()
	stmt := r.made[query]
	r.mu.RUnlock()
	if stmt != nil {
		return stmt, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if stmt := r.made[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := r.db.PrepareContext(background, query)
	if err != nil {
		return nil, err
	}
	if r.made == nil {
		r.made = make(map[string]*sql.Stmt)
	}
	r.made[query] = stmt
	return stmt, nil
}

// rows asks with a prepared statement.
func (r *reader) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := r.statement(query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// row asks for one row with a prepared statement.
func (r *reader) row(ctx context.Context, query string, args []any, into ...any) error {
	stmt, err := r.statement(query)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(ctx, args...).Scan(into...)
}

// close closes the pool and what was prepared. One that was never opened is closed.
func (r *reader) close() (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, stmt := range r.made {
		_ = stmt.Close()
	}
	if r.made = nil; r.db != nil {
		err = r.db.Close()
	}
	return err
}

// closeReaders closes all pools.
func (s *Store) closeReaders() error {
	return errors.Join(s.lists.close(), s.engine.close(), s.access.close())
}

// rows asks one of the readers of lists.
func (s *Store) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.lists.rows(ctx, query, args...)
}

// row asks one of the readers of lists for one row.
func (s *Store) row(ctx context.Context, query string, args []any, into ...any) error {
	return s.lists.row(ctx, query, args, into...)
}
