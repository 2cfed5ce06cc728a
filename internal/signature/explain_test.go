package signature

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sealpost/internal/secret"
)

// schemes of a seed.
func (s seed) schemes() []Scheme {
	if s.scheme != "" {
		return []Scheme{s.scheme}
	}
	return []Scheme{SchemeSignature, SchemeStandard}
}

func (s seed) secret() string {
	if s.text == "" {
		return plainText
	}
	return s.text
}

func provenCodes(causes []Cause) (found []string) {
	for _, c := range causes {
		if c.Certainty == Proven {
			found = append(found, c.Code)
		}
	}
	return found
}

// silent fails when a result tells what it must not.
func silent(t *testing.T, q Inquiry, r Result) {
	t.Helper()
	shown := string(must(json.Marshal(r)))
	for _, c := range q.Secrets {
		if text := strings.TrimSpace(c.Secret.Reveal()); strings.Contains(shown, text) {
			t.Errorf("a secret is shown: %s", shown)
		}
		h := NewSigner(Keys{Hex: c.Secret.Key(), Standard: [][]byte{c.Secret.Key()}}).Sign(vectorID, seedTime, q.Body)
		if strings.Contains(shown, h.Signature) || strings.Contains(shown, h.Standard[len(Version):]) {
			t.Errorf("a right signature is shown: %s", shown)
		}
	}
}

// Every fault, in every body and in twenty at least, both in what was received
// and in what the receiver's own code computed, is named, and nothing else is.
func TestSeededFaults(t *testing.T) {
	t.Parallel()
	bodies := corpus(t)
	for _, s := range slices.Concat(bodySeeds(), rewritingSeeds(), otherSeeds()) {
		named := map[string]bool{}
		for i, body := range s.bodies(bodies) {
			if i >= len(bodies) && len(named) >= fewest {
				break // the corpus had enough
			}
			for _, scheme := range s.schemes() {
				m := rightMaking(scheme, s.secret(), body)
				right := m.value()
				s.change(&m)
				if m.value() == right {
					continue // no fault in this body
				}
				named[body] = true
				received := inquiry(scheme, s.secret(), body, m.value())
				computed := inquiry(scheme, s.secret(), body, right)
				computed.Computed = m.value()
				for _, q := range []Inquiry{received, computed} {
					if s.code == CodeEncodingNoVersion && q.Computed != "" {
						continue // code compares without it, rightly
					}
					r := Explain(q)
					if got := provenCodes(r.Causes); len(got) != 1 || got[0] != s.code || len(r.Causes) != 1 {
						t.Errorf("%s %s of %.60q, computed %t: %+v", scheme, s.code, body, q.Computed != "", r.Causes)
					}
					if r.Valid != (q.Computed != "") {
						t.Errorf("%s: valid is %t", s.code, r.Valid)
					}
					if s.code != CodeEncodingBase64 && s.code != CodeEncodingHex { // there the value itself holds the sum
						silent(t, q, r)
					}
				}
			}
		}
		if len(named) < fewest {
			t.Errorf("%s was seeded in %d bodies", s.code, len(named))
		}
	}
}

// rewritingCodes are the causes that JSON libraries bring about.
var rewritingCodes = []string{CodeBodyCompact, CodeBodySpaced, CodeBodyIndented, CodeBodyUnescaped, CodeBodyEscapedHTML,
	CodeBodyEscapedUnicode, CodeBodyEscapedSlashes, CodeBodyNumbers, CodeBodyKeys, CodeBodyEmptyObjects}

