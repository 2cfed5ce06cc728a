package signature

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sealpost/internal/secret"
)

// What every seed starts from.
const (
	plainText = "f00dfacecafebeef0123456789abcdeff00dfacecafebeef0123456789abcdef"
	otherText = "a0a0a0a0b1b1b1b1c2c2c2c2d3d3d3d3e4e4e4e4f5f5f5f5a6a6a6a6b7b7b7b7"
	oldText   = "0123456789012345678901234567890101234567890123456789012345678901"
)

var seedTime = time.Unix(vectorTime, 0)

// making is how a value is made, with nothing of this package's search in it.
type making struct {
	key     []byte
	content func(id, at, body string) string
	body    string
	sum     func(key, content []byte) []byte
	write   func(sum []byte) string
}

func rightMaking(scheme Scheme, text, body string) making {
	m := making{key: secret.New(text).Key(), body: body, sum: macOf, write: hex.EncodeToString,
		content: func(_, _, body string) string { return body }}
	if scheme == SchemeStandard {
		m.content = func(id, at, body string) string { return id + "." + at + "." + body }
		m.write = func(sum []byte) string { return "v1," + base64.StdEncoding.EncodeToString(sum) }
	}
	return m
}

func macOf(key, content []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(content)
	return mac.Sum(nil)
}

func (m making) value() string {
	return m.write(m.sum(m.key, []byte(m.content(vectorID, strconv.Itoa(vectorTime), m.body))))
}

// seed is one fault, put into a making.
type seed struct {
	code   string
	text   string // the secret as it was shown; "" is plainText
	scheme Scheme // the one where this is a fault; "" is both
	change func(*making)
	of     func(event) string // the bodies where this is a fault; nil is the corpus, and lined events
}

// bodies of a seed.
func (s seed) bodies(corpus []string) (bodies []string) {
	of := s.of
	if of == nil {
		bodies, of = slices.Clip(corpus), event.lined
	}
	for _, e := range events() {
		bodies = append(bodies, of(e))
	}
	return bodies
}

// inquiry is what a person has in hands when value was received.
func inquiry(scheme Scheme, text, body, value string) Inquiry {
	name := HeaderSignature
	if scheme == SchemeStandard {
		name = HeaderStandard
	}
	return Inquiry{Request: Request{
		Headers: map[string][]string{HeaderID: {vectorID}, HeaderTimestamp: {strconv.Itoa(vectorTime)}, name: {value}},
		Body:    []byte(body), Scheme: scheme, Tolerance: DefaultTolerance, At: seedTime,
		Secrets: []Candidate{
			{Name: "the current secret of orders", Secret: secret.New(text), Accept: true},
			{Name: "the previous secret of orders", Secret: secret.New(oldText), Retired: seedTime.Add(-time.Hour)},
			{Name: "the current secret of refunds", Secret: secret.New(otherText)},
		},
	}}
}

func bodySeed(code string, change func(string) string) seed {
	return seed{code: code, change: func(m *making) { m.body = change(m.body) }}
}

func bodySeeds() []seed {
	quoted := func(text string) string {
		var out bytes.Buffer
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		_ = e.Encode(text)
		return strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029").Replace(strings.TrimSuffix(out.String(), "\n"))
	}
	return []seed{
		bodySeed(CodeBodyPlusNewline, func(b string) string { return b + "\n" }),
		bodySeed(CodeBodyPlusNewline, func(b string) string { return b + "\r\n" }),
		bodySeed(CodeBodyPlusBOM, func(b string) string { return "\ufeff" + b }),
		bodySeed(CodeBodyCRLF, func(b string) string { return strings.ReplaceAll(b, "\n", "\r\n") }),
		bodySeed(CodeBodyEmpty, func(string) string { return "" }),
		bodySeed(CodeBodyObjectText, func(string) string { return "[object Object]" }),
		bodySeed(CodeBodyForm, func(b string) string { return "payload=" + url.QueryEscape(b) }),
		bodySeed(CodeBodyForm, url.QueryEscape),
		bodySeed(CodeBodyBase64, func(b string) string { return base64.StdEncoding.EncodeToString([]byte(b)) }),
		bodySeed(CodeBodyQuoted, quoted),
		bodySeed(CodeBodyGzip, func(b string) string {
			var out bytes.Buffer
			w := gzip.NewWriter(&out)
			_, _ = w.Write([]byte(b))
			_ = w.Close()
			return out.String()
		}),
		bodySeed(CodeBodyCharset, func(b string) string {
			var out strings.Builder
			for _, c := range []byte(b) {
				out.WriteRune(rune(c))
			}
			return out.String()
		}),
	}
}

