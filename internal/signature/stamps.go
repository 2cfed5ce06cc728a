package signature

import (
	"strings"
	"time"
)

// stampLayouts are how programs write a time.
var stampLayouts = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 -0700 MST", "2006-01-02 15:04:05.999999999 -0700", "2006-01-02T15:04:05.999999999-0700",
	"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05.999999999 MST", time.RFC1123, "Mon, 2 Jan 2006 15:04:05 GMT", "Mon Jan 02 2006 15:04:05 GMT-0700", "Mon Jan 02 15:04:05 MST 2006",
	"2006-01-02T15:04Z07:00", "1/2/2006 15:04:05", "1/2/2006 3:04:05 PM",
}

// instantOf reads a time in one of the usual forms.
func instantOf(text string) (time.Time, bool) {
	if len(text) < 16 || len(text) > 64 {
		return time.Time{}, false
	}
	bare, _, _ := strings.Cut(text, " (") // JavaScript's name of the zone
	for _, layout := range stampLayouts {
		if t, err := time.Parse(layout, bare); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

const stampLayout = "2006-01-02T15:04:05.000Z"

// stamped writes a time as sealpost does: UTC, three digits of a second, Z.
func stamped(text string) string {
	if t, ok := instantOf(text); ok && t.Year() > 0 && t.Year() < 10000 {
		return t.UTC().Format(stampLayout)
	}
	return text
}

// epoch writes a number of seconds or milliseconds since 1970 as a time.
func epoch(number string) string {
	whole, fraction, _ := strings.Cut(number, ".")
	switch {
	case len(whole) == 13 && isDigits(whole):
		whole, fraction = whole[:10], whole[10:]
	case len(whole) != 10 || !isDigits(whole):
		return ""
	}
	seconds, _ := parseTimestamp(whole)
	fraction = (fraction + "000")[:3]
	if !isDigits(fraction) {
		return ""
	}
	return time.Unix(seconds, 0).UTC().Format("2006-01-02T15:04:05.") + fraction + "Z"
}

func isDigits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// shortStamp drops the zeros at the end of a second's fraction, as Go's time.Time
// and Newtonsoft do.
func shortStamp(text string) string {
	bare, found := strings.CutSuffix(text, "Z")
	if _, ok := instantOf(text); !ok || !found || !strings.Contains(bare, ".") {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(bare, "0"), ".") + "Z"
}

// pythonStamp writes +00:00 for Z, as datetime.isoformat does.
func pythonStamp(text string) string {
	t, ok := instantOf(text)
	if !ok || !strings.HasSuffix(text, "Z") {
		return text
	}
	layout := "2006-01-02T15:04:05.000000-07:00"
	if t.Nanosecond() == 0 {
		layout = "2006-01-02T15:04:05-07:00"
	}
	return t.UTC().Format(layout)
}
