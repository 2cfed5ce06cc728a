package bigfile

import (
	"context"
	"database/sql"
	"strings"
)

// perStatement is how many rows one statement inserts: a statement costs as much as
// several rows.
const perStatement = 50

// inserts gathers rows of one table and inserts many with one statement.
type inserts struct {
	tx      *sql.Tx
	into    string // the statement up to VALUES
	columns int
	full    *sql.Stmt // inserts perStatement rows
	args    []any     // of the rows that are gathered
}

// add gathers one row, and inserts all that are gathered when they are enough.
func (i *inserts) add(ctx context.Context, values ...any) (err error) {
	if i.args = append(i.args, values...); len(i.args) < perStatement*i.columns {
		return nil
	}
	if i.full == nil {
		if i.full, err = i.tx.PrepareContext(ctx, i.text(perStatement)); err != nil {
			return err
		}
	}
	_, err = i.full.ExecContext(ctx, i.args...)
	i.args = i.args[:0]
	return err
}

// flush inserts the rows that are gathered.
func (i *inserts) flush(ctx context.Context) error {
	if len(i.args) == 0 {
		return nil
	}
	_, err := i.tx.ExecContext(ctx, i.text(len(i.args)/i.columns), i.args...)
	i.args = i.args[:0]
	return err
}

// text is the statement for so many rows.
func (i *inserts) text(rows int) string {
	row := "(" + strings.Repeat("?, ", i.columns-1) + "?)"
	return i.into + strings.Repeat(row+", ", rows-1) + row
}
