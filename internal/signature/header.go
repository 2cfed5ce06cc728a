package signature

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// maxHeader bounds a header's value, in bytes; maxSignatures how many
// signatures are looked at.
const (
	maxHeader     = 4096
	maxSignatures = 16
)

// headers reads the signature headers of a request strictly, whatever the case
// of their names. A header given twice is a fault, and counts as missing: a
// proxy and a receiver could each believe another one.
type headers struct {
	all    map[string][]string // by name in lower case
	faults map[string]Cause    // by name in lower case
}

func readHeaders(all map[string][]string) *headers {
	h := &headers{all: make(map[string][]string, len(all)), faults: map[string]Cause{}}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		name := strings.ToLower(key)
		h.all[name] = append(h.all[name], all[key]...)
	}
	return h
}

// value returns a header's value, and whether the header stands there at all.
func (h *headers) value(name string) (text string, present bool) {
	found := h.all[strings.ToLower(name)]
	switch {
	case len(found) == 0:
		return "", false
	case len(found) > 1:
		h.faults[strings.ToLower(name)] = proven(CodeHeaderRepeated, "%s stands there %d times", name, len(found))
		return "", true
	case len(found[0]) > maxHeader:
		h.faults[strings.ToLower(name)] = proven(CodeHeaderTooLong, "%s has %d bytes, more than %d", name, len(found[0]), maxHeader)
		return "", true
	}
	return strings.Trim(found[0], " \t"), true
}

// faultsOf returns what is wrong with the headers of a scheme.
func (h *headers) faultsOf(s Scheme) (found []Cause) {
	id, at := s.triple()
	for _, name := range []string{s.Header(), id, at} {
		if fault, wrong := h.faults[strings.ToLower(name)]; wrong {
			found = append(found, fault)
		}
	}
	return found
}

// strictHex reads a sum of 64 lower-case hex digits.
func strictHex(text string) [][]byte {
	sum, err := hex.DecodeString(text)
	if err != nil || len(sum) != sha256.Size || text != strings.ToLower(text) {
		return nil
	}
	return [][]byte{sum}
}

// ParseStandard reads the value of webhook-signature: signatures separated by
// spaces, each a version, a comma and base64. It returns the decoded v1
// signatures, at most 16; other versions and what can't be read are left out.
// The result is not nil.
func ParseStandard(value string) [][]byte { return versions(value, Version, sha256.Size) }

func versions(value, version string, size int) [][]byte {
	found := [][]byte{}
	for part := range strings.FieldsSeq(value) {
		encoded, marked := strings.CutPrefix(part, version)
		if !marked || len(found) == maxSignatures {
			continue
		}
		if sum, err := base64.StdEncoding.Strict().DecodeString(encoded); err == nil && len(sum) == size {
			found = append(found, sum)
		}
	}
	return found
}

// parseTimestamp reads Unix seconds up to 2³⁸: no sign, no leading zero but in 0 itself.
func parseTimestamp(text string) (seconds int64, ok bool) {
	if len(text) == 0 || len(text) > 12 || text[0] == '0' && text != "0" {
		return 0, false
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		seconds = seconds*10 + int64(c-'0')
	}
	return seconds, seconds < 1<<38
}

// isMillis reports whether a timestamp is one of this age in milliseconds.
func isMillis(text string) bool {
	if len(text) != 13 {
		return false
	}
	_, ok := parseTimestamp(text[:10])
	return ok && strings.Trim(text, "0123456789") == ""
}
