package config

import (
	"errors"
	"regexp"
	"strings"
)

// urlLike is how a URL begins, or a path that was made of one: two letters or more,
// since one is a drive. connection is a connection string of another database.
var (
	urlLike    = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+):([/\\]|$)`)
	opaque     = regexp.MustCompile(`(?i)^(postgres|postgresql|pgsql|mysql|mysqlx|mariadb|sqlite|sqlite3|file|libsql|mongodb|mongodb\+srv|redis|rediss|sqlserver|mssql|oracle|jdbc|http|https|s3):`)
	connection = regexp.MustCompile(`(?i)(^|\s)(host|hostaddr|service|dbname|user|password)\s*=|@(tcp|unix)\(`)
)

// errURL says that a database is named in a way that is not supported.
var errURL = errors.New("is no path of a file: this version keeps its data in one SQLite file and speaks to no database server; " +
	"give a path, for instance /var/lib/sealpost/sealpost.db. For a file whose name looks like a URL write ./NAME")

// databasePath reads the path of the database. What looks like the URL of a
// database server is refused, lest a folder of that name be made.
func databasePath(at func(*Config) *string) kind {
	k := text(at)
	set := k.set
	k.set = func(c *Config, s string) error {
		if notPath(s) {
			return errURL
		}
		return set(c, s)
	}
	k.show = func(s string) string {
		if !notPath(s) {
			return s
		}
		if kind, _, found := strings.Cut(strings.TrimSpace(s), ":"); found && urlLike.MatchString(kind+":/") {
			return kind + ":…"
		}
		return "…" // there may be a password in it
	}
	return k
}

func notPath(s string) bool {
	s = strings.TrimSpace(s)
	return urlLike.MatchString(s) || opaque.MatchString(s) || connection.MatchString(s)
}
