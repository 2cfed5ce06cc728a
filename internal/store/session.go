package store

import (
	"context"
	"database/sql"
	"errors"
)

// session is the writer's connection with its prepared statements, inside a
// transaction.
type session struct {
	conn     *sql.Conn
	tallies  *tallies
	prepared map[string]*sql.Stmt
	asked    int             // statements run since the start; tests judge by it
	rows     int             // rows written since the transaction began, without those of triggers
	fresh    bool            // what publishing goes by has to be read again: something else than publishing may have changed it
	next     int64           // number of the next event, once fresh is false
	awaiting bool            // events are held in this file, once fresh is false
	waiting  map[int64]int64 // events that are held, by organization, as far as known while fresh is false
	stored   map[int64]int64 // bytes that are stored, by organization, as far as known while fresh is false
	lining   bool            // released events have not been tried yet, once fresh is false; see due
	kept     int64           // events that are kept for unlinked users, once fresh is false; -1: some, not counted yet
}

var background = context.Background() //nolint:gochecknoglobals // a transaction is not cut by its callers' contexts

func (s *session) statement(query string) (*sql.Stmt, error) {
	s.asked++
	if stmt, found := s.prepared[query]; found {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(background, query)
	if err != nil {
		return nil, err
	}
	s.prepared[query] = stmt
	return stmt, nil
}

func (s *session) exec(query string, args ...any) error {
	_, err := s.changed(query, args...)
	return err
}

// changed runs a statement and returns how many rows it changed.
func (s *session) changed(query string, args ...any) (int64, error) {
	stmt, err := s.statement(query)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(background, args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	s.rows += int(n)
	return n, err
}

// control runs a statement that begins or ends something and writes no rows:
// SQLite would tell of those of the statement before.
func (s *session) control(query string) error {
	stmt, err := s.statement(query)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(background)
	return err
}

// insert runs an INSERT and returns the new row's number, or 0 when a conflict
// kept it out.
func (s *session) insert(query string, args ...any) (int64, error) {
	stmt, err := s.statement(query)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(background, args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	if s.rows += int(n); n == 0 || err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// row reads one row; sql.ErrNoRows when there is none.
func (s *session) row(query string, args []any, into ...any) error {
	stmt, err := s.statement(query)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(background, args...).Scan(into...)
}

// savepoint runs an operation so that one that refuses leaves nothing behind.
// The error says that the transaction is not what it was: a full or failing disk
// has SQLite end all of it, savepoints and all, and whatever came next would be
// committed by itself.
func (s *session) savepoint(run func(*session) error) (refused, err error) {
	if err := s.control(`SAVEPOINT operation`); err != nil {
		return nil, err
	}
	rows := s.rows
	if refused = run(s); refused != nil {
		s.rows = rows
		if err := s.control(`ROLLBACK TO operation`); err != nil {
			return nil, errors.Join(refused, err)
		}
	}
	return refused, s.control(`RELEASE operation`)
}

func (s *session) close() {
	for _, stmt := range s.prepared {
		_ = stmt.Close()
	}
	_ = s.conn.Close()
}
