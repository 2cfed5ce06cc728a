package signature

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
)

// headers are the signature headers of a request, read strictly.
type headers struct {
	hex           string
	id            string
	timestampText string
	standardText  string
	triple        bool     // webhook-signature stands there, whatever its value
	standard      [][]byte // decoded v1 signatures
}

// maxHeader bounds a header's value, in bytes; maxSignatures how many
// signatures are looked at.
const (
	maxHeader     = 4096
	maxSignatures = 16
)

// readHeaders finds the signature headers, whatever the case of their names.
// A header given twice is a fault, and counts as missing: a proxy and a
// receiver could each believe another one.
func readHeaders(all map[string][]string) (h headers, faults []Cause) {
	value := func(name string) (text string, present bool) {
		var found []string
		for _, key := range slices.Sorted(maps.Keys(all)) {
			if strings.EqualFold(key, name) {
				found = append(found, all[key]...)
			}
		}
		switch {
		case len(found) == 0:
			return "", false
		case len(found) > 1:
			faults = append(faults, proven(CodeHeaderRepeated, "%s stands there %d times", name, len(found)))
			return "", true
		case len(found[0]) > maxHeader:
			faults = append(faults, proven(CodeHeaderTooLong, "%s has %d bytes, more than %d", name, len(found[0]), maxHeader))
			return "", true
		}
		return strings.Trim(found[0], " \t"), true
	}
	h.hex, _ = value(HeaderSignature)
	h.id, _ = value(HeaderID)
	h.timestampText, _ = value(HeaderTimestamp)
	h.standardText, h.triple = value(HeaderStandard)
	h.standard = ParseStandard(h.standardText)
	return h, faults
}

// ParseStandard reads the value of webhook-signature: signatures separated by
// spaces, each a version, a comma and base64. It returns the decoded v1
// signatures, at most 16; other versions and what can't be read are left out.
// The result is not nil.
func ParseStandard(value string) [][]byte {
	found := [][]byte{}
	for part := range strings.FieldsSeq(value) {
		encoded, v1 := strings.CutPrefix(part, Version)
		if !v1 || len(found) == maxSignatures {
			continue
		}
		if sum, err := base64.StdEncoding.Strict().DecodeString(encoded); err == nil && len(sum) == sha256.Size {
			found = append(found, sum)
		}
	}
	return found
}

// parseTimestamp reads Unix seconds: at most 11 digits, no sign, no leading zero.
func parseTimestamp(text string) (seconds int64, ok bool) {
	if len(text) == 0 || len(text) > 11 || text[0] == '0' {
		return 0, false
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		seconds = seconds*10 + int64(c-'0')
	}
	return seconds, true
}

// isMillis reports whether a timestamp is one of this age in milliseconds.
func isMillis(text string) bool {
	if len(text) != 13 {
		return false
	}
	_, ok := parseTimestamp(text[:10])
	return ok && strings.Trim(text, "0123456789") == ""
}
