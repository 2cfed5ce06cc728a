package store

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Before an upgrade the file is kept as it was, as DATABASE.before-N. The copy is
// written page by page from one read transaction, so it has what stands in the
// write-ahead log, through a descriptor that follows no link. It gets its name once
// it is whole and synced.

const beforeInfix = ".before-"

// BeforeOf is where a database is kept as it was with an older schema.
func BeforeOf(database string, schema int) string {
	return database + beforeInfix + strconv.Itoa(schema)
}

// copyEvery is after how many pages of the copy its progress is told.
const copyEvery = 1024

// keepBefore copies the file, which has this schema.
func keepBefore(ctx context.Context, opts Options, schema int) (err error) {
	target := BeforeOf(opts.Path, schema)
	if info, err := os.Lstat(target); err == nil && info.Mode()&fs.ModeSymlink == 0 && !isBefore(target, schema) {
		return unavailable(fmt.Sprintf("%s is there already and no copy of schema %d", target, schema), "move it away; the database is kept under that name before it changes")
	}
	part := PartOf(target)
	if err := removeDatabase(part); err != nil { // of an upgrade that was killed
		return unavailable(fmt.Sprintf("can't write %s: %v", part, err), "move it away").Wrap(err)
	}
	began := time.Now()
	news := MigrationNews{Copy: target}
	opts.news(news)
	err = writePages(ctx, opts, part, func(done, total int) {
		news.Done, news.Total = done, total
		opts.news(news)
	})
	if err == nil {
		err = place(part, target)
	}
	if err != nil {
		_ = os.Remove(part)
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			err = noRoom(opts.Path, err.Error())
		}
		return fault(opts.Path, err)
	}
	news.Ended, news.Took = true, time.Since(began)
	opts.news(news)
	return nil
}

// noRoom says that the copy does not fit, and both ways out.
func noRoom(database, why string) error {
	return unavailable(fmt.Sprintf("there is no space to keep %s as it is before its schema changes: %s. Nothing was changed", database, why),
		"free some space; or upgrade without a copy: `sealpost db migrate --no-copy`, or the setting `database.migration_copy: false`")
}

// writePages writes the pages of a database, as they are at one moment, into a new file.
func writePages(ctx context.Context, opts Options, part string, progress Progress) (err error) {
	database := opts.Path
	db, err := connect(database, true)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // it was only read
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it was only read
	var pages int
	var size int64
	if err := tx.QueryRowContext(ctx, `SELECT (SELECT page_count FROM pragma_page_count), (SELECT page_size FROM pragma_page_size)`).Scan(&pages, &size); err != nil {
		return err
	}
	need := size * int64(pages) * 5 / 4 // the steps and their log take some, too
	if opts.Space.Free != nil {
		if free, err := opts.Space.Free(); err == nil && free < uint64(need) {
			return noRoom(database, fmt.Sprintf("the copy and the upgrade take %d MiB, and %d MiB are free", need>>20+1, free>>20))
		}
	}
	file, err := OpenPrivate(part, database, os.O_CREATE|os.O_EXCL|os.O_RDWR)
	if err != nil {
		return unavailable(fmt.Sprintf("can't write %s: %v", part, err), unlessFull(err, "check the folder and its permissions")).Wrap(err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	out := bufio.NewWriterSize(file, 1<<20)
	rows, err := tx.QueryContext(ctx, `SELECT pgno, data FROM sqlite_dbpage`)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // it was only read
	done := 0
	for rows.Next() {
		var number int
		var page sql.RawBytes
		if err := rows.Scan(&number, &page); err != nil {
			return err
		}
		if done++; number != done || int64(len(page)) != size {
			return fmt.Errorf("page %d of %s has number %d and %d bytes", done, database, number, len(page))
		}
		if number == 1 { // the copy is one file without a log
			page = bytes.Clone(page)
			page[18], page[19] = 1, 1
		}
		if _, err := out.Write(page); err != nil {
			return err
		}
		if done%copyEvery == 0 {
			progress.tell(done, pages)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if done != pages {
		return fmt.Errorf("%s has %d pages, and %d were read", database, pages, done)
	}
	progress.tell(done, pages)
	return errors.Join(out.Flush(), file.Sync())
}

// isBefore reports whether a file is a copy of a database of ours with a schema.
func isBefore(path string, schema int) bool {
	file, err := OpenPrivate(path, path, os.O_RDONLY)
	if err != nil {
		return false
	}
	defer file.Close() //nolint:errcheck // it was only read
	header := make([]byte, 100)
	if _, err := io.ReadFull(file, header); err != nil {
		return false
	}
	return bytes.HasPrefix(header, []byte("SQLite format 3\x00")) &&
		binary.BigEndian.Uint32(header[68:]) == applicationID && binary.BigEndian.Uint32(header[60:]) == uint32(schema)
}

// forgetBefore removes the copies of schemas before this one, and what is left of
// copies that were never whole. A copy that can't be removed is found again by the next upgrade.
func forgetBefore(database string, schema int) {
	paths, err := filepath.Glob(escapeGlob(database) + beforeInfix + "*")
	if err != nil {
		return
	}
	for _, path := range paths {
		text, partial := strings.CutSuffix(strings.TrimPrefix(path, database+beforeInfix), partSuffix)
		n, err := strconv.Atoi(text)
		if err != nil || strconv.Itoa(n) != text {
			continue // a restore keeps copies too
		}
		if partial && n <= schema || !partial && n < schema && isBefore(path, n) {
			_ = os.Remove(path)
		}
	}
}