// rewritingSeeds do to events what JSON libraries do, one thing at a time, and
// without this package's own writers.
func rewritingSeeds() []seed {
	rewriting := func(code string, of func(event) string, change func(string) string) seed {
		s := bodySeed(code, change)
		s.of = of
		return s
	}
	swap := func(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }
	written := func(write func(out *bytes.Buffer, body []byte)) func(string) string {
		return func(body string) string {
			var out bytes.Buffer
			write(&out, []byte(body))
			return strings.TrimSuffix(out.String(), "\n")
		}
	}
	return []seed{
		rewriting(CodeBodyCompact, event.lined, written(func(out *bytes.Buffer, body []byte) { _ = json.Compact(out, body) })),
		rewriting(CodeBodySpaced, event.compact, swap(`":`, `": `, `,"`, `, "`)),
		rewriting(CodeBodyIndented, event.compact, written(func(out *bytes.Buffer, body []byte) { _ = json.Indent(out, body, "", "  ") })),
		rewriting(CodeBodyUnescaped, event.escaped, swap(`\u00e4`, "ä")),
		rewriting(CodeBodyEscapedHTML, event.compact, written(json.HTMLEscape)),
		rewriting(CodeBodyEscapedUnicode, event.compact, swap("ä", `\u00e4`)),
		rewriting(CodeBodyEscapedSlashes, event.whole, swap("/", `\/`)),
		rewriting(CodeBodyNumbers, event.compact, swap(".0}", "}")),
		rewriting(CodeBodyEmptyObjects, event.hollow, swap("{}", "[]")),
		rewriting(CodeBodyKeys, event.whole, written(func(out *bytes.Buffer, body []byte) {
			var value any
			_ = json.Unmarshal(body, &value)
			e := json.NewEncoder(out)
			e.SetEscapeHTML(false)
			_ = e.Encode(value)
		})),
	}
}

func otherSeeds() []seed {
	whsec := "whsec_" + base64.StdEncoding.EncodeToString([]byte("thirty-two bytes of a signing ke"))
	decoded64, _ := base64.StdEncoding.DecodeString(plainText)
	decodedHex, _ := hex.DecodeString(plainText)
	key := func(code, text string, key []byte) seed {
		return seed{code: code, text: text, change: func(m *making) { m.key = key }}
	}
	content := func(code string, join func(id, at, body string) string) seed {
		return seed{code: code, scheme: SchemeStandard, change: func(m *making) { m.content = join }}
	}
	digest := func(code string, sum func(key, content []byte) []byte) seed {
		return seed{code: code, change: func(m *making) { m.sum = sum }}
	}
	hashed := func(parts ...[]byte) []byte { sum := sha256.Sum256(slices.Concat(parts...)); return sum[:] }
	write := func(code string, scheme Scheme, write func(sum []byte) string) seed {
		return seed{code: code, scheme: scheme, change: func(m *making) { m.write = write }}
	}
	wrap := func(code string, change func(string) string) seed {
		return seed{code: code, change: func(m *making) { old := m.write; m.write = func(sum []byte) string { return change(old(sum)) } }}
	}
	std := base64.StdEncoding.EncodeToString
	return []seed{
		key(CodeSecretOther, "", []byte(otherText)), key(CodeSecretRotated, "", []byte(oldText)),
		key(CodeSecretPrefixKept, whsec, []byte(whsec)), key(CodeSecretPrefixKept, whsec, []byte("v1,"+whsec)),
		key(CodeSecretPrefixCut, whsec, []byte(strings.TrimPrefix(whsec, "whsec_"))),
		key(CodeSecretPrefixCut, "v1,"+whsec, secret.New(whsec).Key()),
		key(CodeSecretPrefixKept, "", []byte("whsec_"+plainText)),
		key(CodeSecretHexDecoded, "", decodedHex), key(CodeSecretBase64Read, "", decoded64),
		key(CodeSecretHexEncoded, "", []byte(hex.EncodeToString([]byte(plainText)))),
		key(CodeSecretHexEncoded, whsec, []byte(hex.EncodeToString(secret.New(whsec).Key()))),
		key(CodeSecretBase64Text, "", []byte(std([]byte(plainText)))),
		key(CodeSecretPlusNewline, "", []byte(plainText+"\n")), key(CodeSecretPlusNewline, "", []byte(plainText+"\r\n")),
		key(CodeSecretPlusBlanks, "", []byte(plainText+" ")), key(CodeSecretPlusBlanks, "", []byte(" "+plainText)),
		key(CodeSecretTrimmed, " "+plainText+"\n", []byte(plainText)),
		key(CodeSecretQuoted, "", []byte(`"`+plainText+`"`)), key(CodeSecretQuoted, `'`+plainText+`'`, []byte(plainText)),
		key(CodeSecretCase, "", []byte(strings.ToUpper(plainText))), key(CodeSecretEmpty, "", []byte{}),
		content(CodeContentBodyAlone, func(_, _, body string) string { return body }),
		content(CodeContentNoID, func(_, at, body string) string { return at + "." + body }),
		content(CodeContentNoTimestamp, func(id, _, body string) string { return id + "." + body }),
		content(CodeContentNoBody, func(id, at, _ string) string { return id + "." + at }),
		content(CodeContentOrder, func(id, at, body string) string { return at + "." + id + "." + body }),
		content(CodeContentOrder, func(id, at, body string) string { return body + "." + at + "." + id }),
		content(CodeContentSeparator, func(id, at, body string) string { return id + at + body }),
		content(CodeContentSeparator, func(id, at, body string) string { return id + ":" + at + ":" + body }),
		content(CodeContentMillis, func(id, at, body string) string { return id + "." + at + "000." + body }),
		content(CodeContentMillis, func(id, at, body string) string { return id + "." + at + "987." + body }),
		{code: CodeContentTriple, scheme: SchemeSignature, change: func(m *making) { m.content = func(id, at, body string) string { return id + "." + at + "." + body } }},
		digest(CodeDigestSHA1, func(key, content []byte) []byte { m := hmac.New(sha1.New, key); m.Write(content); return m.Sum(nil) }),
		digest(CodeDigestSHA512, func(key, content []byte) []byte { m := hmac.New(sha512.New, key); m.Write(content); return m.Sum(nil) }),
		digest(CodeDigestOther, func(key, content []byte) []byte { m := hmac.New(md5.New, key); m.Write(content); return m.Sum(nil) }),
		digest(CodeDigestPlain, func(_, content []byte) []byte { return hashed(content) }),
		digest(CodeDigestJoined, func(key, content []byte) []byte { return hashed(key, content) }),
		digest(CodeDigestJoined, func(key, content []byte) []byte { return hashed(content, key) }),
		digest(CodeDigestTurned, func(key, content []byte) []byte { return macOf(content, key) }),
		write(CodeEncodingBase64, SchemeSignature, std),
		write(CodeEncodingHex, SchemeStandard, func(sum []byte) string { return "v1," + hex.EncodeToString(sum) }),
		write(CodeEncodingUpper, SchemeSignature, func(sum []byte) string { return strings.ToUpper(hex.EncodeToString(sum)) }),
		write(CodeEncodingPrefix, SchemeSignature, func(sum []byte) string { return "sha256=" + hex.EncodeToString(sum) }),
		write(CodeEncodingPrefix, SchemeSignature, func(sum []byte) string { return "t=1,v1=" + hex.EncodeToString(sum) }),
		write(CodeEncodingPrefix, SchemeStandard, func(sum []byte) string { return "sha256=" + std(sum) }),
		write(CodeEncodingTwice, SchemeStandard, func(sum []byte) string { return "v1," + std([]byte(hex.EncodeToString(sum))) }),
		write(CodeEncodingNoVersion, SchemeStandard, std),
		write(CodeEncodingUnpadded, SchemeStandard, func(sum []byte) string { return "v1," + base64.RawStdEncoding.EncodeToString(sum) }),
		wrap(CodeEncodingQuoted, strconv.Quote),
	}
}

