package store_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sealpost/internal/store"
)

// TestMain records the SQL that the store runs during all tests, and judges the
// plans of these statements after them, and of those in the store's source. When all
// tests ran, each statement that is put together must be among them.
func TestMain(m *testing.M) {
	flag.Parse()
	recorded := record()
	store.UseDriver("sqlite-recorded")
	code := m.Run()
	if code == 0 && given("test.list") == "" {
		pieces, err := written(recorded.texts)
		if given("test.run") != "" || given("test.skip") != "" || testing.Short() {
			pieces = nil
		}
		faults, err2 := judge(recorded.texts)
		if err := errors.Join(err, err2); err != nil {
			faults = append(faults, err.Error())
		}
		faults = append(faults, pieces...)
		for _, fault := range faults {
			fmt.Fprintln(os.Stderr, "--- FAIL: query plan:", fault)
			code = 1
		}
	}
	os.Exit(code)
}

func given(name string) string { return flag.Lookup(name).Value.String() }

// small are the tables that don't grow with tenants, events or time.
var small = []string{ //nolint:gochecknoglobals // read only
	"bound", "key", "plain_ids", "pruning", "seal", "sqlite_master", "sqlite_schema", "sqlite_sequence",
	"upgrade_from", // one row, between two steps of an upgrade
	"deletion",     // one row for each organization that the operator deleted
	"quarantine",   // bounded
	"unknown_user", // bounded
}

// allowed are the scans that may be, by a part of the statement, with the reason.
var allowed = []struct{ part, table, reason string }{ //nolint:gochecknoglobals // read only
	{" LIMIT 10", "", "`db check` looks at everything"},
	{"d.event <= ? GROUP BY d.webhook, d.event", "webhook", "`db check` looks at everything"},
	{"(SELECT count(*) FROM event)", "", "a copy is compared with its original, row by row"},
	{"SELECT count(*) FROM signing_secret", "signing_secret", "a key is set up for a file that has secrets; once a file"},
	{"FROM signing_secret t\n\t\tJOIN webhook w", "signing_secret", "`db rekey` seals all secrets anew"},
	{"WHERE o.deleted_at IS NULL ORDER BY o.seq", "organization", "`org list` lists all organizations"},
	{"SELECT o.slug || '/' || w.name", "webhook", "a restore names all webhooks with pending deliveries"},
	{"UPDATE webhook SET disabled = ?, updated_at = ? WHERE seq IN", "webhook", "a restore disables all webhooks with pending deliveries"},
	{"EXISTS (SELECT 1 FROM event WHERE state IN (1, 3))", "event", "ends at the first row of the index"},
	{"EXISTS (SELECT 1 FROM event WHERE state IN (1, 3))", "delivery", "ends at the first row of the index"},
	{"EXISTS (SELECT 1 FROM event WHERE state IN (1, 3))", "unlinked_event", "ends at the first row of the index"},
	{"SELECT EXISTS (SELECT 1 FROM token WHERE revoked_at IS NULL)", "token", "ends at the first row of the index"},
	{"SELECT accepted_at FROM event ORDER BY seq DESC LIMIT 1", "event", "ends at the first row"},
	{"DELETE FROM used_nonce WHERE false", "used_nonce", "looks at nothing"},
	{"SELECT count(*) FROM hold WHERE status IS NULL", "hold", "`doctor` counts what is held, under a deadline"},
	{"SELECT max(at) FROM (SELECT d.at FROM event e", "event", "`doctor`, under a deadline"},
	{"SELECT count(*) FROM webhook WHERE disabled IS NOT NULL AND disabled <> ?", "webhook", "a metric of the operator, read when it is asked for"},
	{"SELECT coalesce(sum(events), 0) FROM missing", "missing", "a metric of the operator: a row of each webhook that missed events"},
	{"FROM missing m CROSS JOIN webhook w", "missing", "`doctor`: a row of each webhook that missed events"},
	{"SELECT organization, count(*), true FROM event INDEXED BY event_waiting", "event", "a metric of the operator, once a minute: an index of what is held"},
	{"SELECT organization, count(*), true FROM token", "token", "a metric of the operator, once a minute: an index without revoked tokens"},
	{"SELECT organization, count(*), true FROM webhook", "webhook", "a metric of the operator, once a minute: an index without deleted webhooks"},
	{"SELECT organization, max(1 + CASE WHEN routes", "webhook", "a metric of the operator, once a minute: an index without deleted webhooks"},
	{"FROM stored s JOIN organization o", "stored", "a metric of the operator, once a minute: a row of each organization"},
	{"SELECT seq FROM unlinked_event ORDER BY seq LIMIT ?", "unlinked_event", "ends at the limit"},
	{"SELECT count(*) FROM unlinked_event", "unlinked_event", "bounded, and counted once after a start"},
}

