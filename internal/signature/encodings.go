package signature

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// target is a sum that a value may stand for, and what is wrong with the way
// it is written.
type target struct {
	sum    []byte
	part   func(sum []byte) bool // compares a value that lost something; nil compares the whole sum
	faults []fault
}

// matches reports whether a sum is the one that the value stands for.
func (t *target) matches(sum []byte) bool {
	if t.part != nil {
		return t.part(sum)
	}
	return hmac.Equal(sum, t.sum)
}

// size is how long a sum has to be.
func (t *target) size() int {
	if t.part != nil {
		return sha256.Size
	}
	return len(t.sum)
}

// prefixes stand in front of signatures elsewhere.
var prefixes = []string{"sha256", "sha-256", "sha1", "sha-1", "sha512", "sha-512", "hmac-sha256", "hmac", "v1", "v0", "hex", "base64", "signature"}

// reading is a value that was taken out of what stands around it.
type reading struct {
	text   string
	faults []fault
}

func (r reading) with(text, code, what string) reading {
	return reading{text, append(slices.Clone(r.faults), fault{code: code, what: what})}
}

// targetsOf reads a value in every way that it may have been written, the plainest
// first. In lenient mode v1, may be absent: code compares without it as often as
// with it.
func targetsOf(value string, scheme Scheme, lenient bool) (found []target) {
	if len(value) > maxHeader {
		return nil
	}
	all := readings(strings.TrimSpace(value), scheme)
	for _, loose := range []bool{false, true} { // what names the writing comes before what searches for a sum in it
		for _, r := range all {
			for _, part := range partsOf(r, scheme) {
				for _, t := range readTarget(part, scheme, lenient, loose) {
					if !slices.ContainsFunc(found, func(o target) bool { return o.part == nil && t.part == nil && bytes.Equal(o.sum, t.sum) }) && len(found) < 4*maxSignatures {
						found = append(found, t)
					}
				}
			}
		}
	}
	return found
}

// readings are the value as it stands, and without what programs put around it or
// in place of some characters.
func readings(value string, scheme Scheme) []reading {
	plain := reading{text: value}
	all := []reading{plain}
	add := func(r reading) {
		if r.text != value && r.text != "" {
			all = append(all, r)
		}
	}
	if inner, found := strings.CutPrefix(value, "b"); found && len(inner) > 2 && strings.ContainsAny(inner[:1], `'"`) {
		if text := fromQuotes([]byte(inner)); text != nil {
			add(plain.with(string(text), CodeEncodingBytesText, "written as the text b'…' that Python prints for bytes"))
		}
	}
	if text := fromByteList([]byte(value)); text != nil {
		add(plain.with(string(text), CodeEncodingBytesText, "written as a list of byte values"))
	}
	var list []string
	if json.Unmarshal([]byte(value), &list) == nil && len(list) > 0 {
		add(plain.with(strings.Join(list, " "), CodeEncodingListed, "written as a list in brackets"))
	}
	if inner := strings.TrimSpace(strings.Trim(strings.TrimSuffix(strings.TrimPrefix(value, "["), "]"), `"'`)); strings.HasPrefix(value, "[") {
		add(plain.with(inner, CodeEncodingListed, "written in brackets"))
	}
	if strings.Contains(value, `\`) {
		if text := unquoteJSON([]byte(`"` + strings.Trim(value, `"`) + `"`)); text != nil {
			add(plain.with(string(text), CodeEncodingQuoted, "written with the escapes of JSON"))
		}
	}
	if strings.Contains(value, "%") {
		if text, err := url.PathUnescape(value); err == nil {
			add(plain.with(text, CodeEncodingPercent, "percent-encoded"))
		}
	}
	if strings.Contains(value, "&") {
		add(plain.with(html.UnescapeString(value), CodeEncodingPercent, "written with HTML entities"))
	}
	if !scheme.isHex() || strings.Contains(value, " ") {
		add(plain.with(withPlus(value), CodeEncodingPercent, "written with a blank for each +, as form decoding does"))
	}
	for _, separator := range []string{",", ";", "|", "\n"} {
		if text := separated(value, separator, scheme); text != "" {
			add(plain.with(text, CodeEncodingListed, "joined by something else than a blank"))
		}
	}
	return all
}

// withPlus puts + back for blanks inside a signature of base64.
func withPlus(value string) string {
	var out []string
	for field := range strings.FieldsSeq(value) {
		marked := len(field) > 3 && (field[0] == 'v' || field[0] == 'V') && field[2] == ','
		if len(out) == 0 || marked {
			out = append(out, field)
		} else {
			out[len(out)-1] += "+" + field
		}
	}
	return strings.Join(out, " ")
}

