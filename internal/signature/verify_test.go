package signature

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sealpost/internal/secret"
)

// The vector that the Standard Webhooks specification gives.
const (
	vectorSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTime   = 1614265330
	vectorBody   = `{"test": 2432232314}`
	vectorSigned = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func TestVectors(t *testing.T) {
	if got := Standard(secret.New(vectorSecret).Key(), vectorID, vectorTime, []byte(vectorBody)); got != vectorSigned {
		t.Errorf("%s, not %s", got, vectorSigned)
	}
	// RFC 4231, test case 2.
	if got := Hex([]byte("Jefe"), []byte("what do ya want for nothing?")); got != "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" {
		t.Errorf("%s", got)
	}
}

func TestSignerAgrees(t *testing.T) {
	keys := Keys{Hex: []byte("old"), Standard: [][]byte{[]byte("new"), []byte("old")}}
	signer := NewSigner(keys)
	at := time.Unix(vectorTime, 999)
	for n := range 3 { // states are used again
		body := fmt.Append(nil, "body", n)
		got := signer.Sign(vectorID, at, body)
		want := Headers{
			Signature: Hex(keys.Hex, body), ID: vectorID, Timestamp: fmt.Sprint(vectorTime),
			Standard: Standard(keys.Standard[0], vectorID, vectorTime, body) + " " + Standard(keys.Standard[1], vectorID, vectorTime, body),
		}
		if got != want {
			t.Errorf("%+v, not %+v", got, want)
		}
	}
}

// signed is a request as a receiver gets it.
func signed(key secret.Text, id string, at time.Time, body []byte) Request {
	h := NewSigner(Keys{Hex: key.Key(), Standard: [][]byte{key.Key()}}).Sign(id, at, body)
	return Request{
		Headers: map[string][]string{"signature": {h.Signature}, "Webhook-Id": {h.ID}, "WEBHOOK-TIMESTAMP": {h.Timestamp}, "webhook-signature": {h.Standard}},
		Body:    body, Secrets: []Candidate{{Name: "it", Secret: key, Accept: true}}, Tolerance: DefaultTolerance, At: at,
	}
}

func TestVerify(t *testing.T) {
	key := secret.New("0123456789abcdef0123456789abcdef")
	at := time.Unix(vectorTime, 0)
	for _, test := range []struct {
		name      string
		scheme    Scheme
		change    func(*Request)
		valid     bool
		signature string
		freshness string
	}{
		{"both, auto", SchemeAuto, func(*Request) {}, true, Valid, Fresh},
		{"signature alone", SchemeSignature, func(*Request) {}, true, Valid, None},
		{"auto without the triple", SchemeAuto, func(r *Request) { delete(r.Headers, "webhook-signature") }, true, Valid, None},
		{"nothing", SchemeAuto, func(r *Request) { r.Headers = nil }, false, Missing, None},
		{"triple without id", SchemeStandard, func(r *Request) { delete(r.Headers, "Webhook-Id") }, false, Missing, None},
		{"old", SchemeStandard, func(r *Request) { r.At = at.Add(301 * time.Second) }, false, Valid, Stale},
		{"just young enough", SchemeStandard, func(r *Request) { r.At = at.Add(300 * time.Second) }, true, Valid, Fresh},
		{"from the future", SchemeStandard, func(r *Request) { r.At = at.Add(-301 * time.Second) }, false, Valid, Future},
		{"any age", SchemeStandard, func(r *Request) { r.At, r.Tolerance = at.Add(time.Hour), -1 }, true, Valid, None},
		{"body changed", SchemeStandard, func(r *Request) { r.Body = append(r.Body, '\n') }, false, Invalid, Fresh},
		{"body changed", SchemeSignature, func(r *Request) { r.Body = append(r.Body, '\n') }, false, Invalid, None},
		{"id changed", SchemeStandard, func(r *Request) { r.Headers["Webhook-Id"] = []string{"other"} }, false, Invalid, Fresh},
		{"time changed", SchemeStandard, func(r *Request) { r.Headers["WEBHOOK-TIMESTAMP"] = []string{fmt.Sprint(vectorTime + 1)} }, false, Invalid, Fresh},
		{"milliseconds", SchemeStandard, func(r *Request) { r.Headers["WEBHOOK-TIMESTAMP"] = []string{fmt.Sprint(vectorTime * 1000)} }, false, Invalid, Stale},
		{"other secret", SchemeAuto, func(r *Request) { r.Secrets[0].Secret = secret.New("x") }, false, Invalid, Fresh},
		{"secret that counts no more", SchemeAuto, func(r *Request) { r.Secrets[0].Accept = false }, false, Invalid, Fresh},
		{"one of two secrets", SchemeAuto, func(r *Request) {
			r.Secrets = append([]Candidate{{Secret: secret.New("x"), Accept: true}}, r.Secrets...)
		}, true, Valid, Fresh},
		{"one of several signatures", SchemeStandard, func(r *Request) {
			r.Headers["webhook-signature"][0] = "v1,AAAA v1a,x v2,y " + r.Headers["webhook-signature"][0]
		}, true, Valid, Fresh},
		{"upper case hex", SchemeSignature, func(r *Request) { r.Headers["signature"][0] = strings.ToUpper(r.Headers["signature"][0]) }, false, Invalid, None},
		{"triple twice does not fall back", SchemeAuto, func(r *Request) { r.Headers["Webhook-Signature"] = r.Headers["webhook-signature"] }, false, Missing, None},
		{"no secret", SchemeAuto, func(r *Request) { r.Secrets = nil }, false, Invalid, Fresh},
		{"header twice", SchemeSignature, func(r *Request) { r.Headers["Signature"] = r.Headers["signature"] }, false, Missing, None},
		{"header too long", SchemeSignature, func(r *Request) { r.Headers["signature"][0] += strings.Repeat("0", 5000) }, false, Missing, None},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := signed(key, vectorID, at, []byte(vectorBody))
			r.Scheme = test.scheme
			test.change(&r)
			got := Verify(r)
			if got.Valid != test.valid || got.Signature != test.signature || got.Freshness != test.freshness {
				t.Errorf("%+v", got)
			}
			if got.Causes == nil || got.Valid && len(got.Causes) > 0 {
				t.Errorf("causes %v", got.Causes)
			}
		})
	}
}

