package signature

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"fmt"
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
// unpacked, what is known of the body that was sent.
var oddCases = []struct {
	name   string
	make   func() Inquiry
	proven []string
	likely []string // suspected, all of them
}{
	{"newline lost", func() Inquiry { return receivedAs(SchemeStandard, eventBody, eventBody+"\n") }, []string{CodeBodyMinusNewline}, nil},
	{"CRLF lost", func() Inquiry { return receivedAs(SchemeSignature, eventBody, eventBody+"\r\n") }, []string{CodeBodyMinusNewline}, nil},
	{"blanks", func() Inquiry { return receivedAs(SchemeSignature, eventBody, "  "+eventBody+" \n\n") }, []string{CodeBodyTrimmed}, nil},
	{"to LF", func() Inquiry { return receivedAs(SchemeSignature, "a\nb\n", "a\r\nb\r\n") }, []string{CodeBodyLF}, nil},
	{"byte order mark", func() Inquiry { return receivedAs(SchemeStandard, eventBody, "\ufeff"+eventBody) }, []string{CodeBodyMinusBOM}, nil},
	{"form field", func() Inquiry { return receivedAs(SchemeStandard, `{"a":"b c"}`, "payload=%7B%22a%22%3A%22b+c%22%7D") }, []string{CodeBodyNotForm}, nil},
	{"form name", func() Inquiry { return receivedAs(SchemeStandard, `{"a":"b c"}`, "%7B%22a%22%3A%22b+c%22%7D=") }, []string{CodeBodyNotForm}, nil},
	{"base64", func() Inquiry {
		return receivedAs(SchemeStandard, eventBody, base64.StdEncoding.EncodeToString([]byte(eventBody)))
	}, []string{CodeBodyNotBase64}, nil},
	{"JSON string", func() Inquiry { return receivedAs(SchemeStandard, `{"a":"b"}`, `"{\"a\":\"b\"}"`) }, []string{CodeBodyUnquoted}, nil},
	{"gzip", func() Inquiry { return receivedAs(SchemeStandard, eventBody, string(zip([]byte(eventBody), 9))) }, []string{CodeBodyGunzip}, nil},
	{"zlib", func() Inquiry {
		var out bytes.Buffer
		w := zlib.NewWriter(&out)
		_, _ = w.Write([]byte(eventBody))
		_ = w.Close()
		return receivedAs(SchemeStandard, eventBody, out.String())
	}, []string{CodeBodyGunzip}, nil},
	{"member", func() Inquiry {
		q := receivedAs(SchemeStandard, eventBody, eventBody)
		q.Computed = rightMaking(SchemeStandard, plainText, `{"u":"https://e.x/ä","n":1.0}`).value()
		return q
	}, []string{CodeBodyPart}, nil},

	{"sent body known, rewritten", func() Inquiry {
		q := receivedAs(SchemeStandard, eventBody, `{"action": "b", "body": {"n": 1.0, "u": "https://e.x/\u00e4"}, "id": "evt_1", "resource": "a"}`)
		q.Stored = []byte(eventBody)
		return q
	}, []string{CodeBodyRewritten}, nil},
	{"sent body known, another", func() Inquiry {
		q := receivedAs(SchemeStandard, eventBody, strings.Replace(eventBody, "evt_1", "evt_2", 1))
		q.Stored = []byte(eventBody)
		return q
	}, []string{CodeBodyDiffers}, nil},
	{"sent body known, the same", func() Inquiry {
		q := inquiry(SchemeStandard, plainText, eventBody, rightMaking(SchemeStandard, "no one knows this secret at all", eventBody).value())
		q.Stored = []byte(eventBody)
		return q
	}, nil, []string{CodeUnknown}},

	{"other scheme", func() Inquiry {
		q := receivedAs(SchemeStandard, eventBody, eventBody)
		q.Scheme, q.Headers[HeaderSignature] = SchemeSignature, []string{strings.Repeat("00", 32)}
		return q
	}, []string{CodeSchemeOther}, nil},
	{"other header", func() Inquiry {
		q := receivedAs(SchemeSignature, eventBody, eventBody)
		q.Headers["X-Hub-Signature-256"] = []string{"sha256=" + q.Headers[HeaderSignature][0]}
		delete(q.Headers, HeaderSignature)
		return q
	}, []string{CodeHeaderOther, CodeEncodingPrefix}, nil},
	{"hex of the body in the triple", func() Inquiry {
		q := receivedAs(SchemeStandard, eventBody, eventBody)
		q.Headers[HeaderStandard] = []string{"v1," + Hex([]byte(plainText), []byte(eventBody))}
		return q
	}, []string{CodeContentBodyAlone, CodeEncodingHex}, nil},
	{"base64 of the URL alphabet", func() Inquiry {
		q := receivedAs(SchemeSignature, eventBody, eventBody)
		for n := 0; ; n++ { // until the alphabets differ
			q.Body = fmt.Append(nil, eventBody, n)
			value := base64.URLEncoding.EncodeToString(macOf([]byte(plainText), q.Body))
			if strings.ContainsAny(value, "-_") {
				q.Headers[HeaderSignature] = []string{value}
				return q
			}
		}
	}, []string{CodeEncodingBase64, CodeEncodingURL}, nil},
	{"milliseconds in the header, signed as such", func() Inquiry {
		q := receivedAs(SchemeStandard, eventBody, eventBody)
		at := strconv.Itoa(vectorTime * 1000)
		q.Headers[HeaderTimestamp] = []string{at}
		q.Headers[HeaderStandard] = []string{Standard([]byte(plainText), vectorID, vectorTime*1000, []byte(eventBody))}
		return q
	}, []string{CodeTimestampMilliseconds}, nil},
	{"milliseconds in the header, signed in seconds", func() Inquiry {
		q := receivedAs(SchemeStandard, eventBody, eventBody)
		q.Headers[HeaderTimestamp] = []string{strconv.Itoa(vectorTime*1000 + 7)}
		return q
	}, []string{CodeTimestampMilliseconds, CodeContentSeconds}, nil},
	{"unreadable time", func() Inquiry {
		q := receivedAs(SchemeStandard, eventBody, eventBody)
		q.Headers[HeaderTimestamp] = []string{"yesterday"}
		return q
	}, []string{CodeTimestampUnreadable}, []string{CodeUnknown}},
	{"stale", func() Inquiry {
		q := receivedAs(SchemeStandard, eventBody, eventBody)
		q.At = seedTime.Add(2 * DefaultTolerance)
		return q
	}, []string{CodeTimestampStale}, nil},
	{"future", func() Inquiry {
		q := receivedAs(SchemeStandard, eventBody, eventBody)
		q.At = seedTime.Add(-2 * DefaultTolerance)
		return q
	}, []string{CodeTimestampFuture}, nil},
	{"header twice", func() Inquiry {
		q := receivedAs(SchemeSignature, eventBody, eventBody)
		q.Headers[HeaderSignature] = append(q.Headers[HeaderSignature], "another")
		delete(q.Headers, HeaderID)
		return q
	}, []string{CodeHeaderRepeated}, []string{CodeUnknown}},
	{"header too long", func() Inquiry {
		q := receivedAs(SchemeSignature, eventBody, eventBody)
		q.Headers[HeaderSignature][0] += strings.Repeat(" ", maxHeader) + "x"
		return q
	}, []string{CodeHeaderTooLong}, []string{CodeUnknown}},
	{"triple without its id", func() Inquiry {
		q := receivedAs(SchemeStandard, eventBody, eventBody)
		delete(q.Headers, HeaderID)
		return q
	}, []string{CodeTripleIncomplete}, []string{CodeUnknown}},
	{"no signature at all", func() Inquiry {
		q := receivedAs(SchemeSignature, eventBody, eventBody)
		q.Headers = nil
		return q
	}, nil, []string{CodeUnknown}},
	{"cut off", func() Inquiry {
		q := receivedAs(SchemeSignature, eventBody, eventBody)
		q.Headers[HeaderSignature][0] = q.Headers[HeaderSignature][0][:63]
		return q
	}, []string{CodeValueMalformed}, []string{CodeUnknown}},
	{"computed cut off", func() Inquiry {
		q := receivedAs(SchemeSignature, eventBody, eventBody)
		q.Computed = q.Headers[HeaderSignature][0][:63]
		return q
	}, []string{CodeValueMalformed}, nil},
	{"computed unknown", func() Inquiry {
		q := receivedAs(SchemeSignature, eventBody, eventBody)
		q.Computed = strings.Repeat("ab", 32)
		return q
	}, nil, []string{CodeComputedUnknown}},
	{"both right", func() Inquiry {
		q := receivedAs(SchemeSignature, eventBody, eventBody)
		q.Computed = q.Headers[HeaderSignature][0]
		return q
	}, []string{CodeComputedRight}, nil},
	{"the computed one alone right", func() Inquiry {
		q := inquiry(SchemeStandard, plainText, eventBody, rightMaking(SchemeStandard, otherText, eventBody).value())
		q.Computed = rightMaking(SchemeStandard, plainText, eventBody).value()[len(Version):]
		return q
	}, []string{CodeSecretOther, CodeComputedRight}, nil},
	{"computed for the other header", func() Inquiry {
		q := receivedAs(SchemeStandard, eventBody, eventBody)
		q.Scheme, q.Headers[HeaderSignature] = SchemeAuto, []string{Hex([]byte(plainText), []byte(eventBody))}
		q.Computed = Hex([]byte(plainText+"\n"), []byte(eventBody))
		return q
	}, []string{CodeSecretPlusNewline}, nil},
	{"no secret is accepted, but one is known", func() Inquiry {
		q := receivedAs(SchemeSignature, eventBody, eventBody)
		q.Secrets = []Candidate{{Name: "x", Secret: secret.New(plainText)}}
		return q
	}, []string{CodeSecretOther}, nil},

	{"looks like SHA-1", func() Inquiry { return inquiry(SchemeSignature, plainText, eventBody, strings.Repeat("ab", 20)) }, nil, []string{CodeDigestSHA1, CodeUnknown}},
	{"looks like SHA-512", func() Inquiry { return inquiry(SchemeSignature, plainText, eventBody, strings.Repeat("ab", 64)) }, nil, []string{CodeDigestSHA512, CodeUnknown}},
	{"looks like MD5", func() Inquiry { return inquiry(SchemeSignature, plainText, eventBody, strings.Repeat("ab", 16)) }, nil, []string{CodeDigestOther, CodeUnknown}},
	{"looks empty", func() Inquiry { return receivedAs(SchemeSignature, eventBody, "") }, nil, []string{CodeBodyEmpty, CodeUnknown}},
	{"looks like gzip", func() Inquiry { return receivedAs(SchemeSignature, eventBody, "\x1f\x8bbroken") }, nil, []string{CodeBodyGunzip, CodeUnknown}},
	{"looks decompressed", func() Inquiry {
		q := receivedAs(SchemeSignature, "other bytes", eventBody)
		q.Headers["content-encoding"] = []string{"gzip"}
		return q
	}, nil, []string{CodeBodyGzip, CodeUnknown}},
	{"looks like a form", func() Inquiry { return receivedAs(SchemeSignature, eventBody, "x=%7B%22lost") }, nil, []string{CodeBodyNotForm, CodeUnknown}},
	{"looks edited", func() Inquiry {
		return receivedAs(SchemeSignature, eventBody, "\ufeff{\"a\": 1, \"b\": 2, \"c\": 3}\n")
	}, nil, []string{CodeBodyMinusBOM, CodeBodyMinusNewline, CodeBodyCompact, CodeBodyKeys, CodeUnknown}},
	{"looks like bad secrets", func() Inquiry {
		q := receivedAs(SchemeSignature, eventBody+"x", eventBody)
		q.Secrets = nil
		for _, text := range []string{"", " blank at the front, long enough", `"a quoted text, long enough it is"`, "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "short", strings.Repeat("ab", 16)} {
			q.Secrets = append(q.Secrets, Candidate{Name: "s", Secret: secret.New(text), Accept: true})
		}
		return q
	}, nil, []string{CodeSecretEmpty, CodeSecretTrimmed, CodeSecretQuoted, CodeSecretPrefixCut, CodeSecretOther, CodeSecretOther, CodeUnknown}},
}

func TestOddCases(t *testing.T) {
	for _, test := range oddCases {
		t.Run(test.name, func(t *testing.T) {
			r := Explain(test.make())
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
				t.Errorf("proven %v, suspected %v: %+v", got, likely, r.Causes)
			}
		})
	}
}

// Each documented code is what some test expects: none is a dead word.
func TestEveryCodeIsReached(t *testing.T) {
	reached := map[string]bool{}
	for _, s := range append(bodySeeds(), otherSeeds()...) {
		reached[s.code] = true
	}
	for _, c := range oddCases {
		for _, code := range append(c.proven, c.likely...) {
			reached[code] = true
		}
	}
	for _, code := range rewritingCodes {
		reached[code] = true
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