// A body that a JSON library wrote again is told from its neighbours by what
// changed, whichever library it was.
func TestSeededRewritings(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	check := func(given, signed string) {
		if given == signed {
			return
		}
		m := rightMaking(SchemeStandard, plainText, signed)
		r := Explain(inquiry(SchemeStandard, plainText, given, m.value()))
		got := provenCodes(r.Causes)
		if len(got) == 0 || len(got) != len(r.Causes) {
			t.Errorf("%.80q signed as %.80q: %+v", given, signed, r.Causes)
			return
		}
		for _, code := range got {
			seen[code]++
			if !meant(t, code, given, signed) {
				switch code {
				case CodeBodyTrimmed, CodeBodyMinusNewline, CodeBodyEmptyObjects, CodeBodyQuoted, CodeBodyLF:
				default:
					t.Errorf("%.80q signed as %.80q isn't %s: %s", given, signed, code, r.Causes[0].Evidence)
				}
			}
		}
	}
	for _, body := range corpus(t) {
		for _, s := range serializers {
			check(body, string(s.write(parseJSON([]byte(body)), maxForm)))
		}
	}
	var python, javascript, php []map[string]string
	readJSON(t, "python.json", &python)
	readJSON(t, "php.json", &php)
	readJSON(t, "javascript.json", &javascript)
	for i, body := range corpus(t) {
		// What came in went through a library; what was signed is compact.
		compact := javascript[i]["JavaScript's JSON.stringify"]
		for _, text := range php[i] {
			check(body, text)
		}
		for _, text := range python[i] {
			check(body, text)
			if root := parseJSON([]byte(text)); string(styleOf(t, "JavaScript's JSON.stringify").write(root, maxForm)) == compact {
				check(text, compact)
			}
		}
	}
	for _, code := range rewritingCodes {
		if seen[code] == 0 {
			t.Errorf("%s was never named", code)
		}
	}
}

// Two faults at once are both named, or none is.
func TestTwoFaults(t *testing.T) {
	t.Parallel()
	bodies := corpus(t)
	faults := append(bodySeeds()[:6], otherSeeds()...)
	pairs, missed := 0, 0
	for i, first := range faults {
		for _, second := range faults[i+1:] {
			if first.text != "" || second.text != "" || kind(first.code) == kind(second.code) || kind(second.code) == "encoding" {
				continue
			}
			if kind(first.code) == "body" && second.code == CodeContentNoBody || kind(first.code)+kind(second.code) == "secretdigest" && second.code == CodeDigestPlain {
				continue // the second hides the first
			}
			body := bodies[5+(i%3)]
			m := rightMaking(SchemeStandard, plainText, body)
			first.change(&m)
			if single := m.value(); single == rightMaking(SchemeStandard, plainText, body).value() {
				continue
			}
			single := m.value()
			second.change(&m)
			if m.value() == single || second.scheme == SchemeSignature || first.scheme == SchemeSignature {
				continue
			}
			r := Explain(inquiry(SchemeStandard, plainText, body, m.value()))
			got := provenCodes(r.Causes)
			late := strings.HasPrefix(first.code+second.code, "content_mill") || second.code == CodeContentMillis
			empty := first.code == CodeSecretEmpty || second.code == CodeSecretEmpty // joined to nothing is not joined
			pairs++
			if len(got) == 0 {
				if !late { // a millisecond is looked for alone
					missed++
				}
				continue
			}
			if !empty && (len(got) != 2 || first.code != got[0] && first.code != got[1] || second.code != got[0] && second.code != got[1]) {
				t.Errorf("%s and %s: %+v", first.code, second.code, r.Causes)
			}
		}
	}
	if 10*missed > pairs { // two that are both rare may lie beyond the bound
		t.Errorf("%d of %d pairs are not named", missed, pairs)
	}
}

func kind(code string) string {
	name, _, _ := strings.Cut(code, "_")
	return name
}

