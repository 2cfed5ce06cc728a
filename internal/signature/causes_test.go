package signature

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sealpost/internal/secret"
)

const eventBody = `{"id":"evt_1","resource":"a","action":"b","body":{"u":"https://e.x/ä","n":1.0}}`

// receivedAs is an inquiry where signed was signed rightly, and given came out.
func receivedAs(scheme Scheme, signed, given string) Inquiry {
	return inquiry(scheme, plainText, given, rightMaking(scheme, plainText, signed).value())
}

// What the corpus of seeds can't say: facts about the request, bodies that were
// unpacked, what is known of the body that was sent. Each holds of every event.
var oddCases = []struct {
	name   string
	make   func(event) Inquiry
	proven []string
	likely []string // suspected, all of them
}{
	{"newline lost", func(e event) Inquiry { return receivedAs(SchemeStandard, e.compact(), e.compact()+"\n") }, []string{CodeBodyMinusNewline}, nil},
	{"CRLF lost", func(e event) Inquiry { return receivedAs(SchemeSignature, e.compact(), e.compact()+"\r\n") }, []string{CodeBodyMinusNewline}, nil},
	{"blanks", func(e event) Inquiry { return receivedAs(SchemeSignature, e.compact(), "  "+e.compact()+" \n\n") }, []string{CodeBodyTrimmed}, nil},
	{"to LF", func(e event) Inquiry {
		return receivedAs(SchemeSignature, e.lined(), strings.ReplaceAll(e.lined(), "\n", "\r\n"))
	}, []string{CodeBodyLF}, nil},
	{"byte order mark", func(e event) Inquiry { return receivedAs(SchemeStandard, e.compact(), "\ufeff"+e.compact()) }, []string{CodeBodyMinusBOM}, nil},
	{"form field", func(e event) Inquiry {
		return receivedAs(SchemeStandard, e.compact(), "payload="+url.QueryEscape(e.compact()))
	}, []string{CodeBodyNotForm}, nil},
	{"form name", func(e event) Inquiry {
		return receivedAs(SchemeStandard, e.compact(), url.QueryEscape(e.compact())+"=")
	}, []string{CodeBodyNotForm}, nil},
	{"base64", func(e event) Inquiry {
		return receivedAs(SchemeStandard, e.compact(), base64.StdEncoding.EncodeToString([]byte(e.compact())))
	}, []string{CodeBodyNotBase64}, nil},
	{"JSON string", func(e event) Inquiry {
		return receivedAs(SchemeStandard, e.compact(), `"`+strings.ReplaceAll(e.compact(), `"`, `\"`)+`"`)
	}, []string{CodeBodyUnquoted}, nil},
	{"gzip", func(e event) Inquiry {
		return receivedAs(SchemeStandard, e.compact(), string(zip([]byte(e.compact()), 9)))
	}, []string{CodeBodyGunzip}, nil},
	{"zlib", func(e event) Inquiry {
		var out bytes.Buffer
		w := zlib.NewWriter(&out)
		_, _ = w.Write([]byte(e.compact()))
		_ = w.Close()
		return receivedAs(SchemeStandard, e.compact(), out.String())
	}, []string{CodeBodyGunzip}, nil},
	{"member", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact(), e.compact())
		q.Computed = rightMaking(SchemeStandard, plainText, e.member()).value()
		return q
	}, []string{CodeBodyPart}, nil},

	{"sent body known, rewritten", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact(), e.sorted())
		q.Stored = []byte(e.compact())
		return q
	}, []string{CodeBodyRewritten}, nil},
	{"sent body known, another", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact(), strings.Replace(e.compact(), e.id(), e.id()+"0", 1))
		q.Stored = []byte(e.compact())
		return q
	}, []string{CodeBodyDiffers}, nil},
	{"sent body known, the same", func(e event) Inquiry {
		q := inquiry(SchemeStandard, plainText, e.compact(), rightMaking(SchemeStandard, "no one knows this secret at all", e.compact()).value())
		q.Stored = []byte(e.compact())
		return q
	}, nil, []string{CodeUnknown}},

	{"other scheme", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact(), e.compact())
		q.Scheme, q.Headers[HeaderSignature] = SchemeSignature, []string{strings.Repeat("00", 32)}
		return q
	}, []string{CodeSchemeOther}, []string{CodeUnknown}},
	{"GitHub's header alone", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, e.compact(), e.compact())
		q.Headers["X-Hub-Signature-256"] = []string{"sha256=" + q.Headers[HeaderSignature][0]}
		delete(q.Headers, HeaderSignature)
		return q
	}, []string{CodeSchemeOther}, nil},
	{"other header", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, e.compact(), e.compact())
		q.Headers["X-Signature"] = []string{"sha256=" + q.Headers[HeaderSignature][0]}
		delete(q.Headers, HeaderSignature)
		return q
	}, []string{CodeHeaderOther, CodeEncodingPrefix}, nil},
	{"hex of the body in the triple", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact(), e.compact())
		q.Headers[HeaderStandard] = []string{"v1," + Hex([]byte(plainText), []byte(e.compact()))}
		return q
	}, []string{CodeContentBodyAlone, CodeEncodingHex}, nil},
	{"base64 of the URL alphabet", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, e.compact(), e.compact())
		for n := 0; ; n++ { // until the alphabets differ
			q.Body = fmt.Append(nil, e.compact(), n)
			value := base64.URLEncoding.EncodeToString(macOf([]byte(plainText), q.Body))
			if strings.ContainsAny(value, "-_") {
				q.Headers[HeaderSignature] = []string{value}
				return q
			}
		}
	}, []string{CodeEncodingBase64, CodeEncodingURL}, nil},
	{"milliseconds in the header, signed as such", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact(), e.compact())
		at := strconv.Itoa(vectorTime * 1000)
		q.Headers[HeaderTimestamp] = []string{at}
		q.Headers[HeaderStandard] = []string{Standard([]byte(plainText), vectorID, vectorTime*1000, []byte(e.compact()))}
		return q
	}, []string{CodeTimestampMilliseconds}, nil},
	{"milliseconds in the header, signed in seconds", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact(), e.compact())
		q.Headers[HeaderTimestamp] = []string{strconv.Itoa(vectorTime*1000 + 7)}
		return q
	}, []string{CodeTimestampMilliseconds, CodeContentSeconds}, nil},
	{"unreadable time", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact(), e.compact())
		q.Headers[HeaderTimestamp] = []string{"yesterday"}
		return q
	}, []string{CodeTimestampUnreadable}, []string{CodeUnknown}},
	{"stale", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact(), e.compact())
		q.At = seedTime.Add(2 * DefaultTolerance)
		return q
	}, []string{CodeTimestampStale}, nil},
	{"future", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact(), e.compact())
		q.At = seedTime.Add(-2 * DefaultTolerance)
		return q
	}, []string{CodeTimestampFuture}, nil},
	{"header twice", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, e.compact(), e.compact())
		q.Headers[HeaderSignature] = append(q.Headers[HeaderSignature], "another")
		delete(q.Headers, HeaderID)
		return q
	}, []string{CodeHeaderRepeated}, []string{CodeUnknown}},
	{"header too long", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, e.compact(), e.compact())
		q.Headers[HeaderSignature][0] += strings.Repeat(" ", maxHeader) + "x"
		return q
	}, []string{CodeHeaderTooLong}, []string{CodeUnknown}},
	{"triple without its id", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact(), e.compact())
		delete(q.Headers, HeaderID)
		return q
	}, []string{CodeTripleIncomplete}, []string{CodeUnknown}},
	{"no signature at all", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, e.compact(), e.compact())
		q.Headers = nil
		return q
	}, nil, []string{CodeUnknown}},
	{"cut off", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, e.compact(), e.compact())
		q.Headers[HeaderSignature][0] = q.Headers[HeaderSignature][0][:63]
		return q
	}, []string{CodeEncodingCut}, nil},
	{"computed cut off", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, e.compact(), e.compact())
		q.Computed = q.Headers[HeaderSignature][0][:63]
		return q
	}, []string{CodeEncodingCut}, nil},
	{"no sum at all", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, e.compact(), e.compact())
		q.Headers[HeaderSignature][0] = "abcd"
		return q
	}, []string{CodeValueMalformed}, []string{CodeUnknown}},
	{"computed unknown", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, e.compact(), e.compact())
		q.Computed = strings.Repeat("ab", 32)
		return q
	}, nil, []string{CodeComputedUnknown}},
	{"both right", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, e.compact(), e.compact())
		q.Computed = q.Headers[HeaderSignature][0]
		return q
	}, []string{CodeComputedRight}, nil},
	{"the computed one alone right", func(e event) Inquiry {
		q := inquiry(SchemeStandard, plainText, e.compact(), rightMaking(SchemeStandard, otherText, e.compact()).value())
		q.Computed = rightMaking(SchemeStandard, plainText, e.compact()).value()[len(Version):]
		return q
	}, []string{CodeSecretOther, CodeComputedRight}, nil},
	{"computed alone, right", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, e.compact(), e.compact())
		q.Computed, q.Headers = q.Headers[HeaderSignature][0], nil
		return q
	}, []string{CodeComputedRight}, nil},
	{"computed alone, with a newline too many", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact(), e.compact())
		q.Computed = rightMaking(SchemeStandard, plainText, e.compact()+"\n").value()
		delete(q.Headers, HeaderStandard)
		return q
	}, []string{CodeBodyPlusNewline}, nil},
	{"computed alone, unknown", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, e.compact(), "")
		q.Computed, q.Headers = strings.Repeat("ab", 32), nil
		return q
	}, nil, []string{CodeBodyEmpty, CodeComputedUnknown}},
	{"computed alone, over another body than was sent", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, e.compact(), e.compact()+" ")
		q.Computed, q.Headers, q.Stored = Hex([]byte(plainText), []byte(e.compact()+" ")), nil, []byte(e.compact())
		return q
	}, []string{CodeBodyDiffers, CodeComputedRight}, nil},
	{"computed for the other header", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact(), e.compact())
		q.Scheme, q.Headers[HeaderSignature] = SchemeAuto, []string{Hex([]byte(plainText), []byte(e.compact()))}
		q.Computed = Hex([]byte(plainText+"\n"), []byte(e.compact()))
		return q
	}, []string{CodeSecretPlusNewline}, nil},
	{"no secret is accepted, but one is known", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, e.compact(), e.compact())
		q.Secrets = []Candidate{{Name: "x", Secret: secret.New(plainText)}}
		return q
	}, []string{CodeSecretOther}, nil},

	{"both schemes, Signature by the secret before", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact(), e.compact())
		q.Scheme, q.Headers[HeaderSignature] = SchemeAuto, []string{Hex([]byte("a secret that is not known here"), []byte(e.compact()))}
		return q
	}, []string{CodeSchemeOther}, []string{CodeSecretOverlap, CodeUnknown}},
	{"v1a without a public key", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact()+"x", e.compact())
		q.Scheme, q.Headers[HeaderStandard] = SchemeAuto, []string{q.Headers[HeaderStandard][0] + " v1a,AAAA"}
		return q
	}, nil, []string{CodeAsymmetric, CodeUnknown}},
	{"quotes taken by a shell", func(e event) Inquiry {
		body := fmt.Sprintf(`{"id":"%s","resource":"a","action":"b","body":{"n":%d,"ok":true}}`, e.id(), e.n)
		return receivedAs(SchemeStandard, body, strings.ReplaceAll(body, `"`, ""))
	}, []string{CodeBodyRequoted}, nil},
	{"computed over slashes added", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact(), e.compact())
		q.Computed = rightMaking(SchemeStandard, plainText, strings.ReplaceAll(e.compact(), `"`, `\"`)).value()
		return q
	}, []string{CodeBodyEscaped}, nil},
	{"computed over chunks", func(e event) Inquiry {
		q := receivedAs(SchemeStandard, e.compact(), e.compact())
		q.Computed = rightMaking(SchemeStandard, plainText, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(e.compact()), e.compact())).value()
		return q
	}, []string{CodeBodyChunked}, nil},
	{"looks like SHA-1", func(e event) Inquiry {
		return inquiry(SchemeSignature, plainText, e.compact(), strings.Repeat("ab", 20))
	}, nil, []string{CodeDigestSHA1, CodeUnknown}},
	{"looks like SHA-512", func(e event) Inquiry {
		return inquiry(SchemeSignature, plainText, e.compact(), strings.Repeat("ab", 64))
	}, nil, []string{CodeDigestSHA512, CodeUnknown}},
	{"looks like MD5", func(e event) Inquiry {
		return inquiry(SchemeSignature, plainText, e.compact(), strings.Repeat("ab", 16))
	}, nil, []string{CodeDigestOther, CodeUnknown}},
	{"looks empty", func(e event) Inquiry { return receivedAs(SchemeSignature, e.compact(), "") }, nil, []string{CodeBodyEmpty, CodeUnknown}},
	{"looks like gzip", func(e event) Inquiry { return receivedAs(SchemeSignature, e.compact(), "\x1f\x8bbroken"+e.id()) }, nil, []string{CodeBodyGunzip, CodeUnknown}},
	{"looks decompressed", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, "other bytes", e.compact())
		q.Headers["content-encoding"] = []string{"gzip"}
		return q
	}, nil, []string{CodeBodyGzip, CodeUnknown}},
	{"looks like a form", func(e event) Inquiry { return receivedAs(SchemeSignature, e.compact(), "x=%7B%22lost"+e.id()) }, nil, []string{CodeBodyNotForm, CodeUnknown}},
	{"looks edited", func(e event) Inquiry {
		return receivedAs(SchemeSignature, e.compact(), "\ufeff{\"a\": "+strconv.Itoa(e.n)+", \"b\": 2, \"c\": 3}\n")
	}, nil, []string{CodeBodyMinusBOM, CodeBodyMinusNewline, CodeBodyCompact, CodeBodyKeys, CodeUnknown}},
	{"looks like bad secrets", func(e event) Inquiry {
		q := receivedAs(SchemeSignature, e.compact()+"x", e.compact())
		q.Secrets = nil
		for _, text := range []string{"", " blank at the front, long enough", `"a quoted text, long enough it is"`, "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "short", strings.Repeat("ab", 16)} {
			q.Secrets = append(q.Secrets, Candidate{Name: "s", Secret: secret.New(text), Accept: true})
		}
		return q
	}, nil, []string{CodeSecretEmpty, CodeSecretTrimmed, CodeSecretQuoted, CodeSecretPrefixCut, CodeSecretOther, CodeSecretOther, CodeUnknown}},
}

