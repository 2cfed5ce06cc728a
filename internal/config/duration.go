package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads a time as [time.ParseDuration] does, with days (24 hours)
// as well, which stand first: 5d, 1.5d, 1d12h.
func ParseDuration(s string) (time.Duration, error) {
	count, rest, found := strings.Cut(s, "d")
	if !found {
		return time.ParseDuration(s)
	}
	days, err := strconv.ParseFloat(count, 64)
	if err != nil || !inCentury(days) {
		return 0, fmt.Errorf("%q is not a number of days from 0 to 36500", count)
	}
	total := time.Duration(days * float64(day))
	if rest == "" {
		return total, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 || more >= 36500*day || rest[0] == '+' || rest[0] == '-' {
		return 0, fmt.Errorf("%q does not continue a number of days, as in 1d12h", rest)
	}
	return total + more, nil
}

// inCentury is false for NaN as well, and keeps sums far from overflow.
func inCentury(days float64) bool { return days >= 0 && days <= 36500 }

// spell writes a time as a person would give it: 5d, 12h, 500ms.
func spell(d time.Duration) string {
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-len(zero)+1]
		}
	}
	return s
}
