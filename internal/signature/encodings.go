package signature

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// target is a sum that a value may stand for, and what is wrong with the way
// it is written.
type target struct {
	sum    []byte
	faults []fault
}

// prefixes stand in front of signatures elsewhere.
var prefixes = []string{"sha256", "sha-256", "sha1", "sha-1", "sha512", "sha-512", "hmac-sha256", "hmac", "v1", "v0", "hex", "base64", "signature"}

// targetsOf reads a value in every way that it may have been written. In
// lenient mode v1, may be absent: code compares without it as often as with it.
func targetsOf(value string, scheme Scheme, lenient bool) (found []target) {
	parts := []string{strings.TrimSpace(value)}
	if scheme == SchemeStandard {
		parts = strings.Fields(value)
	}
	for _, part := range parts[:min(len(parts), maxSignatures)] {
		found = append(found, readTarget(part, scheme, lenient)...)
	}
	return found
}

func readTarget(text string, scheme Scheme, lenient bool) []target {
	var faults []fault
	note := func(code, what string) { faults = append(faults, fault{code, what}) }
	if bare := strings.Trim(text, `"'`); bare != text {
		text = bare
		note(CodeEncodingQuoted, "written in quotes")
	}
	bare, version := strings.CutPrefix(text, Version)
	switch {
	case scheme == SchemeStandard && version:
		text = bare
	default:
		prefix := ""
		if text, prefix = cutPrefixes(text); prefix != "" {
			note(CodeEncodingPrefix, "written with "+prefix+" in front")
		} else if scheme == SchemeStandard && !lenient {
			note(CodeEncodingNoVersion, "written without v1, in front")
		}
	}
	if len(text) > maxHeader {
		return nil
	}
	return decodings(text, scheme, faults)
}

// cutPrefixes cuts what stands in front of a signature: sha256=, and of forms
// such as t=1614265330,v1=5257a8… everything up to the value.
func cutPrefixes(text string) (rest, prefix string) {
	rest = text
	if first, behind, found := strings.Cut(rest, ","); found && strings.HasPrefix(first, "t=") {
		rest = behind
	}
	for _, name := range prefixes {
		if len(rest) > len(name) && strings.EqualFold(rest[:len(name)], name) && strings.ContainsRune("=,: ", rune(rest[len(name)])) {
			rest = strings.TrimLeft(rest[len(name)+1:], " ")
			break
		}
	}
	return rest, text[:len(text)-len(rest)]
}

// decodings returns the sums that a text spells.
func decodings(text string, scheme Scheme, faults []fault) (found []target) {
	add := func(sum []byte, err error, more ...fault) {
		if err == nil && isSum(len(sum)) {
			found = append(found, target{sum, slices.Concat(faults, more)})
		}
	}
	var hexFaults, baseFaults []fault
	if scheme == SchemeStandard {
		hexFaults = []fault{{CodeEncodingHex, "written as hex instead of base64"}}
	} else {
		baseFaults = []fault{{CodeEncodingBase64, "written as base64 instead of hex"}}
	}
	if text != strings.ToLower(text) {
		hexFaults = append(hexFaults, fault{CodeEncodingUpper, "written in upper case"})
	}
	sum, err := hex.DecodeString(text)
	add(sum, err, hexFaults...)
	sum, err = base64.StdEncoding.Strict().DecodeString(text)
	add(sum, err, baseFaults...)
	if err == nil {
		inner, err := hex.DecodeString(string(sum))
		add(inner, err, fault{CodeEncodingTwice, "written as the base64 of its hex digits"})
	}
	if bare := strings.TrimRight(text, "="); strings.ContainsAny(bare, "-_") {
		sum, err = base64.RawURLEncoding.Strict().DecodeString(bare)
		add(sum, err, append(slices.Clone(baseFaults), fault{CodeEncodingURL, "written in the URL alphabet of base64"})...)
	} else if bare == text && len(text)%4 != 0 {
		sum, err = base64.RawStdEncoding.Strict().DecodeString(bare)
		add(sum, err, append(slices.Clone(baseFaults), fault{CodeEncodingUnpadded, "written without the padding of base64"})...)
	}
	return found
}