func TestOddCases(t *testing.T) {
	if n := len(events()); n < fewest {
		t.Fatalf("%d events are too few", n)
	}
	for _, test := range oddCases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, e := range events() {
				r := Explain(test.make(e))
				var likely []string
				for _, c := range r.Causes {
					if c.Certainty == Suspected {
						likely = append(likely, c.Code)
					}
					if c.Fix == "" || c.Evidence == "" || len(c.Evidence) > 1000 {
						t.Errorf("%+v", c)
					}
				}
				if got := provenCodes(r.Causes); !slices.Equal(got, test.proven) || !slices.Equal(likely, test.likely) {
					t.Errorf("%s: proven %v, suspected %v: %+v", e.id(), got, likely, r.Causes)
				}
			}
		})
	}
}

// Each documented code is what some test expects, and those expect it on twenty
// bodies and more: none is a dead word.
func TestEveryCodeIsReached(t *testing.T) {
	reached := map[string]bool{}
	for _, s := range slices.Concat(bodySeeds(), rewritingSeeds(), otherSeeds()) {
		reached[s.code] = true
	}
	for _, c := range oddCases {
		for _, code := range append(c.proven, c.likely...) {
			reached[code] = true
		}
	}
	for _, c := range wrongCases(t) {
		for _, code := range c.Must[:min(len(c.Must), 1)] {
			reached[code] = true
		}
	}
	for _, c := range Codes() {
		if !reached[c.Code] {
			t.Errorf("no test expects %s", c.Code)
		}
	}
}