// separated turns a list with another separator into one with blanks; "" when it
// is none.
func separated(value, separator string, scheme Scheme) string {
	if !strings.Contains(value, separator) {
		return ""
	}
	if scheme.isHex() {
		return strings.Join(strings.FieldsFunc(value, func(r rune) bool { return string(r) == separator || r == ' ' }), " ")
	}
	if separator == "," {
		text := strings.ReplaceAll(strings.ReplaceAll(value, ", ", ","), ",v1,", " v1,")
		return strings.ReplaceAll(text, ",v2,", " v2,")
	}
	return strings.ReplaceAll(value, separator, " ")
}

// partsOf splits a value into the signatures that it holds.
func partsOf(r reading, scheme Scheme) []reading {
	listed := slices.ContainsFunc(r.faults, func(f fault) bool { return f.code == CodeEncodingListed })
	if scheme.isHex() && !listed {
		return []reading{r}
	}
	fields := strings.Fields(r.text)
	parts := make([]reading, 0, len(fields))
	for _, field := range fields[:min(len(fields), maxSignatures)] {
		parts = append(parts, reading{field, r.faults})
	}
	if len(fields) > 1 && !listed {
		parts = append(parts, r)
	}
	return parts
}

func readTarget(r reading, scheme Scheme, lenient, loose bool) []target {
	if scheme == SchemeStripe || scheme == SchemeGitHub {
		return ownPrefix(r, scheme)
	}
	text := strings.TrimSpace(r.text)
	faults := slices.Clone(r.faults)
	note := func(code, what string) { faults = append(faults, fault{code: code, what: what}) }
	if bare := strings.Trim(text, "\"'`"); bare != text {
		text = bare
		note(CodeEncodingQuoted, "written in quotes")
	}
	bare, version := strings.CutPrefix(text, Version)
	switch {
	case scheme.standardLike() && version:
		text = bare
	default:
		prefix := ""
		if text, prefix = cutPrefixes(text); prefix != "" {
			note(CodeEncodingPrefix, "written with "+bounded(prefix)+" in front")
		} else if scheme.standardLike() && !lenient {
			note(CodeEncodingNoVersion, "written without v1, in front")
		}
	}
	if found := decodings(text, scheme, faults); len(found) > 0 || !loose {
		return found
	}
	return labelled(text, scheme, faults)
}