// What is broken at random proves nothing.
func TestNothingProvenOfNoise(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(6, 1))
	for _, body := range corpus(t) {
		for _, scheme := range []Scheme{SchemeSignature, SchemeStandard} {
			m := rightMaking(scheme, plainText, body)
			broken := []byte(body)
			at := rnd.IntN(len(broken))
			broken[at] ^= 1 << rnd.IntN(5) // not the bit of upper and lower case: that change has a name
			stranger := make([]byte, 32)
			for i := range stranger {
				stranger[i] = byte(rnd.Uint32())
			}
			strange, random := m, m
			strange.key = stranger
			random.sum = func([]byte, []byte) []byte { return stranger }
			for name, q := range map[string]Inquiry{
				"body":   inquiry(scheme, plainText, string(broken), m.value()),
				"cut":    inquiry(scheme, plainText, body+"!", m.value()),
				"secret": inquiry(scheme, plainText, body, strange.value()),
				"value":  inquiry(scheme, plainText, body, random.value()),
			} {
				for _, computed := range []bool{false, true} {
					if computed {
						for header, values := range q.Headers {
							if header == HeaderSignature || header == HeaderStandard {
								q.Computed = values[0]
								q.Headers[header] = []string{rightMaking(scheme, plainText, string(q.Body)).value()}
							}
						}
					}
					r := Explain(q)
					if got := provenCodes(r.Causes); len(got) > 0 {
						t.Errorf("%s of %.60q proves %+v", name, body, r.Causes)
					}
					if len(r.Causes) == 0 {
						t.Errorf("%s of %.60q: nothing is said", name, body)
					}
					if r.Valid != computed {
						t.Errorf("%s of %.60q: valid is %t", name, body, r.Valid)
					}
					silent(t, q, r)
				}
			}
		}
	}
}

func TestExplainNeverJudges(t *testing.T) {
	bodies := corpus(t)
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SampledFrom(bodies).Draw(t, "body")
		scheme := rapid.SampledFrom([]Scheme{SchemeSignature, SchemeStandard, SchemeAuto}).Draw(t, "scheme")
		m := rightMaking(rapid.SampledFrom([]Scheme{SchemeSignature, SchemeStandard}).Draw(t, "made"), plainText, body)
		seeds := append(otherSeeds(), bodySeeds()...)
		if rapid.Bool().Draw(t, "wrong") {
			rapid.SampledFrom(seeds).Draw(t, "seed").change(&m)
		}
		q := inquiry(scheme, plainText, body, m.value())
		q.At = seedTime.Add(time.Duration(rapid.IntRange(-600, 600).Draw(t, "late")) * time.Second)
		q.Computed = rapid.SampledFrom([]string{"", m.value(), "nonsense"}).Draw(t, "computed")
		q.ShowExpected = rapid.Bool().Draw(t, "show")
		want, got := Verify(q.Request), Explain(q)
		if got.Valid != want.Valid || got.Signature != want.Signature || got.Freshness != want.Freshness || got.Scheme != want.Scheme || got.Secret != want.Secret {
			t.Fatalf("%+v, where Verify says %+v", got, want)
		}
		if q.ShowExpected != (got.Expected != "") {
			t.Fatalf("expected is %q", got.Expected)
		}
	})
}

func TestSearchIsBounded(t *testing.T) {
	body := []byte(corpus(t)[5])
	q := inquiry(SchemeStandard, plainText, string(body), rightMaking(SchemeStandard, "another secret of many characters", string(body)).value())
	for n := range 100 {
		q.Secrets = append(q.Secrets, Candidate{Name: "x", Secret: secret.New(strings.Repeat("x", 30+n)), Accept: n < 5})
	}
	r := Explain(q)
	if last := r.Causes[len(r.Causes)-1]; last.Code != CodeUnknown || !strings.Contains(last.Evidence, "4096 combinations tried") || !strings.Contains(last.Evidence, "its bound") {
		t.Errorf("%+v", last)
	}
}

// Every code that the package exports is documented, once.
func TestCodes(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Codes() {
		if seen[c.Code] || c.Meaning == "" || c.Fix == "" || strings.ToLower(c.Code) != c.Code {
			t.Errorf("%+v", c)
		}
		seen[c.Code] = true
	}
	file, err := parser.ParseFile(token.NewFileSet(), "cause.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if ok && strings.HasPrefix(spec.Names[0].Name, "Code") {
			if code := strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`); !seen[code] {
				t.Errorf("%s is not documented", code)
			}
		}
		return true
	})
}

func BenchmarkExplainUnknown(b *testing.B) {
	body := bytes.Repeat([]byte(`{"a":"b/c","d":[1.0,2]} `), 40)
	q := inquiry(SchemeStandard, plainText, string(body), vectorSigned)
	b.ReportAllocs()
	for b.Loop() {
		Explain(q)
	}
}