func TestExpectedIsShownOnRequestOnly(t *testing.T) {
	for _, scheme := range []Scheme{SchemeSignature, SchemeStandard} {
		q := inquiry(scheme, plainText, eventBody, rightMaking(scheme, otherText, eventBody).value())
		want := rightMaking(scheme, plainText, eventBody).value()
		if r := Explain(q); r.Expected != "" || r.Valid {
			t.Errorf("%+v", r)
		}
		q.ShowExpected = true
		if r := Explain(q); r.Expected != want || r.Valid {
			t.Errorf("%+v", r)
		}
	}
}

func TestDifferenceShowsWhere(t *testing.T) {
	for _, test := range []struct{ sent, given, want string }{
		{"abc", "abd", `sent are 3 bytes, given 3; the first difference is at byte 2: sent "abc", given "abd"`},
		{"abc", "abc\n", `sent are 3 bytes, given 4; the first difference is at byte 3: sent nothing after "abc", given "abc\n"`},
		{strings.Repeat("x", 100) + "a", strings.Repeat("x", 100) + "b", `byte 100: sent "` + strings.Repeat("x", 24) + `a", given`},
	} {
		if got := firstDifference([]byte(test.sent), []byte(test.given)); !strings.Contains(got, test.want) {
			t.Errorf("%s\nhas not %s", got, test.want)
		}
	}
}