// ownPrefix reads the schemes that have a prefix of their own.
func ownPrefix(r reading, scheme Scheme) []target {
	text := strings.Trim(strings.TrimSpace(r.text), `"'`)
	if scheme == SchemeStripe {
		_, sums := readStripe(text)
		found := make([]target, 0, len(sums))
		for _, sum := range sums {
			found = append(found, target{sum: sum, faults: r.faults})
		}
		if len(found) > 0 {
			return found
		}
	}
	faults := slices.Clone(r.faults)
	bare, prefixed := strings.CutPrefix(text, "sha256=")
	if !prefixed {
		if bare, _ = cutPrefixes(text); bare == text {
			faults = append(faults, fault{code: CodeEncodingPrefix, what: "written without the prefix of the scheme"})
		} else {
			faults = append(faults, fault{code: CodeEncodingPrefix, what: "written with another prefix"})
		}
	}
	return decodings(bare, scheme, faults)
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

// spelled finds what may be a sum among other characters.
var (
	hexRun    = regexp.MustCompile(`(?:^|[^0-9A-Za-z])(?:0[xX])?([0-9A-Fa-f]{64})(?:$|[^0-9A-Za-z])`)
	baseRun   = regexp.MustCompile(`(?:^|[^0-9A-Za-z+/_-])([0-9A-Za-z+/_-]{43}=?)(?:$|[^0-9A-Za-z+/_=-])`)
	bytePairs = regexp.MustCompile(`^[0-9A-Fa-f]{2}(?:[-: _]?[0-9A-Fa-f]{2}){15,}$`)
)

// labelled finds a sum in the output of a command: openssl's HMAC-SHA2-256(stdin)= …,
// sha256sum's …  -, 0x…, and bytes with something between them.
func labelled(text string, scheme Scheme, faults []fault) []target {
	with := func(code, what string) []fault { return append(slices.Clone(faults), fault{code: code, what: what}) }
	if m := hexRun.FindStringSubmatch(text); m != nil && m[1] != text {
		return decodings(m[1], scheme, with(CodeEncodingLabelled, "written with more than its digits, as a command prints it"))
	}
	if bytePairs.MatchString(text) && strings.ContainsAny(text, "-: _") {
		bare := strings.Map(func(r rune) rune {
			if strings.ContainsRune("-: _", r) {
				return -1
			}
			return r
		}, text)
		return decodings(strings.ToLower(bare), scheme, with(CodeEncodingSeparated, "written with a character between its bytes, as BitConverter.ToString does"))
	}
	if m := baseRun.FindStringSubmatch(text); m != nil && m[1] != text {
		return decodings(m[1], scheme, with(CodeEncodingLabelled, "written with more than its characters, as a command prints it"))
	}
	if len(text) == sha256.Size {
		return []target{{sum: []byte(text), faults: with(CodeEncodingBytesText, "written as raw bytes")}}
	}
	return partial(text, faults)
}

// leastPart is how much of a sum proves it, in characters of hex and of base64.
const (
	leastHex  = 32
	leastBase = 22
)

// partial reads a value that lost its end, its beginning, or the case of its letters.
func partial(text string, faults []fault) (found []target) {
	with := func(code, what string) []fault { return append(slices.Clone(faults), fault{code: code, what: what}) }
	lower := strings.ToLower(text)
	if strings.Trim(lower, "0123456789abcdef") == "" && len(text) >= leastHex && len(text) < 64 {
		found = append(found,
			target{part: func(sum []byte) bool { return strings.HasPrefix(hex.EncodeToString(sum), lower) }, faults: with(CodeEncodingCut, "written without its end: "+number(64-len(text))+" of 64 digits are missing")},
			target{part: func(sum []byte) bool { return strings.HasSuffix(hex.EncodeToString(sum), lower) }, faults: with(CodeEncodingCut, "written without its beginning: "+number(64-len(text))+" of 64 digits are missing")})
	}
	bare := strings.TrimRight(text, "=")
	if len(bare) >= leastBase && len(bare) <= 43 {
		encoded := func(sum []byte) string { return base64.RawStdEncoding.EncodeToString(sum) }
		if len(bare) < 43 {
			found = append(found,
				target{part: func(sum []byte) bool { return strings.HasPrefix(encoded(sum), bare) }, faults: with(CodeEncodingCut, "written without its end: "+number(43-len(bare))+" characters are missing")},
				target{part: func(sum []byte) bool { return strings.HasSuffix(encoded(sum), bare) }, faults: with(CodeEncodingCut, "written without its beginning: "+number(43-len(bare))+" characters are missing")})
		} else {
			found = append(found, target{part: func(sum []byte) bool { return strings.EqualFold(encoded(sum), bare) }, faults: with(CodeEncodingUpper, "written in other case, which base64 does not survive")})
		}
	}
	return found
}

// decodings returns the sums that a text spells.
func decodings(text string, scheme Scheme, faults []fault) (found []target) {
	add := func(sum []byte, err error, more ...fault) {
		if err == nil && isSum(len(sum)) {
			found = append(found, target{sum: sum, faults: slices.Concat(faults, more)})
		}
	}
	var hexFaults, baseFaults []fault
	if scheme.isHex() {
		baseFaults = []fault{{code: CodeEncodingBase64, what: "written as base64 instead of hex"}}
	} else {
		hexFaults = []fault{{code: CodeEncodingHex, what: "written as hex instead of base64"}}
	}
	if text != strings.ToLower(text) {
		hexFaults = append(hexFaults, fault{code: CodeEncodingUpper, what: "written in upper case"})
	}
	sum, err := hex.DecodeString(text)
	add(sum, err, hexFaults...)
	if err == nil {
		inner, err := base64.StdEncoding.Strict().DecodeString(string(sum))
		add(inner, err, fault{code: CodeEncodingTwice, what: "written as the hex digits of its base64"})
		inner, err = hex.DecodeString(string(sum))
		add(inner, err, fault{code: CodeEncodingTwice, what: "written as the hex digits of its hex digits"})
	}
	sum, err = base64.StdEncoding.Strict().DecodeString(text)
	add(sum, err, baseFaults...)
	if err == nil {
		inner, err := hex.DecodeString(string(sum))
		add(inner, err, fault{code: CodeEncodingTwice, what: "written as the base64 of its hex digits"})
		inner, err = base64.StdEncoding.Strict().DecodeString(string(sum))
		add(inner, err, fault{code: CodeEncodingTwice, what: "written as the base64 of its base64"})
	}
	if bare := strings.TrimRight(text, "="); strings.ContainsAny(bare, "-_") {
		sum, err = base64.RawURLEncoding.Strict().DecodeString(bare)
		add(sum, err, append(slices.Clone(baseFaults), fault{code: CodeEncodingURL, what: "written in the URL alphabet of base64"})...)
	} else if bare == text && len(text)%4 != 0 {
		sum, err = base64.RawStdEncoding.Strict().DecodeString(bare)
		add(sum, err, append(slices.Clone(baseFaults), fault{code: CodeEncodingUnpadded, what: "written without the padding of base64"})...)
	}
	return slices.DeleteFunc(found, func(t target) bool { return len(t.sum) == sha256.Size224 && len(text) != 56 && len(text) != 40 })
}