// A secret that could not be read must not turn into the key that anyone has.
func TestEmptySecretVerifiesNothing(t *testing.T) {
	for _, empty := range []secret.Text{{}, secret.New("whsec_")} {
		r := signed(empty, vectorID, time.Unix(vectorTime, 0), []byte(vectorBody))
		for _, r.Scheme = range []Scheme{SchemeSignature, SchemeStandard} {
			if got := Verify(r); got.Signature != Invalid {
				t.Errorf("%s: %+v", r.Scheme, got)
			}
		}
	}
}

func TestAnyChangeCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := secret.New(rapid.StringMatching(`[a-f0-9]{24,64}`).Draw(t, "key"))
		id := rapid.StringMatching(`[!-\-/-~]{1,40}`).Draw(t, "id")
		body := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "body")
		at := time.Unix(rapid.Int64Range(1, 1<<33).Draw(t, "at"), 0)
		for _, scheme := range []Scheme{SchemeSignature, SchemeStandard} {
			r := signed(key, id, at, body)
			r.Scheme = scheme
			if !Verify(r).Valid {
				t.Fatalf("%s: what was signed is not valid", scheme)
			}
			r.Body = bytes.Clone(body)
			r.Body[rapid.IntRange(0, len(body)-1).Draw(t, "place")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			if Verify(r).Signature == Valid {
				t.Fatalf("%s: a changed body is valid", scheme)
			}
			r.Body, r.Secrets[0].Secret = body, secret.New(key.Reveal()+"0")
			if Verify(r).Signature == Valid {
				t.Fatalf("%s: a changed secret is valid", scheme)
			}
		}
		for header, value := range map[string]string{"Webhook-Id": id + "x", "WEBHOOK-TIMESTAMP": fmt.Sprint(at.Unix() + 1)} {
			r := signed(key, id, at, body)
			r.Headers[header] = []string{value}
			if Verify(r).Signature == Valid {
				t.Fatalf("a changed %s is valid", header)
			}
		}
	})
}

func FuzzParseStandard(f *testing.F) {
	for _, seed := range []string{"", vectorSigned, "v1,", "v1a,x " + vectorSigned, strings.Repeat(vectorSigned+" ", 40), "v1,AAAA\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		found := ParseStandard(value)
		if found == nil || len(found) > maxSignatures {
			t.Fatalf("%d signatures", len(found))
		}
		for _, sum := range found {
			if len(sum) != 32 {
				t.Fatalf("a signature of %d bytes", len(sum))
			}
		}
	})
}

func FuzzVerify(f *testing.F) {
	f.Add("5f", vectorID, fmt.Sprint(vectorTime), vectorSigned, []byte(vectorBody))
	f.Add("", "", "", "", []byte{})
	f.Fuzz(func(t *testing.T, hex, id, at, standard string, body []byte) {
		r := Request{Headers: map[string][]string{"Signature": {hex}, "webhook-id": {id}, "webhook-timestamp": {at}, "webhook-signature": {standard}},
			Body: body, Secrets: []Candidate{{Secret: secret.New("a secret that the fuzzer does not find"), Accept: true}}, At: time.Unix(vectorTime, 0)}
		if Verify(r).Signature == Valid {
			t.Fatal("a signature was forged")
		}
	})
}

func BenchmarkSign(b *testing.B) {
	signer := NewSigner(Keys{Hex: []byte("key"), Standard: [][]byte{[]byte("key")}})
	body, at := make([]byte, 1024), time.Unix(vectorTime, 0)
	b.ReportAllocs()
	for b.Loop() {
		signer.Sign(vectorID, at, body)
	}
}
