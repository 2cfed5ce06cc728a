package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"modernc.org/sqlite"
)

// Summary tells what is in a file that was verified.
type Summary struct {
	contents
	Bytes  int64     // size of the file
	Newest time.Time // when its last event was accepted; zero without one
}

// contents is what a file and its copy must agree in.
type contents struct {
	Schema                    int
	Webhooks, Events, Pending int64 // webhooks that are there, events with tombstones, deliveries that wait
	last                      int64 // number of the last event
	newest                    int64
}

// single is a connection or a pool, for one row.
type single interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func readContents(ctx context.Context, q single) (c contents, err error) {
	err = q.QueryRowContext(ctx, `SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM webhook WHERE deleted_at IS NULL),
		(SELECT count(*) FROM event), (SELECT count(*) FROM delivery WHERE state = 0), coalesce((SELECT max(seq) FROM event), 0),
		coalesce((SELECT accepted_at FROM event ORDER BY seq DESC LIMIT 1), 0)`).
		Scan(&c.Schema, &c.Webhooks, &c.Events, &c.Pending, &c.last, &c.newest)
	return c, err
}

// ours checks that a file is sealpost's, and of a schema that this program
// knows.
func ours(ctx context.Context, q single, path string) error {
	var id, version int
	if err := q.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version)`).Scan(&id, &version); err != nil {
		return err
	}
	switch {
	case id != applicationID || version == 0:
		return unavailable(fmt.Sprintf("%s is no database of sealpost", path), "name a file that `sealpost db backup` has made")
	case version > SchemaVersion():
		return unavailable(fmt.Sprintf("%s has schema %d; this program knows schemas up to %d", path, version, SchemaVersion()), "use the newer sealpost that wrote it")
	}
	return nil
}

// openStill opens a file that nobody writes to, without leaving anything beside
// it, also on a disk that can't be written.
func openStill(path string) (*sql.DB, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, unavailable(fmt.Sprintf("there is no file %s", path), "check the path").Wrap(err)
	case err != nil:
		return nil, unavailable(fmt.Sprintf("can't read %s: %v", path, err), "check the path and its permissions").Wrap(err)
	case !info.Mode().IsRegular():
		return nil, unavailable(fmt.Sprintf("%s is not a file", path), "name a file that `sealpost db backup` has made")
	}
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		return nil, unavailable(fmt.Sprintf("%s has a write-ahead log beside it, so it is a database in use and no backup", path), "`sealpost db backup` makes one of it, with --database "+path)
	}
	return sql.Open(driverName, dsn(path, "mode", "ro", "immutable", "1"))
}

// Verify reads a whole file that nobody writes to, such as a backup: whether it
// is sealpost's and of a known schema, whether SQLite finds its pages, indexes
// and references in order. It tells what is in it.
func Verify(ctx context.Context, path string) (sum Summary, err error) {
	db, err := openStill(path)
	if err != nil {
		return sum, err
	}
	defer db.Close() //nolint:errcheck // it was only read
	if err := ours(ctx, db, path); err != nil {
		return sum, unsound(path, err)
	}
	faults, err := integrity(ctx, db)
	if err != nil {
		return sum, unsound(path, err)
	}
	if sum.Bytes, err = size(ctx, db, path); err != nil {
		return sum, unsound(path, err)
	}
	if len(faults) > 0 {
		return sum, unavailable(fmt.Sprintf("%s is damaged: %s", path, strings.Join(faults, "; ")), "use another backup")
	}
	if sum.contents, err = readContents(ctx, db); err != nil {
		return sum, unsound(path, err)
	}
	sum.Newest = fromMillis(sum.newest)
	return sum, nil
}

// unsound is the fault of a file that is a backup, or was taken for one: what
// helps is another file, not another database.
func unsound(path string, err error) error {
	var native *sqlite.Error
	if !damaged(err) || !errors.As(err, &native) {
		return fault(path, err)
	}
	if native.Code()&0xff == codeNotADB {
		return unavailable(fmt.Sprintf("%s is not an SQLite database", path), "name a file that `sealpost db backup` has made").Wrap(err)
	}
	return unavailable(fmt.Sprintf("%s is damaged: %v", path, native), "use another backup").Wrap(err)
}

// size is that of a file, which has to be as large as it names itself:
// where the end of the last page is missing, SQLite reads zeros in its place.
func size(ctx context.Context, db *sql.DB, path string) (bytes int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	var want int64
	if err := db.QueryRowContext(ctx, `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`).Scan(&want); err != nil {
		return 0, err
	}
	if info.Size() < want {
		return 0, unavailable(fmt.Sprintf("%s is damaged: it has %d of the %d bytes that it names", path, info.Size(), want), "use another backup")
	}
	return info.Size(), nil
}

// maxFaults bounds how many faults of a kind are told.
const maxFaults = 10

// integrity asks SQLite whether pages and indexes are in order, and whether
// references lead somewhere.
func integrity(ctx context.Context, db *sql.DB) (faults []string, err error) {
	rows, err := db.QueryContext(ctx, fmt.Sprintf(`PRAGMA integrity_check(%d)`, maxFaults))
	if err != nil {
		return nil, err
	}
	lines, err := scanRows(rows, 1)
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		if text := fmt.Sprint(line[0]); text != "ok" {
			faults = append(faults, text)
		}
	}
	rows, err = db.QueryContext(ctx, `SELECT "table", "parent", count(*) FROM pragma_foreign_key_check GROUP BY 1, 2`)
	if err != nil {
		return faults, err
	}
	lines, err = scanRows(rows, 3)
	for _, line := range lines {
		faults = append(faults, fmt.Sprintf("%v rows of %v refer to no row of %v", line[2], line[0], line[1]))
	}
	return faults, err
}