// meant tells whether a cause's code says what was done to the body. It knows
// nothing of how the cause was found.
func meant(t *testing.T, code, given, signed string) bool {
	t.Helper()
	var a, b any
	if json.Unmarshal([]byte(strings.TrimPrefix(given, "\ufeff")), &a) != nil || json.Unmarshal([]byte(signed), &b) != nil {
		return false
	}
	same := reflect.DeepEqual(a, b)
	var compact, spaceless bytes.Buffer
	_ = json.Compact(&compact, []byte(given))
	_ = json.Compact(&spaceless, []byte(signed))
	tokens := compact.String() == spaceless.String()
	switch code {
	case CodeBodyCompact:
		return spaceless.String() == signed && compact.Len() != len(given)
	case CodeBodySpaced:
		return spaceless.String() != signed && !strings.Contains(signed, "\n")
	case CodeBodyIndented:
		return strings.Contains(signed, "\n")
	case CodeBodyUnescaped:
		return same && (strings.Count(signed, `\`) < strings.Count(given, `\`) || signed != strings.ToLower(signed)) // or in other case
	case CodeBodyEscapedHTML:
		return same && (strings.Contains(signed, `\u003`) || strings.Contains(signed, `\u002`) || strings.Contains(signed, `\u202`))
	case CodeBodyEscapedUnicode:
		return same && strings.Contains(signed, `\u`) && len(signed) > len(spaceless.String())-1
	case CodeBodyEscapedSlashes:
		return same && strings.Contains(signed, `\/`)
	case CodeBodyNumbers, CodeBodyKeys:
		return same && !tokens
	case CodeBodyEmptyObjects:
		return strings.Count(signed, "[]") > strings.Count(given, "[]")
	}
	return false
}

func must(out []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return out
}