func FuzzExplain(f *testing.F) {
	for _, value := range []string{vectorSigned, "sha256=" + strings.Repeat("ab", 32), "t=1,v1=", `"v1,x"`, "=,:", hex.EncodeToString([]byte("short"))} {
		f.Add(value, vectorID, strconv.Itoa(vectorTime), []byte(vectorBody), value)
	}
	f.Fuzz(func(t *testing.T, value, id, at string, body []byte, computed string) {
		q := inquiry(SchemeAuto, plainText, string(body), value)
		q.Headers = map[string][]string{HeaderSignature: {value}, HeaderStandard: {value}, HeaderID: {id}, HeaderTimestamp: {at}}
		q.Computed = computed
		q.Secrets = q.Secrets[:1]
		q.Secrets[0].Secret = secret.New("a secret that the fuzzer does not find")
		r := Explain(q)
		if r.Valid || r.Signature == Valid {
			t.Fatal("a signature was forged")
		}
		for _, c := range r.Causes {
			if fixes[c.Code] == "" || c.Certainty == Proven && strings.Contains(c.Evidence, "comes out") && c.Code != CodeDigestPlain && c.Code != CodeSecretEmpty && kind(c.Code) != "encoding" {
				t.Fatalf("%+v", c)
			}
		}
	})
}