// judge returns the scans of growing tables in the plans of statements.
func judge(texts map[string]bool) (faults []string, err error) {
	db, err := latest()
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // it was only read
	tables, err := strs(db, `SELECT name FROM sqlite_schema WHERE type = 'table'`)
	if err != nil {
		return nil, err
	}
	steps := migrations()
	for _, text := range slices.Sorted(maps.Keys(texts)) {
		if !planned.MatchString(text) || steps[text] {
			continue
		}
		lines, err := explain(db, text)
		if err != nil {
			return nil, fmt.Errorf("%w: %s", err, text)
		}
		for _, line := range lines {
			what := scan.FindStringSubmatch(line)
			if what == nil {
				continue
			}
			for _, table := range tablesOf(text, what[1], tables) {
				if !slices.Contains(small, table) && !fine(text, table) {
					faults = append(faults, fmt.Sprintf("%s scans %s:\n%s", line, table, text))
				}
			}
		}
	}
	return faults, nil
}

var (
	planned = regexp.MustCompile(`^\s*(SELECT|WITH|INSERT|UPDATE|DELETE|REPLACE)\b`)
	scan    = regexp.MustCompile(`^SCAN (\w+)`)
)

func fine(text, table string) bool {
	for _, a := range allowed {
		if strings.Contains(text, a.part) && cmp.Or(a.table, table) == table {
			return true
		}
	}
	return false
}

// tablesOf are the tables that a name in a statement can stand for. A name that is
// none of them is a subquery, or a function.
func tablesOf(text, name string, tables []string) (found []string) {
	for _, table := range tables {
		alias := regexp.MustCompile(`(?i)(FROM|JOIN|,)\s+` + table + `\s+(AS\s+)?` + name + `\b`)
		if table == name || alias.MatchString(text) {
			found = append(found, table)
		}
	}
	return found
}

// betweenSteps is the table that a file has between the first and the last step of an
// upgrade. It has one row.
const betweenSteps = `CREATE TABLE upgrade_from (schema INTEGER PRIMARY KEY) STRICT`

// latest is a new file with today's schema. It is empty: SQLite plans by the schema
// alone, since nobody runs ANALYZE.
func latest() (*sql.DB, error) {
	folder, err := os.MkdirTemp("", "plans")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	path := filepath.Join(folder, "sealpost.db")
	s, err := store.Open(context.Background(), store.Options{Path: path, Create: true, Migrate: true})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	from, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, err
	}
	defer from.Close() //nolint:errcheck // it was only read
	schema, err := strs(from, `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid`)
	if err != nil {
		return nil, err
	}
	schema = append(schema, betweenSteps)
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	for _, text := range schema {
		if _, err := db.Exec(text); err != nil {
			return nil, err
		}
	}
	return db, nil
}

// strs reads one column.
func strs(db *sql.DB, query string, args ...any) (found []string, err error) {
	rows, err := db.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err tells
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	into := make([]any, len(columns))
	for i := range into {
		into[i] = new(any)
	}
	var text string
	into[len(into)-1] = &text
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		found = append(found, text)
	}
	return found, rows.Err()
}

func explain(db *sql.DB, text string) (lines []string, err error) {
	var args []any // EXPLAIN wants as many as there are, and looks at none
	for range 100 {
		lines, err = strs(db, `EXPLAIN QUERY PLAN `+text, args...)
		if err == nil || !strings.Contains(err.Error(), "missing ") {
			return lines, err
		}
		args = append(args, nil)
	}
	return lines, err
}

// migrations are the texts of the migrations. They run once, over all rows.
func migrations() map[string]bool {
	texts := map[string]bool{}
	files, _ := filepath.Glob("migrations/*.sql") // the pattern is right
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			texts[string(text)] = true
		}
	}
	return texts
}

// written finds the statements in the store's source. Those that are whole are added
// to the texts; it returns those that are pieces and of which no test ran one.
func written(texts map[string]bool) (faults []string, err error) {
	db, err := latest()
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // it was only read
	all := strings.Join(slices.Collect(maps.Keys(texts)), "\x00")
	files, err := filepath.Glob("*.go")
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			return nil, err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, is := n.(*ast.BasicLit)
			if !is || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			if err != nil || !planned.MatchString(text) || strings.Contains(text, "%") || strings.Contains(all, text) {
				return true
			}
			piece := strings.HasSuffix(text, " ")
			if _, err := explain(db, text); err == nil && !piece {
				texts[text] = true
			} else {
				faults = append(faults, fmt.Sprintf("no test of this package runs the statement at %s: %s", set.Position(literal.Pos()), text))
			}
			return true
		})
	}
	return faults, nil
}
