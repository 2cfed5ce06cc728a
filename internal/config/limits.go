package config

import (
	"fmt"
	"strconv"
	"strings"

	"sealpost/internal/bounds"
)

// maxBound is the largest value of a bound.
const maxBound = 1 << 40

// limits are the settings of what one organization may have.
func limits() (rows []Setting) {
	for _, row := range bounds.Table {
		if !strings.HasPrefix(row.Key, "limits.") {
			continue // it has a row of its own
		}
		s := Setting{Key: row.Key, Default: strconv.FormatInt(row.Default, 10), Example: "50",
			Help: row.Counts + " that one organization may have; 0 is no bound", kind: bound(row)}
		if row.Bytes {
			s.Example = "256MiB"
		}
		if row.Default == bounds.ByOrigin {
			s.Default = ""
			s.Help += "; by default 0 for organizations made on the machine, 1GiB for those made over the API"
		}
		rows = append(rows, s)
	}
	return rows
}

// bound reads the value of a bound.
func bound(row bounds.Row) kind {
	k := kind{name: "whole number", allowed: fmt.Sprintf("a whole number from 0 to %d", maxBound)}
	if row.Bytes {
		k = kind{name: "size", allowed: fmt.Sprintf("a size from 0 to %d bytes, such as 65536, 256MiB or 1GiB", maxBound)}
	}
	k.set = func(c *Config, s string) (err error) {
		c.Limits[row.Kind], err = ParseBound(row, s)
		return err
	}
	if row.Default == bounds.ByOrigin {
		return orElse(k, func(c *Config) { c.Limits[row.Kind] = bounds.ByOrigin })
	}
	return k
}

// ParseBound reads the value of a bound as a setting or a flag gives it.
func ParseBound(row bounds.Row, s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if row.Bytes {
		n, err = ParseSize(s)
	}
	if err != nil || n < 0 || n > maxBound {
		return 0, errNot
	}
	return n, nil
}
